"""Drafts of entries for what a scan found undeclared: proposed, with the likeliest owner; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date

from msgspec import Struct

from scanner.matching.imitations import look_alikes
from scanner.matching.ladder import match
from scanner.model import Assessment, Entry, Origin, RegistryVerdict
from scanner.registry_tools.filled_in import Answer
from scanner.registry_tools.values import Value

_WHY_NOT: tuple[tuple[str, Callable[[Assessment], bool]], ...] = (
    ("people", lambda one: one.nature.verdict == "human"),
    ("exempt", lambda one: one.registry.state == "exempt" or one.identity.managed_by is not None),
    ("provisional", lambda one: one.registry.provisional),
)
# Without any registry nothing is called unregistered, and all of it is undeclared.
_UNDECLARED = frozenset({"unregistered", "unchecked"})


class Drafts(Struct, frozen=True, kw_only=True):
    """A draft for each undeclared identity, by likely owner, then key. ``skipped``: how many got none, and why."""

    answers: tuple[Answer, ...]
    skipped: Mapping[str, int]


def draft(assessments: Sequence[Assessment], entries: Sequence[Entry], *, scan: str, today: date) -> Drafts:
    """Drafts for the undeclared identities of a scan that ``entries`` still do not name."""
    skipped: Counter[str] = Counter()
    wanted = []
    for one in assessments:
        reason = next((reason for reason, holds in _WHY_NOT if holds(one)), None)
        if reason is not None:
            skipped[reason] += 1
        elif one.registry.state in _UNDECLARED:
            wanted.append(one)
    verdicts = match([one.identity for one in wanted], entries, tag_keys=(), today=today).verdicts
    open_ones = [one for one in wanted if _is_undeclared(verdicts[one.identity.key])]
    twins = look_alikes([one.identity for one in wanted], verdicts, entries, today)
    if declared := len(wanted) - len(open_ones):
        skipped["declared since"] = declared
    drafted = (_answer(one, scan, twin=one.identity.key in twins) for one in open_ones)
    answers = sorted(drafted, key=_by_owner)
    return Drafts(answers=tuple(answers), skipped=dict(sorted(skipped.items())))


def _is_undeclared(verdict: RegistryVerdict) -> bool:
    """Whether no entry names it, nor a proposed one: what has been drafted is not drafted again."""
    return verdict.state == "unregistered" and verdict.proposed is None


def _answer(one: Assessment, scan: str, *, twin: bool) -> Answer:
    """``twin``: it looks like a declared identity, whose owner must not pass for its own."""
    cells: dict[str, Value] = {"status": "proposed"}
    if one.ownership.candidates and not (twin or one.registry.look_alike):
        cells["owner"] = (one.ownership.candidates[0].person,)
    if one.agent.is_agent:
        cells["kind"] = "agent"
    return Answer(origin=Origin(file=f"scan {scan}"), identity=one.identity, cells=cells)


def _by_owner(answer: Answer) -> tuple[bool, tuple[str, ...], str]:
    """Sorts drafts: those with a likely owner first."""
    owner = answer.cells.get("owner")
    return owner is None, owner if isinstance(owner, tuple) else (), answer.identity.key
