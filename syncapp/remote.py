"""One feed's account as the steps see it: canonical values in and out, over the provider's own API."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from policies.core.norms import norm
from policies.core.seen import How, Observation
from policies.core.values import Json, Values

from . import skew
from .brakes import before_sending
from .clients import client_of
from .columns import check_columns
from .connectors.endless import check_end
from .connectors.errors import Gone, Limited, Malformed, PageLost, Rejected
from .connectors.records import Item, Page
from .connectors.records import Written as Receipt
from .connectors.speaks import Speaks
from .facts import facts_of
from .load import database_now
from .meaning import translator_of
from .models import Account, Feed
from .ports import Listing, Written
from .sieve import KeepAll, Sieve
from .translate import Translator, Unreadable
from .watermark import Watermark

# A listing that is forgotten while it is read begins again, so often in one pass.
FORGOTTEN = 3
Norm = Callable[[Json], Json]


class FeedRemote:
    """Implements `ports.Remote`. One per job; not shared between threads."""

    def __init__(
        self,
        feed: Feed,
        client: Speaks,
        translator: Translator,
        match_keys: Sequence[Sequence[str]],
        norms: Mapping[str, Norm],
        sieve: Sieve | None = None,
        now: Callable[[], datetime] = database_now,
    ) -> None:
        self.role, self.feed, self.client, self.now = translator.role, feed, client, now
        self.spec, self.translator = translator.spec, translator
        self.sieve: Sieve = sieve or KeepAll()
        self.limited: Limited | None = None  # a look-up before a create was put off by the account's limits
        self.note = ""  # what the provider did otherwise than asked
        self._match_keys, self._norms = match_keys, norms

    def pages(self, cursor: str, *, full: bool = False) -> Iterator[Listing]:
        """Goes on in the middle of a listing where one was left; a full one that was begun is finished first."""
        at = Watermark.read(cursor)
        if (full and not at.in_full) or not self.spec.tells_changes:
            at = at.whole()
        for read_at, page in self._walk(at):
            at = at.after(page)
            check_end(at.pages, self.spec.operations["list"].paging.most_pages, f"feed {self.role}")
            self.note = page.note or self.note
            seen = self.sieve.hold(self._seen(page.items, read_at, How.LIST, page))
            yield Listing(seen, at.text(), page.last)

    def _walk(self, at: Watermark) -> Iterator[tuple[datetime, Page]]:
        filters = () if self.feed.cursor.get("whole") else self.translator.scope.filters  # whole: its scope changed
        listing = partial(self.client.pages, self.feed.object, since=at.since, marks=at.marks, filters=filters)
        walk = listing(cursor=at.page)
        resumed, forgotten = at.page is not None, 0
        while True:
            read_at, clock = self.now(), time.time()
            try:
                page = next(walk)
            except (Rejected, Malformed, Gone, PageLost) as error:
                forgotten += isinstance(error, PageLost)
                if forgotten > FORGOTTEN or not (resumed or isinstance(error, PageLost)):
                    raise
                # The provider does not know that page any more: the same listing from its beginning.
                walk, resumed = listing(), False
                continue
            sent = read_at + timedelta(seconds=page.asked_at - clock)
            skew.learn(self.feed.account, page.server_date, sent, page.round_trip)
            resumed = False
            yield read_at, page
            if page.last:
                return

    def _seen(self, items: Sequence[Item], read_at: datetime, how: How, page: Page | None = None) -> list[Observation]:
        """Observations of what the sieve keeps; records that cannot be read are set aside, and the page goes on."""
        check_columns(self.client, self.spec, self.translator.mapping, items)
        out: list[Observation] = []
        aside = [("", reason) for reason in page.faults.values()] if page is not None else []
        last = page.last if page is not None else False
        for seen in self.sieve.keep([self.translator.seen(item) for item in items], read_at, last):
            try:
                out.append(self.translator.told(seen, read_at, how))
            except Unreadable as error:
                aside.append((error.remote_id, str(error)))
        if aside:
            self.sieve.set_aside(aside)
        return list(self.translator.resolved(out))

    def read(self, remote_id: str) -> Observation:
        read_at = self.now()
        try:
            item = self.client.read(self.feed.object, remote_id)
        except Gone as gone:
            if gone.item is None:
                return Observation(self.role, remote_id, {}, read_at, received_at=read_at, deleted=True)
            item = gone.item
        check_columns(self.client, self.spec, self.translator.mapping, [item])
        return self.translator.observation(self.translator.seen(item), read_at, How.BY_ID)

    def read_many(self, remote_ids: Collection[str]) -> list[Observation]:
        """Read records by id, in batches where the provider has them; what a batch leaves out is asked for alone."""
        found: dict[str, Item] = {}
        out: list[Observation] = []
        if self.spec.can("read_many") and len(remote_ids) > 1:
            read_at = self.now()
            found = self.client.read_many(self.feed.object, remote_ids)
            out = self._seen(list(found.values()), read_at, How.BY_ID)
        for remote_id in remote_ids:
            if remote_id not in found:
                out += self._read_one(remote_id)
        return out

    def _read_one(self, remote_id: str) -> list[Observation]:
        try:
            return [self.read(remote_id)]
        except Unreadable as error:
            self.sieve.set_aside([(remote_id, str(error))])
            return []

    # Looking up before a create

    def find(self, values: Values, external_id: str) -> Sequence[Observation]:
        """By our own id where it can be asked for; else by each match key that the mapping knows, exact after N."""
        operation = self.spec.operations.get("find")
        if operation is None:
            return []
        if self.spec.external_id and ("external_id" in operation.by or "*" in operation.by):
            name = "external_id" if "external_id" in operation.by else self.spec.external_id
            ours = [hit for hit in self._ask(name, external_id) if hit.external_id == external_id]
            if ours:
                return ours
        found: dict[str, Observation] = {}
        for names in self._match_keys:
            if all(name in self.translator.mapping.fields and values.get(name) is not None for name in names):
                hits = self._by_key(names, values, operation.by)
                found.update((hit.remote_id, hit) for hit in hits)
        return list(found.values())

    def _by_key(self, names: Sequence[str], values: Values, by: Mapping[str, str]) -> list[Observation]:
        """Ask by the first field of the key that can be asked for, then compare all of them."""
        for name in names:
            word = self.translator.provider_field(name)
            if word in by or "*" in by:
                hits = [hit for text in self._spellings(name, values[name]) for hit in self._ask(word, text)]
                return [hit for hit in hits if all(self._same(key, values[key], hit.fields.get(key)) for key in names)]
        return []

    def _spellings(self, name: str, value: Json) -> list[str]:
        """As sent; an e-mail address in lower case too, because an account may compare by letter."""
        text = self.translator.as_sent(name, value)
        if text is None:
            return []
        folded = text.casefold() if self.translator.kinds[name].name == "email" else text
        return list(dict.fromkeys((text, folded)))

    def _same(self, name: str, mine: Json, theirs: Json) -> bool:
        kind, form = self.translator.kinds[name], self._norms.get(name, lambda value: value)
        left, right = form(mine), form(theirs)
        if kind.name == "email" and isinstance(left, str) and isinstance(right, str):
            return left.casefold() == right.casefold()
        return kind.same(left, right)

    def _ask(self, word: str, text: str) -> list[Observation]:
        read_at = self.now()
        try:
            items = self.client.find(self.feed.object, word, text)
        except Limited as error:
            self.limited = error
            raise
        check_columns(self.client, self.spec, self.translator.mapping, items)
        return list(self.translator.observations(items, read_at, How.SEARCH))

    # Writing

    def create(self, values: Values, *, key: str, external_id: str) -> Written:
        asked = self.now()
        body = self.translator.body(values)
        own = external_id if self.spec.external_id else None
        try:
            receipt = self.client.create(self.feed.object, body, key=key, external_id=own)
        except Rejected as refused:
            raise self.translator.in_our_words(refused) from refused
        if receipt.item is not None and receipt.item.actor and not receipt.existed:
            self._know_ourselves(receipt.item.actor)
        return self._written(receipt, asked)

    def update(self, remote_id: str, values: Values, *, version: str | None, key: str) -> Written:
        asked = self.now()
        body = self.translator.body(values)
        try:
            receipt = self.client.update(self.feed.object, remote_id, body, version=version, key=key)
        except Rejected as refused:
            raise self.translator.in_our_words(refused) from refused
        return self._written(receipt, asked)

    def delete(self, remote_id: str, *, version: str | None, key: str) -> None:
        self.client.delete(self.feed.object, remote_id, version=version, key=key)

    def _written(self, receipt: Receipt, asked: datetime) -> Written:
        return self._understood([self._told(receipt, asked)])[0]

    def _told(self, receipt: Receipt, asked: datetime) -> Written:
        """The receipt. A write that landed is never turned into an error: without a usable body it is read back."""
        reading, item = self.translator, receipt.item
        try:
            shown = None if item is None else reading.told(reading.seen(item), asked, How.RESPONSE)
        except Unreadable:
            shown = None
        return Written(receipt.id, receipt.version, shown)

    def _understood(self, receipts: Sequence[Written]) -> list[Written]:
        shown = iter(self.translator.resolved([one.observation for one in receipts if one.observation is not None]))
        return [one if one.observation is None else replace(one, observation=next(shown)) for one in receipts]

    def _know_ourselves(self, actor: str) -> None:
        """The one who made a record that we just made is us; an update may change nothing and name somebody else."""
        account = self.feed.account
        if account.actor != actor:
            account.actor = actor
            Account.objects.filter(pk=account.pk).update(actor=actor)


R = TypeVar("R", bound=FeedRemote)


def open_remote(feed: Feed, sieve: Sieve | None = None) -> AbstractContextManager[FeedRemote]:
    """The remote of a feed that was loaded with its account, role and sync."""
    return opened(FeedRemote, feed, sieve)


@contextmanager
def opened(kind: type[R], feed: Feed, sieve: Sieve | None = None) -> Iterator[R]:
    translator = translator_of(feed)
    norms = {
        name: norm(specs, translator.kinds[name].name)
        for name, specs in facts_of(feed).norms.items()
        if name in translator.kinds
    }
    client = client_of(feed.account, lambda: before_sending(feed))
    try:
        yield kind(feed, client, translator, feed.role.sync.match_keys, norms, sieve)
    finally:
        client.close()
