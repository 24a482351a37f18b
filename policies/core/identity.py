"""Which record a remote record is, and what follows when one matches twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from .diff import is_null
from .digest import digest
from .draft import Draft
from .gone import close_delete
from .planned import Plan
from .reasons import Reason, Verdict
from .rules import CREATOR, Policy
from .seen import Context, Observation
from .times import created_in_hub_time
from .types import is_invalid
from .values import Belief, Candidate, Json, Kind, Link, Record, Values
from .windows import of_old


def match_values(fields: Values, policy: Policy) -> list[tuple[int, tuple[Json, ...]]]:
    """(rank, values) of every match key that is complete and valid; exact after normalisation, never fuzzy."""
    found = []
    for rank, names in enumerate(policy.match_keys):
        values = tuple(fields.get(name) for name in names)
        if all(value is not None and value != "" and not is_invalid(value) for value in values):
            found.append((rank, values))
    return found


def place(observation: Observation, matches: Sequence[Record], policy: Policy, context: Context, key: str) -> Plan:
    """Link an unlinked observation: one match links, none makes a record (named `key`), several ask a person.

    The plan's `wait` says that a create of this very record is in flight; its state holds the link otherwise, unless a
    question was asked. The observation is then judged against that state as any other.
    """
    role = observation.role
    if not matches:
        made = created_in_hub_time(observation, policy, context)
        record = Record(key, creator=role, links={role: Link(role, observation.remote_id, created=made)})
        why, missing = _unmatched(observation, policy)
        return _linked(record, observation, policy, context, why, missing)
    draft = Draft(matches[0], policy, context)
    known = matches[0].links.get(role)
    if being_made(matches, role):
        draft.say(Verdict.WAITS, Reason.PUSH_IN_FLIGHT, role)
        return draft.done(wait=True)
    if _left_alone(observation, matches, policy):
        return draft.done()
    if known is not None and known.remote_id is None and _read_before(observation, known):
        draft.say(Verdict.STALE, Reason.OLDER_READ, role)
        return draft.done(look_again=True)
    if len(matches) > 1:
        return _ask_which(draft, observation, Reason.AMBIGUOUS, matches)
    if known is None or (known.remote_id is None and not known.unlinked) or known.gone is not None:
        epoch = known.epoch if known else 0
        close_delete(draft, role, Reason.CAME_BACK)
        made, skipped = created_in_hub_time(observation, policy, context), known.skipped if known else {}
        link = Link(role, observation.remote_id, epoch=epoch, created=made, skipped=skipped)
        draft.set_link(replace(link, windows=of_old(known, observation.remote_id)))
        linked = draft.done()
        state = replace(linked.state, creator=_creator(matches[0], role, made, policy))
        names = _key_names(observation, policy)
        return _linked(state, observation, policy, context, Reason.MATCHED, names, linked)
    return _ask_which(draft, observation, Reason.SECOND_MATCH, matches)


def _read_before(observation: Observation, link: Link) -> bool:
    """Was it read before the hub saw that the record it knew there had been deleted? It may be that very record."""
    return link.read_at is not None and observation.read_at < link.read_at


def being_made(matches: Sequence[Record], role: str) -> bool:
    """Is a create of one of these records in flight at this role?"""
    return any((link := r.links.get(role)) and link.sending and link.sending.create for r in matches)


def _creator(record: Record, role: str, made: datetime | None, policy: Policy) -> str:
    """Of several sides found when first linked, the earlier made one; without trustworthy times, the first in order.

    It is fixed once anything was changed since, and where the change would leave a belief that its role may not hold.
    """
    old = record.creator
    if old not in policy.roles or not all(_first_seen(belief) for belief in record.beliefs.values()):
        return old
    units = [unit for unit in policy.units if unit.owner == CREATOR and unit.name in record.beliefs]
    if any(not record.beliefs[unit.name].origins <= unit.writers | {old} or old not in unit.writers for unit in units):
        return old
    theirs = record.links[old].created if old in record.links else None
    if made is not None and theirs is not None:
        return role if made < theirs else old
    order = list(policy.roles)
    return min(old, role, key=order.index)


def _first_seen(belief: Belief) -> bool:
    return belief.said is None or belief.said.reason is Reason.FIRST_SEEN


def keys_digest(fields: Values, policy: Policy) -> str:
    """By what a remote record would be matched, as one text: it changes when any of its match keys does."""
    return digest([[rank, list(values)] for rank, values in match_values(fields, policy)])


def _left_alone(observation: Observation, matches: Sequence[Record], policy: Policy) -> bool:
    """Did a person skip this remote record, and are its match keys what they were then?"""
    told = [link.skipped for record in matches if (link := record.links.get(observation.role)) is not None]
    known = [skipped[observation.remote_id] for skipped in told if observation.remote_id in skipped]
    return bool(known) and keys_digest(observation.fields, policy) in known


def _linked(
    record: Record,
    observation: Observation,
    policy: Policy,
    context: Context,
    reason: Reason,
    detail: str,
    before: Plan | None = None,
) -> Plan:
    draft = Draft(record, policy, context)
    if before is not None:
        draft.closed = list(before.closed)
    draft.say(Verdict.LINKED, reason, observation.role, detail=detail)
    return draft.done()


def _unmatched(observation: Observation, policy: Policy) -> tuple[Reason, str]:
    """Nothing known has the same keys, or it tells no key that could be looked for."""
    if match_values(observation.fields, policy):
        return Reason.NEW_RECORD, ""
    return Reason.NOTHING_TO_MATCH, " or ".join(" with ".join(names) for names in policy.match_keys) or "match key"


def _key_names(observation: Observation, policy: Policy) -> str:
    ranks = [rank for rank, _ in match_values(observation.fields, policy)]
    return ", ".join(policy.match_keys[ranks[0]]) if ranks else ""


def _ask_which(draft: Draft, observation: Observation, reason: Reason, matches: Sequence[Record]) -> Plan:
    others = tuple(Candidate(record.key, {}) for record in matches)
    seen = Candidate(observation.role, dict(observation.fields), observation.updated_at, observation.actor)
    note = f"record {observation.remote_id}"
    before = draft.questions
    draft.ask(Kind.MATCH, "", observation.role, (seen, *others), reason, note, observation.remote_id)
    if draft.questions is not before:
        draft.say(Verdict.HELD, reason, observation.role, detail=note)
    return draft.done()


def living(link: Link) -> bool:
    """Is there a record at the account that the hub keeps in step?"""
    return link.remote_id is not None and link.gone is None and not link.unlinked


def lives_on_in(record: Record) -> str:
    """The key of the record that this one lives on in, when nothing of it is left; "" of every other record.

    Of one whose links went there in part, the rest may be deleted or made again: it still lives by itself.
    """
    links = list(record.links.values())
    ended = bool(links) and all(link.into and not living(link) for link in links)
    return links[0].into if ended else ""


def has_match_key(values: Values, policy: Policy) -> bool:
    return bool(match_values(values, policy))


def known(record: Record, policy: Policy) -> dict[str, Json]:
    """Values by which a record is recognised: what is believed and, where nothing is, what a linked account holds.

    A record first seen at an account that may not write its match key would otherwise be found by nobody, and doubled.
    One that lives on in another is recognised there.
    """
    if lives_on_in(record):
        return {}
    out = believed(record, policy)
    for role in policy.roles:
        link = record.links.get(role)
        for unit, base in link.bases.items() if link is not None and link.gone is None else ():
            for name, value in base.meant.items() if unit in policy.by_name else ():
                if value is not None and out.get(name) is None:
                    out[name] = value
    return out


def believed(record: Record, policy: Policy) -> dict[str, Json]:
    """All believed member values of a record."""
    out: dict[str, Json] = {}
    for unit in policy.units:
        belief = record.beliefs.get(unit.name)
        if belief is not None and not is_null(belief.value):
            out.update(belief.value)
    return out
