"""Whatever the style in which a provider tells what changed, nothing of it is lost: not at equal times, not on the edge
of a page, not to a crash between pages or a forgotten cursor, not when records change while they are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncapp.connectors.client import Client
from syncapp.connectors.errors import PageLost, PlaceLost
from syncapp.watermark import Watermark
from tests.connectors.server import Provider, serve
from tests.connectors.shapes import client
from tests.connectors.speaking import STYLES, Account, Style

Step = tuple[str, int]
CHANGES = st.tuples(st.sampled_from(["make", "edit", "edit", "delete"]), st.integers(1, 14))
STEPS = st.one_of(
    CHANGES,
    CHANGES,
    st.tuples(st.just("tick"), st.sampled_from([0, 1, 1, 59, 3600])),
    st.tuples(st.sampled_from(["pages", "pages", "through", "full", "forget"]), st.integers(1, 3)),
)


class Reader:
    """What the clerk does with a feed: the watermark moves with a page, a crash goes on from there."""

    def __init__(self, account: Account, asking: Client) -> None:
        self.account, self.asking = account, asking
        self.text, self.held, self.busy = "", dict[str, Any](), True
        self.shown: set[str] | None = None  # of a listing of everything

    def read(self, pages: int | None = None, *, full: bool = False) -> None:
        """So many pages, then it crashes; None: through."""
        for _ in range(3):
            try:
                self._read(pages, full)
                return
            except PageLost:
                at = Watermark.read(self.text)
                self.text = Watermark(at.since, None, at.then, at.marks, at.found).text()
            except PlaceLost:
                self.text, full = "", True
        raise AssertionError("the place is lost again and again")

    def _read(self, pages: int | None, full: bool) -> None:
        at = Watermark.read(self.text)
        if full and not at.in_full:
            at = at.whole()
        if not at.since and not at.page:
            self.shown = set()
        for number, page in enumerate(self.asking.pages("people", since=at.since, cursor=at.page, marks=at.marks)):
            assert not page.faults
            for item in page.items:
                id = item.id.rpartition("/")[2]
                self.held.pop(id, None) if item.deleted else self.held.update({id: item.body["v"]})
                self.shown.add(id) if self.shown is not None else None
            in_full, at = at.since is None, at.after(page)
            self._ask_for_left_out() if in_full and page.last else None
            self.text = at.text()
            self._move(number)
            if pages is not None and number + 1 >= pages:
                return

    def _ask_for_left_out(self) -> None:
        for id in set(self.held) - (self.shown or set()):
            if id in self.account.rows:
                self.held[id] = self.account.rows[id]["v"]
            else:
                del self.held[id]
        self.shown = None

    def _move(self, number: int) -> None:
        """Somebody is always at work while we read."""
        if number == 0 and self.busy:
            self.account.edit(2)

    def told(self) -> dict[str, int]:
        return {id: row["v"] for id, row in self.account.rows.items()}


def play(account: Account, reader: Reader, steps: list[Step]) -> None:
    for word, number in steps:
        match word:
            case "make":
                account.make()
            case "edit":
                account.edit(number)
            case "delete":
                account.delete(number)
            case "tick":
                account.now += number
            case "pages":
                reader.read(number)
            case "through":
                reader.read()
            case "full":
                reader.read(number, full=True)
            case "forget":
                account.epoch += 1


def whole(step: Step) -> Step:
    """The same without a stop between two pages."""
    word, number = step
    return ("through", number) if word == "pages" else ("full", 99) if word == "full" else step


def rest(reader: Reader) -> None:
    """Quiet passes: one may have been left half way, one is over what came meanwhile, one over what moved it."""
    for _ in range(3):
        reader.busy = False
        reader.account.now += 1
        reader.read()


@pytest.fixture(scope="module")
def shared() -> Iterator[Provider]:
    yield from serve()


def begin(style: Style, provider: Provider) -> Reader:
    account = Account()
    for _ in range(8):
        account.make()
    provider.answers.clear()
    provider.asked.clear()
    style.serve(account, provider)
    for id in range(1, 80):
        provider.on("GET", f"/people/{id}", account.read)
    asking = client(provider.url, style.changes, clock=lambda: account.now)
    reader = Reader(account, asking)
    reader.busy = not style.counts
    return reader


@pytest.mark.parametrize("style", STYLES, ids=[style.name for style in STYLES])
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEPS, max_size=25))
def test_nothing_is_lost(shared: Provider, style: Style, steps: list[Step]) -> None:
    reader = begin(style, shared)
    play(reader.account, reader, [whole(step) if style.counts else step for step in steps])
    rest(reader)
    told = reader.told()
    held = reader.held if style.deletes else {id: v for id, v in reader.held.items() if id in told}
    assert held == told


def test_a_hub_whose_clock_is_behind_loses_nothing(shared: Provider) -> None:
    """The end of the time that is asked for is the hub's own; what changed after it is asked for the next time."""
    style = next(style for style in STYLES if style.name.startswith("ids of a window"))
    reader = begin(style, shared)
    account, reader.busy = reader.account, False
    reader.asking = client(shared.url, style.changes, clock=lambda: account.now - 600)
    reader.read()
    account.now += 3600
    account.edit(3)
    account.now += 60
    reader.read()
    account.now += 3600
    reader.read()
    assert reader.held == reader.told()
