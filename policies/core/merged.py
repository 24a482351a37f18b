"""An account merged two records: judge what becomes of the ones that the hub linked to them.

A change of two records: the plans come in the order in which they are to be saved, in one transaction.
"""

from __future__ import annotations

from dataclasses import replace

from . import gone
from .draft import Draft
from .gates import stale
from .joining import busy, live_on
from .planned import Plan
from .reasons import Reason, Verdict
from .rules import OnMerge, Policy
from .seen import Context, Observation
from .values import HUB, Candidate, Kind, Link, Question, Record

OF_THE_LINK = frozenset({Kind.MATCH, Kind.DELETE, Kind.MERGE})


def merged(
    loser: Record | None, winner: Record | None, seen: Observation, policy: Policy, context: Context
) -> tuple[Plan, ...]:
    """`seen` shows that `seen.remote_id`, linked to `loser`, lives on as `seen.merged_into`, linked to `winner`.

    A plan with `wait` or `look_again` comes alone: nothing was judged.
    """
    if loser is None:
        return _nobodys(winner, seen, policy, context)
    draft, link = Draft(loser, policy, context), loser.links[seen.role]
    if link.unlinked or link.into:
        return ()
    if stale(draft, replace(seen, version=None), link):
        return (draft.done(look_again=True),)
    if winner is None or winner.key == loser.key:
        return (_new_id(draft, seen, link),)
    if policy.on_merge is OnMerge.FOLLOW and busy(_but(loser, seen.role), winner):
        draft.say(Verdict.WAITS, Reason.PUSH_IN_FLIGHT, seen.role)
        return (draft.done(wait=True),)
    return _judged(draft, winner, seen, link)


def _but(record: Record, role: str) -> Record:
    """Without the link that was merged away: what was being written there went to a record that is no more."""
    return replace(record, links={name: link for name, link in record.links.items() if name != role})


def _nobodys(winner: Record | None, seen: Observation, policy: Policy, context: Context) -> tuple[Plan, ...]:
    """The id that is no more was linked to nothing; a question whether it is the same has answered itself."""
    if winner is None:
        return ()
    draft = Draft(winner, policy, context)
    _close(draft, seen.role, frozenset({Kind.MATCH}), seen.remote_id)
    return (draft.done(),) if draft.closed else ()


def _close(draft: Draft, role: str, kinds: frozenset[Kind], about: str = "") -> None:
    for question in draft.questions:
        if question.kind in kinds and question.role == role and about in ("", question.about):
            draft.close(question, Reason.MERGED_THERE)


def _new_id(draft: Draft, seen: Observation, link: Link) -> Plan:
    """Nothing else is known under the other id: the same record, with another id and versions of its own."""
    assert seen.merged_into is not None
    _close(draft, seen.role, OF_THE_LINK)
    kept = replace(link, remote_id=seen.merged_into, version=None, digest="", read_at=seen.read_at)
    draft.set_link(replace(kept, sending=None, windows=(), epoch=link.epoch + 1, gone=None, asleep=False))
    draft.say(Verdict.MERGED, Reason.NEW_ID, seen.role, detail=seen.merged_into)
    return draft.done()


def _judged(draft: Draft, winner: Record, seen: Observation, link: Link) -> tuple[Plan, ...]:
    role, into = seen.role, seen.merged_into or ""
    asked = any(q.kind is Kind.MERGE and (q.role, q.about) == (role, into) for q in draft.questions)
    if asked and link.gone is not None:
        return ()  # a link that is still written to is another one, which came since
    _bury(draft, seen, link)
    how = draft.policy.on_merge
    if how is OnMerge.FOLLOW:
        return live_on(draft, winner, role)
    if how is OnMerge.UNLINK:
        draft.set_link(replace(draft.link(role), unlinked=True))
        draft.say(Verdict.DECIDED, Reason.MERGE_UNLINKS, role)
    else:
        note = f"{link.remote_id} into {into}"
        sides = (Candidate(role, {}, seen.updated_at or seen.read_at, seen.actor), Candidate(winner.key, {}))
        draft.ask(Kind.MERGE, "", role, sides, Reason.MERGE_ASKS, note, into)
    return (draft.done(),)


def _bury(draft: Draft, seen: Observation, link: Link) -> None:
    """Nothing may be written to an id that is no more: some accounts carry such a write over to the other record."""
    draft.say(Verdict.MERGED, Reason.MERGED_THERE, seen.role, detail=seen.merged_into or "")
    _close(draft, seen.role, OF_THE_LINK)
    buried = replace(link, gone=seen.read_at, read_at=seen.read_at, sending=None, doomed=False, asleep=False, digest="")
    draft.set_link(buried)
    gone.mark_candidates(draft, seen.role, frozen=True)


def partner(question: Question) -> str:
    """The key of the record that a merge question says this one was merged into."""
    return next((c.source for c in question.candidates if c.source not in (question.role, HUB)), "")


def follow(loser: Record, winner: Record, role: str, policy: Policy, context: Context) -> tuple[Plan, Plan]:
    """A person follows the merge that was asked about; the question has been closed by `resolve`. Not while `busy`."""
    return live_on(Draft(loser, policy, context), winner, role)
