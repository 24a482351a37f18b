"""Take a person's answer: load under lock, resolve, commit. Web form, API and demo all come through here."""

from __future__ import annotations

import uuid

from policies.core import merged
from policies.core.identity import place
from policies.core.joining import busy
from policies.core.plan import plan
from policies.core.resolve import Choice, Moved, Refused, resolve
from policies.core.seen import Context, Observation
from policies.core.values import Kind, Question, Record, Values
from syncapp.again import again
from syncapp.models import Conflict
from syncapp.store import PgPage, PgStore

__all__ = ["Choice", "Moved", "Refused", "decide"]


def decide(conflict: Conflict, version: int, choice: Choice, actor: str) -> None:
    """Answer the question as it was shown at `version`.

    Raises Moved when anything in it changed since or it has ended, Refused when the answer does not fit, Contended
    when the record stayed busy.
    """
    take = {Kind.MATCH: _match, Kind.MERGE: _merge}.get(Kind(conflict.kind), _plain)
    again(lambda: take(conflict, version, choice, actor))


def _key(conflict: Conflict) -> tuple[str, str, str, str]:
    return (conflict.kind, conflict.unit, conflict.role, conflict.about)


def _ended(conflict: Conflict) -> bool:
    """A question of the same key may have been opened anew: that is another question, with its own versions."""
    state = Conflict.objects.filter(pk=conflict.pk).values_list("state", flat=True).first()
    return state != Conflict.State.OPEN


def _plain(conflict: Conflict, version: int, choice: Choice, actor: str) -> None:
    store, key = PgStore(conflict.sync), str(conflict.record_id)
    with store.open(key) as page:
        record = page.record(key)
        if record is None or _ended(conflict):
            raise Moved(None)
        page.save(resolve(record, _key(conflict), version, choice, actor, page.policy, Context(store.now())))


def _merge(conflict: Conflict, version: int, choice: Choice, actor: str) -> None:
    """A merge at an account: to follow it changes the record it was merged into as well."""
    store, key = PgStore(conflict.sync), str(conflict.record_id)
    with store.page(conflict.role, (), [key, *_partners(conflict)]) as page:
        record = page.record(key)
        if record is None or _ended(conflict):
            raise Moved(None)
        question, context = _asked(record, conflict, version), page.context(conflict.role)
        answered = resolve(record, question.key, version, choice, actor, page.policy, context)
        page.save(answered)
        if choice.action == "follow":
            into = _wanted(page, merged.partner(question))
            if busy(answered.state, into):
                raise Refused("a write to one of the two is under way; try again in a moment")
            for made in merged.follow(answered.state, into, question.role, page.policy, context):
                page.save(made)


def _partners(conflict: Conflict) -> list[str]:
    return [one["source"] for one in conflict.candidates if one["source"] != conflict.role]


def _asked(record: Record, conflict: Conflict, version: int) -> Question:
    """Raises Moved when the question is not as it was shown at `version`."""
    question = next((q for q in record.questions if q.key == _key(conflict)), None)
    if question is None or question.version != version:
        raise Moved(question)
    return question


def _match(conflict: Conflict, version: int, choice: Choice, actor: str) -> None:
    """Identity: the answer is taken, then the remote record gets its link and is judged as it was seen."""
    store, key = PgStore(conflict.sync), str(conflict.record_id)
    seen, other = _seen(conflict), _record_key(choice.record)
    keys = [key, other] if other and other != key else [key]
    with store.page(conflict.role, (seen,), keys) as page:
        record = page.record(key)
        if record is None or _ended(conflict):
            raise Moved(None)
        question = _asked(record, conflict, version)
        if choice.action != "skip" and page.linked(seen) is not None:
            raise Refused("the record there was linked meanwhile; choose skip, and look at the record it belongs to")
        linked = _linked(page, record, question, choice, seen, actor)
        if linked is not None:
            page.save(plan(linked, seen, page.policy, page.context(conflict.role)))


def _linked(
    page: PgPage, record: Record, question: Question, choice: Choice, seen: Observation, actor: str
) -> Record | None:
    """Close the question and make the link that the answer asks for; the record that was linked."""
    context = page.context(question.role)
    other = choice.record if choice.action == "same" and choice.record not in ("", record.key) else ""
    # Where another record was meant, this one is kept apart from what was found.
    taken = Choice(action="apart") if other else choice
    answered = resolve(record, question.key, question.version, taken, actor, page.policy, context)
    page.save(answered)
    if choice.action == "skip":
        return None
    if choice.action == "same" and not other:
        return answered.state
    matches = [_wanted(page, other)] if other else []
    placed = place(seen, matches, page.policy, context, page.new_key())
    link = placed.state.links.get(seen.role)
    if placed.wait or link is None or link.remote_id != seen.remote_id:
        raise Refused("the record you chose already has another record there: merge the two there, or keep them apart")
    page.save(placed)
    return placed.state


def _wanted(page: PgPage, key: str) -> Record:
    found = page.record(key)
    if found is None:
        raise Refused("there is no such record; choose one of those shown")
    return found


def _record_key(text: str) -> str:
    try:
        return str(uuid.UUID(text)) if text else ""
    except ValueError:
        raise Refused("there is no such record; choose one of those shown") from None


def _seen(conflict: Conflict) -> Observation:
    """What the question was asked about, as the candidate kept it."""
    fields: Values = next((c["value"] for c in conflict.candidates if c["source"] == conflict.role), {})
    return Observation(conflict.role, conflict.about, fields, conflict.opened_at)
