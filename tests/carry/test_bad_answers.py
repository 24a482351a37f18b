"""Answers that no API should give: the pass ends with a sentence, the watermark stays, nothing is taken for deleted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from policies.models import Sync
from syncapp.models import Account, Feed, Link, Run
from syncapp.poll import poll
from tests.carry.driving import Side, first_load
from tests.clerk.making import silent
from tests.connectors.server import Provider, Reply, serve

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = b"<!DOCTYPE html><html><body>Sign in to go on</body></html>"
CUT_OFF = b'{"results": [{"id": "1001", "properties": {"email": "p'
BAD: list[tuple[Reply, str]] = [
    (Reply(raw=PAGE, headers={"Content-Type": "text/html"}), "something stands between the hub and the provider"),
    (Reply(raw=CUT_OFF), "is not JSON"),
    (Reply(raw=b" " * 34_000_000), "larger than"),
    (Reply({"rows": []}), "there is no list at 'results'"),
    (Reply({"message": "no such region"}, 404), "check the account's address, its region"),
    (Reply({"message": "revoked"}, 401), "does not accept the credentials"),
    (Reply({"message": "scope"}, 403), "may not do this"),
    (Reply(None, 302, {"Location": "http://[::]/"}), "unspecified"),
]


@pytest.fixture
def odd() -> Iterator[Provider]:
    yield from serve()


@pytest.mark.parametrize(("reply", "words"), BAD, ids=[words[:24] for _, words in BAD])
def test_a_bad_answer_has_a_name_and_harms_nothing(
    sync: Sync, sides: dict[str, Side], odd: Provider, reply: Reply, words: str
) -> None:
    first_load(sides, 2)
    feed = Feed.objects.get(role__name="crm")
    before = (feed.cursor, sorted(Link.objects.filter(feed=feed).values_list("remote_id", "head")))
    Account.objects.filter(slug="crm").update(config={"server": odd.url})
    odd.on("GET", "/api/contacts", reply)
    run = poll(feed.pk, full=True, at_once=True, ring_feeds=silent)
    assert run is not None
    run.refresh_from_db()
    assert (run.state, words in run.error) == (Run.State.FAILED, True), run.error
    feed.refresh_from_db()
    assert (feed.cursor, sorted(Link.objects.filter(feed=feed).values_list("remote_id", "head"))) == before
    assert feed.next_due is not None and feed.claimed_until is None
