"""Take a person's answer: load under lock, resolve, commit. Web form, API and demo all come through here."""

from __future__ import annotations

from policies.core.resolve import Choice, Moved, Refused, resolve
from policies.core.seen import Context
from policies.core.values import Kind, Question
from syncapp import identify
from syncapp.again import again
from syncapp.load import lives_on
from syncapp.models import Conflict
from syncapp.store import PgPage, PgStore

from . import identity

__all__ = ["Choice", "Moved", "Refused", "decide"]


def decide(conflict: Conflict, version: int, choice: Choice, actor: str) -> None:
    """Answer the question as it was shown at `version`.

    Raises Moved when anything in it changed since or it has ended, Refused when the answer does not fit, Contended
    when the record stayed busy.
    """
    take = _identity if conflict.kind in (Kind.MATCH, Kind.MERGE) else _plain
    again(lambda: take(conflict, version, choice, actor))


def _plain(conflict: Conflict, version: int, choice: Choice, actor: str) -> None:
    store, key = PgStore(conflict.sync), str(conflict.record_id)
    with store.open(key) as page:
        record, question = page.record(key), _asked(page, conflict, version)
        assert record is not None, "it has a question"
        page.save(resolve(record, question.key, version, choice, actor, page.policy, Context(store.now())))


def _identity(conflict: Conflict, version: int, choice: Choice, actor: str) -> None:
    """Several records may change: all that the question speaks of are locked."""
    seen, keys = identity.seen_of(conflict), identity.named(conflict, choice)
    observations = (seen,) if conflict.kind == Kind.MATCH else ()
    if conflict.kind == Kind.MERGE:
        keys += sorted(lives_on(keys) - set(keys))
    with PgStore(conflict.sync).page(conflict.role, observations, keys) as page:
        question = _asked(page, conflict, version)
        record = page.record(str(conflict.record_id))
        assert record is not None, "it has a question"
        if conflict.kind == Kind.MATCH:
            identify.match(page, record, question, choice, seen, actor)
        else:
            identify.merge(page, record, question, choice, actor)


def _asked(page: PgPage, conflict: Conflict, version: int) -> Question:
    """Raises Moved when the question is not as it was shown at `version`.

    A question of the same key may have been opened anew: that is another question, with its own versions.
    """
    record = page.record(str(conflict.record_id))
    state = Conflict.objects.filter(pk=conflict.pk).values_list("state", flat=True).first()
    if record is None or state != Conflict.State.OPEN:
        raise Moved(None)
    key = (conflict.kind, conflict.unit, conflict.role, conflict.about)
    question = next((q for q in record.questions if q.key == key), None)
    if question is None or question.version != version:
        raise Moved(question)
    return question
