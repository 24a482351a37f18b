"""Hypothesis strategies for the judge's frozen values, for every test that needs a state at random."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from policies.core.codec import KEPT
from policies.core.reasons import Reason, Verdict
from policies.core.seen import How
from policies.core.values import Kind

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
names = st.text("abcxyz_", min_size=1, max_size=4)
keys = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"], exclude_characters="\0"), max_size=4)
small_integers = st.integers(-(2**53) + 1, 2**53 - 1)
canonical = st.recursive(
    st.none() | st.booleans() | small_integers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
# Hypothesis wants bounds without a zone and adds the zone itself
_FIRST, _LAST = datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2100-01-01")
moments = st.datetimes(_FIRST, _LAST, timezones=st.just(UTC))
spans_of_time = st.timedeltas(timedelta(days=-400), timedelta(days=400))
member_values = st.dictionaries(names, canonical, max_size=2)
flags = st.booleans()
counts = st.integers(0, 1000)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def some(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, max_size=2).map(tuple)


def named(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(names, strategy, max_size=2)


_BY_ANNOTATION: dict[str, st.SearchStrategy[Any]] = {
    "str": names,
    "int": counts,
    "bool": flags,
    "Values": member_values,
    "datetime": moments,
    "timedelta": spans_of_time,
    "frozenset[str]": st.frozensets(names, max_size=2),
    "tuple[tuple[int, Values], ...]": some(st.tuples(counts, member_values)),
    "Mapping[datetime, int]": st.dictionaries(moments, counts, max_size=2),
    "How": st.sampled_from(How),
    "Kind": st.sampled_from(Kind),
    "Verdict": st.sampled_from(Verdict),
    "Reason": st.sampled_from(Reason),
}


def _of(annotation: str) -> st.SearchStrategy[Any]:
    if annotation in _BY_ANNOTATION:
        return _BY_ANNOTATION[annotation]
    if annotation.endswith(" | None"):
        return maybe(_of(annotation.removesuffix(" | None")))
    if annotation.startswith("Mapping[str, "):
        return named(_of(annotation[len("Mapping[str, ") : -1]))
    if annotation.startswith("tuple["):
        return some(_of(annotation[len("tuple[") : -len(", ...]")]))
    return built(KEPT[annotation])


def built(cls: type[Any]) -> st.SearchStrategy[Any]:
    """Any value of one of the judge's kept classes."""
    return st.builds(cls, **{name: _of(str(slot.type)) for name, slot in cls.__dataclass_fields__.items()})
