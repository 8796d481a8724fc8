"""Which numbers of a report each gap can change. A number that no gap can change is not called incomplete."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias, get_args

from scanner.model import EXPOSURE_KIND, WHOLE_SCOPE, Coverage, Fact
from scanner.model.activity import LOG_SECTION
from scanner.model.coverage import PEOPLE, REACH, REGISTRY
from scanner.text import few

Number: TypeAlias = Literal[
    "identities", "registry", "ownership", "usage", "privilege", "agents", "credentials", "entries", "findings"
]
EVERY: frozenset[Number] = frozenset(get_args(Number))
WORDS: Mapping[Number, str] = {
    "identities": "identities",
    "registry": "registration",
    "ownership": "ownership",
    "usage": "use",
    "privilege": "admins",
    "agents": "AI agents",
    "credentials": "credentials",
    "entries": "entries",
    "findings": "findings",
}
NAMED = 2
"""Maximum number of gaps that stand beside a number."""

_BY_LIST: Mapping[str, frozenset[Number]] = {
    REGISTRY: frozenset({"registry", "ownership", "entries", "findings"}),
    PEOPLE: frozenset({"ownership", "findings"}),
}
_BY_FACT: Mapping[Fact, frozenset[Number]] = {
    "credentials": frozenset({"credentials", "usage"}),
    "permissions": frozenset({"privilege", "agents"}),
    "tags": frozenset({"registry", "ownership", "agents"}),
    "trusts": frozenset({"privilege"}),
    "use": frozenset({"usage"}),
}
_OF_MATCHES: frozenset[Number] = frozenset({"registry", "ownership", "entries"})
_OF_FACTS: frozenset[Number] = frozenset({"usage", "privilege", "agents", "credentials"})
"""What a section can change that lists no identity and says no more about what it adds."""


def limits_of(gaps: Iterable[Coverage]) -> list[Coverage]:
    """Gaps that may hide identities, entries or facts: all but days of audit logs and reports of leaked keys."""
    return [gap for gap in gaps if not (is_day(gap) or hides_leaks(gap))]


def is_day(gap: Coverage) -> bool:
    """Whether it is a day of an audit log."""
    return gap.section.partition(":")[0] == LOG_SECTION


def hides_leaks(gap: Coverage) -> bool:
    """Whether it is a report of leaked keys."""
    return gap.kinds == (EXPOSURE_KIND,)


def touched_by(gap: Coverage) -> frozenset[Number]:
    """The numbers that a gap can change."""
    name = gap.section.partition(":")[0]
    if gap.provider in _BY_LIST:
        return _BY_LIST[gap.provider]
    if name == REACH:
        return frozenset({"privilege", "findings"})
    if name == WHOLE_SCOPE or not {"secret", EXPOSURE_KIND}.issuperset(gap.kinds):
        return EVERY
    if gap.kinds:
        return frozenset({"findings"})
    numbers = frozenset[Number]({"findings"}).union(*(_BY_FACT[fact] for fact in gap.feeds))
    if gap.rungs:
        numbers |= _OF_MATCHES
    if "credential" in gap.rungs:
        numbers |= _BY_FACT["credentials"]
    return numbers if gap.feeds or gap.rungs else numbers | _OF_FACTS


def limited_numbers(gaps: Iterable[Coverage]) -> dict[Number, str]:
    """By number that a gap can change: the gaps, as text."""
    limits = [(gap, touched_by(gap)) for gap in limits_of(gaps)]
    by_number = {number: [gap for gap, touched in limits if number in touched] for number in get_args(Number)}
    return {number: places(its) for number, its in by_number.items() if its}


def places(gaps: Iterable[Coverage]) -> str:
    """The first of some gaps, as text, and how many more."""
    return few([f"{gap.provider} {gap.scope} {gap.section}" for gap in gaps], NAMED, ", ")
