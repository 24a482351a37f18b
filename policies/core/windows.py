"""The gap between a look and a write: remembered with the link, and asked whether a late event falls into it."""

from __future__ import annotations

from dataclasses import replace

from .diff import same_at, told
from .rules import Policy, Role, Unit
from .seen import Context, Observation
from .values import WINDOWS, Base, Link, Sending, Window
from .versions import between, lower, order


def versioned(window: Window, observation: Observation, role: Role) -> bool:
    """Can versions alone tell whether the edit lies in the window? Nothing comes after a delete."""
    if not role.ordered or order(observation.version) is None:
        return False
    return order(window.guard_version if window.deleted else window.write_version) is not None


def within(window: Window, observation: Observation, role: Role, context: Context) -> bool:
    """Strictly between the versions of the look and the write; without ordered versions, between their times."""
    if versioned(window, observation, role):
        if window.deleted:
            return lower(window.guard_version, observation.version)
        return between(window.guard_version, observation.version, window.write_version)
    if observation.updated_at is None or context.skew is None:
        return False
    at = observation.updated_at - context.skew
    slack = context.uncertainty + context.granularity
    return window.guard_at - slack <= at <= window.written_at + slack


def of_old(link: Link | None, remote_id: str) -> tuple[Window, ...]:
    """What is kept of our writes where a record gets a link to the id that it had there before."""
    if link is None or remote_id not in (link.remote_id, link.was):
        return ()
    return tuple(window for window in link.windows if not window.deleted)


def after_echo(link: Link, sending: Sending, o: Observation, unit: Unit, base: Base | None) -> tuple[Window, ...]:
    """The write lies after its look and not after this read: a late event may show what it went over."""
    name = unit.name
    window = Window(link.read_at or sending.at, o.read_at, sending.guard_version, o.version, {}, {})
    kept = link.windows
    if kept and replace(kept[-1], before={}, sent={}) == window:  # another field of the same write
        kept, window = kept[:-1], kept[-1]
    before = {**window.before, name: base} if base is not None else window.before
    window = replace(window, before=before, sent={**window.sent, name: sending.values[name]})
    return (*kept, window)[-WINDOWS:]


def after_settle(policy: Policy, link: Link, sending: Sending, observation: Observation) -> Window:
    """The write's own version is unknown: it lies after the look's and not after this read's. Where the field still
    holds what was stored, nothing was written over.
    """
    moved, role = {}, policy.roles[link.role]
    for name, sent in sending.values.items():
        x, base = told(policy.unit(name), observation.fields), link.bases.get(name)
        if base is None or not same_at(role, x, base.stored):
            moved[name] = sent
    guard, read = sending.guard_version, observation.version
    return Window(link.read_at or sending.at, observation.read_at, guard, read, dict(link.bases), moved)


def after_delete(policy: Policy, link: Link, observation: Observation) -> tuple[Window, ...]:
    """The record is gone, and a delete or a write of ours was under way, which went over what was changed since its
    look: all that is left of it is the event.
    """
    sending = link.sending
    if sending is None or sending.create:
        return link.windows
    wrote = dict(sending.values)
    if sending.delete:
        wrote = {unit.name: {} for unit in policy.units}  # a delete writes no value: an emptied field is not ours
    window = Window(
        link.read_at or sending.at, observation.read_at, sending.guard_version, None, dict(link.bases), wrote, True
    )
    return (*link.windows, window)[-WINDOWS:]
