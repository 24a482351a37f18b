"""What a look-up before a create found: the record itself, or several that a person has to tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .diff import same_at, told
from .draft import Draft
from .plan import judge_fields
from .planned import Plan
from .reasons import Reason, Verdict
from .rules import Policy
from .seen import Context, Observation
from .values import Base, Candidate, Kind, Link, Record
from .windows import of_old


def found(record: Record, observation: Observation, policy: Policy, context: Context) -> Plan:
    """A look-up before a create found the record: link it with empty bases, never confirmed wholesale.

    Only what carries our own external id and shows N(sent), field by field and member by member, counts as ours.
    """
    draft = Draft(record, policy, context)
    link = draft.link(observation.role)
    facts, sending = policy.roles[observation.role], link.sending
    ours = sending is not None and sending.create and observation.external_id == record.key
    kept = of_old(link, observation.remote_id)
    draft.set_link(Link(observation.role, observation.remote_id, windows=kept, epoch=link.epoch))
    draft.say(Verdict.FOUND, Reason.FOUND, observation.role)
    for name, sent in sending.values.items() if sending is not None and ours else ():
        unit = policy.unit(name)
        x = told(unit, observation.fields)
        as_sent = {m: v for m, v in sent.items() if m in x and same_at(facts, {m: x[m]}, sent) and v is not None}
        if as_sent:
            base = Base({m: x[m] for m in as_sent}, as_sent, sending.versions[name] if sending else 0)
            draft.set_base(observation.role, unit, base)
    judge_fields(draft, observation)
    return draft.done()


def ambiguous(record: Record, role: str, hits: Sequence[Observation], policy: Policy, context: Context) -> Plan:
    """A look-up before a create found several records, or one that another record is linked to: a person decides."""
    draft = Draft(record, policy, context)
    draft.set_link(replace(draft.link(role), sending=None))
    for hit in hits:
        seen = Candidate(role, dict(hit.fields), hit.updated_at or hit.read_at, hit.actor)
        note = f"{role} record {hit.remote_id}"
        draft.ask(Kind.MATCH, "", role, (seen, Candidate(record.key, {})), Reason.AMBIGUOUS, note, hit.remote_id)
    draft.say(Verdict.HELD, Reason.AMBIGUOUS, role, detail=", ".join(hit.remote_id for hit in hits))
    return draft.done()
