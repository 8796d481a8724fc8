"""Why a finding is more severe than it was: the facts that changed between two scans. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scanner.diff.aspects import differences
from scanner.model import POTENTIAL, PRIVILEGES, Assessment, Finding, Severity
from scanner.text import counted, cut

SHOWN = 3
"""Maximum number of facts that a cause names."""
LONGEST = 500
"""Maximum characters of a cause."""
BY_TIME = "no fact changed but the day: a limit was passed"

ON_LEVELS = frozenset({"admin", "escalation"})
"""Rules that say what an identity's level of privilege is."""
_OF_A_POTENTIAL: Severity = "medium"


def severity_before(finding: Finding, was: Assessment | None) -> Severity | None:
    """Return what a potential counted as that has become real, if that is what this new finding is about, else None.

    ``was``: the identity in the earlier scan. A potential is no finding, but the identity was known to be powerful.
    """
    if finding.rule not in ON_LEVELS or was is None or was.privilege.level != "high":
        return None
    return _OF_A_POTENTIAL if any(line.startswith(POTENTIAL) for line in was.privilege.evidence) else None


def cause_of(before: Finding | None, after: Finding, was: Assessment | None, now: Assessment | None) -> str:
    """Return why a finding is more severe: the facts of its subject that changed, or else of its evidence.

    ``before``: None for a potential that has become real. ``was`` and ``now``: the identity; None for other subjects,
    and where it did not change.
    """
    facts = [*_ended_grace(before, after), *_changes(was, now)] or [*_evidence(before, after)]
    shown = "; ".join(facts[:SHOWN])
    more = f"; and {len(facts) - SHOWN} more changes" if len(facts) > SHOWN + 1 else ""
    return cut(shown, LONGEST - len(more)) + more if facts else BY_TIME


def _ended_grace(before: Finding | None, after: Finding) -> Iterator[str]:
    days = before.evidence.get("grace_days") if before is not None else None
    if isinstance(days, int) and after.evidence.get("grace_days") is None:
        yield f"its {counted(days, 'day', 'days')} of grace are over"


def _changes(was: Assessment | None, now: Assessment | None) -> Iterator[str]:
    if was is None or now is None:
        return
    if was.privilege != now.privilege and now.privilege.level != "unknown":
        old, new = was.privilege.level, now.privilege.level
        lines = [line for line in now.privilege.evidence if line not in was.privilege.evidence]
        rose = old == "unknown" or PRIVILEGES.index(new) < PRIVILEGES.index(old)
        if rose or lines:
            yield f"privilege {old} -> {new}{f': {lines[0]}' if lines else ''}" if old != new else lines[0]
    for one in differences(was, now):
        if one.aspect not in ("privilege", "links"):  # the path says what a new link leads to
            added = one.after if one.before is None else f"{one.before} -> {one.after or 'none'}"
            yield f"{one.aspect.replace('_', ' ')}: {added}"


def _evidence(before: Finding | None, after: Finding) -> Iterator[str]:
    known: Mapping[str, Any] = {} if before is None else before.evidence
    for name, fact in after.evidence.items():
        old = known.get(name)
        if isinstance(fact, (list, tuple)):
            come = [str(one) for one in fact if not isinstance(old, (list, tuple)) or one not in old]
            if come:
                yield f"{name.replace('_', ' ')}: {'; '.join(come)}"
        elif _text(fact) != _text(old):
            yield f"{name.replace('_', ' ')}: {'none' if old is None else _text(old)} -> {_text(fact)}"


def _text(fact: object) -> str:
    """As text, for what was stored came back as JSON."""
    return fact.isoformat().replace("+00:00", "Z") if hasattr(fact, "isoformat") else str(fact)
