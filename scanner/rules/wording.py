"""Facts of a finding, in words for people. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from scanner.model import Finding
from scanner.rules.base import ActivityRule
from scanner.rules.catalog import RULES

_FACTS = {rule.id: {name: place for place, name in enumerate(rule.evidence)} for rule in RULES}

ABOUT_A_DAY = frozenset(rule.id for rule in RULES if isinstance(rule, ActivityRule))
"""Rules about the activity of an identity on one day."""

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)")


def is_moment(text: str) -> bool:
    """Whether a text is a time in UTC, as evidence holds it."""
    return _MOMENT.fullmatch(text) is not None


def evidence_of(finding: Finding) -> dict[str, Any]:
    """A finding's evidence, most important facts first, independent of the stored order."""
    order = _FACTS.get(finding.rule, {})
    facts = sorted(finding.evidence.items(), key=lambda fact: (order.get(fact[0], len(order)), fact[0]))
    return {name: _sorted_within(value) for name, value in facts}


def facts_of(finding: Finding) -> Mapping[str, Any]:
    """A finding's evidence for people: as phrases for a finding about a day, otherwise unchanged."""
    return day_facts(finding) if finding.rule in ABOUT_A_DAY else evidence_of(finding)


Explained: TypeAlias = Literal["unexplained", "unknown", "explained"]


def explained(finding: Finding) -> Explained | None:
    """Whether a known change explains the activity on a day; None for a finding that is not about a day."""
    if finding.rule not in ABOUT_A_DAY:
        return None
    known = finding.evidence.get("explained")
    if known is None:
        return "unknown"
    return "explained" if known else "unexplained"


_EXPLAINED: Mapping[Explained | None, str] = {"unexplained": "no", "unknown": "unknown", "explained": "yes"}
_IN_OTHERS = frozenset({"reasons", "new", "actions", "more_actions", "events", "first_at", "last_at"})
"""Facts that ``day_facts`` puts into others."""
_LAST = ("event_ids", "explained", "explained_by")


def day_facts(finding: Finding) -> dict[str, str]:
    """The evidence of a finding about a day as short texts by name. ``explained`` is always there.

    ``reasons``: the new values for each; ``actions``: with counts; ``events``: the first and last time.
    """
    found = evidence_of(finding)
    others = {name: plain(fact) for name, fact in found.items() if name not in (*_IN_OTHERS, *_LAST)}
    facts = {
        "day": others.pop("day", ""),
        "reasons": _reasons(found),
        "actions": _actions(found),
        "events": _events(found),
        **{name: text[:10] if _MOMENT.fullmatch(text) else text for name, text in others.items()},
        "event_ids": plain(found.get("event_ids")),
        "explained": _EXPLAINED[explained(finding)],
        "explained_by": plain(found.get("explained_by")),
    }
    return {name: text for name, text in facts.items() if text}


def _reasons(found: Mapping[str, Any]) -> str:
    new = found.get("new")
    of_reason = new if isinstance(new, Mapping) else {}
    named = {plain(reason): plain(of_reason.get(reason)) for reason in found.get("reasons") or ()}
    return ", ".join(f"{words(reason)} ({what})" if what else words(reason) for reason, what in named.items())


def _actions(found: Mapping[str, Any]) -> str:
    actions, more = found.get("actions"), found.get("more_actions")
    if not isinstance(actions, Mapping):
        return plain(actions)
    listed = [name if times == 1 else f"{name} ({plain(times)} times)" for name, times in sorted(actions.items())]
    return ", ".join((*listed, *((f"and {plain(more)} more",) if more else ())))


def _events(found: Mapping[str, Any]) -> str:
    """The number of events, with the times of the first and last."""
    first, last = (
        text[11:16] if _MOMENT.fullmatch(text := plain(found.get(name))) else "" for name in ("first_at", "last_at")
    )
    times = f"{first} to {last} UTC" if first and last and first != last else f"{first} UTC" if first else ""
    return ", ".join(filter(None, (plain(found.get("events")), times)))


def _sorted_within(value: Any) -> Any:
    match value:
        case Mapping():
            return {name: _sorted_within(member) for name, member in sorted(value.items())}
        case list() | tuple():
            return [_sorted_within(member) for member in value]
        case _:
            return value


def words(state: str) -> str:
    """A state without underscores."""
    return state.replace("_", " ")


def plain(value: Any) -> str:
    """A fact without quotes, brackets, ``None`` or ``True``; times in UTC."""
    match value:
        case None:
            text = ""
        case bool():
            text = "yes" if value else "no"
        case datetime():
            text = iso(value)
        case date():
            text = value.isoformat()
        case Mapping():
            text = ", ".join(f"{name}={plain(member)}" for name, member in sorted(value.items()))
        case list() | tuple():
            text = ", ".join(map(plain, value))
        case _:
            text = str(value)
    return text


@lru_cache(maxsize=10_000)  # most dates occur in many rows
def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with ``Z``, to the second."""
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return in_utc.isoformat(timespec="seconds")[: -len("+00:00")] + "Z"
