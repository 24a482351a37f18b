"""People are told once when a brake goes on: a line in the ledger, and mail where a mail server is set."""

from __future__ import annotations

import logging
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.urls import reverse

from policies.core.reasons import Reason, Verdict

from .booked import tell
from .brakes import OPEN, Code
from .load import database_now
from .models import Brake, Feed
from .pacing import end_paced
from .releasing import end_answered
from .stopping import stop_newcomers
from .words import capital, sentence

logger = logging.getLogger(__name__)

MAY_RELEASE = "release_held"


def look_after_brakes(now: datetime) -> None:
    """Each tick: one query while no brake is on."""
    if not Brake.objects.filter(OPEN).exists():
        return
    stop_newcomers()
    end_answered()
    end_paced(now)
    for brake in Brake.objects.filter(OPEN, alerted_at=None).select_related("sync", "account", "feed__account"):
        alert(brake)


def alert(brake: Brake) -> bool:
    """By exactly one worker; False if another was quicker. A mail that cannot be sent is logged, not sent again."""
    if brake.code == Code.STOP and brake.sync is None and Brake.objects.filter(OPEN, code=Code.STOP).count() > 1:
        Brake.objects.filter(pk=brake.pk).update(alerted_at=database_now())
        return False  # its syncs are told of
    with transaction.atomic():
        if not Brake.objects.filter(OPEN, pk=brake.pk, alerted_at=None).update(alerted_at=database_now()):
            return False
        _book(brake)
    if settings.EMAIL_HOST:
        _mail(brake)
    return True


def _book(brake: Brake) -> None:
    syncs = {brake.sync} if brake.sync is not None else set()
    if brake.account_id is not None:
        syncs = {feed.role.sync for feed in Feed.objects.filter(account=brake.account_id).select_related("role__sync")}
    for sync in syncs:
        tell(sync, Verdict.HELD, Reason.BRAKE_TRIPPED, detail=brake.sentence, actor=brake.tripped_by)


def _mail(brake: Brake) -> None:
    people = User.objects.filter(is_active=True, groups__permissions__codename=MAY_RELEASE).exclude(email="")
    to = sorted(set(people.values_list("email", flat=True)))
    if not to:
        return
    where = settings.PUBLIC_ADDRESS.rstrip("/") + page_of(brake)
    body = f"{sentence(capital(brake.sentence))}\n\nLook at it, and release what may go on:\n{where}\n"
    try:
        with get_connection(timeout=10) as connection:
            for one in to:
                EmailMessage(f"Concord: {subject(brake)}", body, None, [one], connection=connection).send()
    except OSError as error:  # SMTPException is one
        logger.warning("the alert about brake %s could not be mailed: %s", brake.pk, error)


def subject(brake: Brake) -> str:
    about = brake.account or (brake.feed.account if brake.feed else None) or brake.sync
    return f"{brake.get_code_display()}, {about}" if about else brake.get_code_display()


def page_of(brake: Brake) -> str:
    if brake.code == Code.STOP:
        return reverse("release", args=[brake.sync.slug]) if brake.sync is not None else reverse("brakes")
    return reverse("brake", args=[brake.pk])
