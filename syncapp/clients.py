"""The client of an account: over HTTP as its provider says, or at a database with the tables that were chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.conf import settings

from .connectors.client import Client
from .connectors.renewal import Keeper
from .connectors.speaks import Speaks
from .connectors.spec import Manifest
from .connectors.sql.client import SqlClient
from .connectors.sql.place import Place, place_of
from .connectors.sql.tables import from_json
from .connectors.transport import USUAL, Timeouts
from .facts import manifest_of
from .keeping import AccountKeeper
from .models import Account, Subscription
from .overlay import overlaid
from .secrets import secrets_of
from .throttling import RedisThrottle

# Shared by all workers: an account that asked for a pause gets one from all of them.
THROTTLE = RedisThrottle()


def client_of(
    account: Account,
    before_write: Callable[[], None] = lambda: None,
    *,
    keeper: Keeper | None = None,
    timeouts: Timeouts = USUAL,
) -> Speaks:
    """Raises ManifestError, Misconfigured or SecretProblem, each a sentence for the account's page."""
    manifest = manifest_of(account)
    if manifest.sql is None:
        return caller_of(account, before_write, keeper=keeper, timeouts=timeouts)
    place = place_for(account, manifest, secrets_of(account))
    tables = {slug: from_json(raw) for slug, raw in account.tables.items()}
    return SqlClient(manifest, tables, place, looks_only=overlaid(), before_write=before_write)


def caller_of(
    account: Account,
    before_write: Callable[[], None] = lambda: None,
    *,
    keeper: Keeper | None = None,
    timeouts: Timeouts = USUAL,
) -> Client:
    """The client of an account that is spoken to over HTTP."""
    manifest, secrets = manifest_of(account), secrets_of(account)
    # Second webhook secrets stand beside the first while it is changed; calls have no use for them.
    calling = {
        name: text for name, text in secrets.items() if name in manifest.secrets or not name.startswith("webhook")
    }
    return Client(
        manifest, account.config, calling, allow_private=account.allow_private, account=account.slug,
        throttle=THROTTLE, looks_only=overlaid(), before_write=before_write,
        keeper=keeper or AccountKeeper(account), timeouts=timeouts, subscription=_subscription(account, manifest),
    )  # fmt: skip


def _subscription(account: Account, manifest: Manifest) -> str:
    """The one that the account has as a whole; "" where it has none. Asked only where it may have one."""
    hook = manifest.webhook
    if hook is None or hook.subscription is None or hook.subscription.objects:
        return ""
    rows = Subscription.objects.filter(account=account, object="", state=Subscription.State.ACTIVE)
    return rows.values_list("remote_id", flat=True).first() or ""


def place_for(account: Account, manifest: Manifest, secrets: Mapping[str, str]) -> Place:
    """Where an account's database is. Raises Misconfigured or EgressDenied."""
    return place_of(
        manifest, account.config, secrets, account=account.slug, allow_private=account.allow_private,
        folders=settings.SQLITE_FOLDERS,
    )  # fmt: skip
