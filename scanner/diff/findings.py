"""Which findings are new, came back, are resolved, or were forgotten. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from scanner.model import GRAVITY, Change, ChangeName, Finding

_OVER: Mapping[ChangeName, int] = {"resolved": 1, "forgotten": 2}
"""What stands no more, after what does."""


def finding_changes(
    pairs: Iterable[tuple[Finding | None, Finding | None]],
    came_back: Collection[str],
    forgotten: Collection[str],
    names: Mapping[str, str],
) -> list[Change]:
    """Findings that only one of two scans has, gravest first. What a gap holds back counts as not there.

    ``came_back``: fingerprints known from before the old scan. ``forgotten``: of findings whose place was forgotten by
    hand, so that nobody knows whether they are mended. ``names``: of entries that are called otherwise now,
    with which the fingerprints of their findings changed and nothing else.
    """
    gone, come = [], []
    for before, after in pairs:
        was, is_now = _announced(before), _announced(after)
        if was is None and is_now is not None:
            come.append(is_now)
        elif was is not None and is_now is None:
            gone.append(was)
    moved = _on_moved_rows(gone, come, names)
    come = [one for one in come if not (one.is_on_entry and (one.rule, one.entry) in moved)]
    gone = [one for one in gone if not (one.is_on_entry and (one.rule, names.get(one.entry or "")) in moved)]
    rows = [_change(one, "reopened" if one.fingerprint in came_back else "new") for one in come]
    rows += [_change(one, "forgotten" if one.fingerprint in forgotten else "resolved") for one in gone]
    return sorted(rows, key=lambda row: (_OVER.get(row.change, 0), GRAVITY[row.severity or "info"], row.rule, row.key))


def _announced(one: Finding | None) -> Finding | None:
    return None if one is None or one.held_back else one


def _on_moved_rows(
    gone: Iterable[Finding], come: Iterable[Finding], names: Mapping[str, str]
) -> set[tuple[str, str | None]]:
    """Rule and new name of findings on entries whose row is now another."""
    before = {(one.rule, names.get(one.entry or "")) for one in gone if one.is_on_entry}
    return {(one.rule, one.entry) for one in come if one.is_on_entry and (one.rule, one.entry) in before}


def _change(one: Finding, change: ChangeName) -> Change:
    is_over = change in _OVER
    return Change(
        subject="finding",
        change=change,
        key=one.fingerprint,
        name=one.title,
        before="open" if is_over else None,
        after=None if is_over else "open",
        severity=one.severity,
        rule=one.rule,
        identity=one.subject,
        ask=one.owner,
        next_step=None if is_over else one.remediation,
    )
