"""Exit codes of the commands, and when findings make one.

An error brings its own, ``MusterError.exit_code``: 2, or 4 if nothing was scanned.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.cli.options import Accepted
    from scanner.model import Finding, ScanResult, Severity

NAMED = 5
"""Maximum number of gaps and of findings that ``--quiet`` names."""
FINDINGS = 1
"""Findings that ``--fail-on`` or ``--fail-on-new`` names."""
PROBLEMS = 1
"""Problems in what a command checks, or rows that it refuses."""
NOT_FOUND = 1
"""No identity, person or path that was asked for."""
USAGE = 2
INCOMPLETE = 3
"""Gaps, or undelivered messages. Only with ``--strict``, except for ``muster notify``."""
NOTHING = 4
"""Nothing could be read."""
INTERRUPTED = 130


def exit_code(result: ScanResult, undelivered: int, accepted: Accepted) -> int:
    """The exit code of a scan. ``undelivered``: number of undelivered messages."""
    if accepted.strict and (result.summary.gaps > result.known_gaps or undelivered):
        return INCOMPLETE
    return FINDINGS if is_failing(result.findings, accepted.fail_on, fail_on_new=accepted.fail_on_new) else 0


def say_what_is_wrong(result: ScanResult, accepted: Accepted, code: int) -> None:
    """With ``--quiet``: say on stderr what a scan could not read, and which findings give it exit code 1."""
    from scanner.cli.console import warn

    gaps = [one for one in result.coverage if one.is_gap]
    if result.summary.gaps > result.known_gaps:
        warn([f"incomplete: {one.source} {one.scope} {one.section}: {one.status}" for one in gaps[:NAMED]])
        if len(gaps) > NAMED:
            warn([f"and {len(gaps) - NAMED} more sections were not read in full"])
    if code == FINDINGS:
        failing = [
            one for one in result.findings if is_failing([one], accepted.fail_on, fail_on_new=accepted.fail_on_new)
        ]
        warn(f"{one.severity}: {one.title}: {one.about}" for one in failing[:NAMED])
        if len(failing) > NAMED:
            warn([f"and {len(failing) - NAMED} more findings"])


def is_failing(findings: Iterable[Finding], fail_on: Severity | None, *, fail_on_new: bool) -> bool:
    """Whether any of the findings counts: at or above a severity, new or worse ones, or both."""
    from scanner.model import SEVERITIES  # here, because `muster --help` loads this module and no record

    if fail_on is None and not fail_on_new:
        return False
    severe = SEVERITIES[: SEVERITIES.index(fail_on) + 1] if fail_on in SEVERITIES else SEVERITIES
    return any(
        finding.severity in severe and finding.acknowledged is None and (finding.raises_alarm or not fail_on_new)
        for finding in findings
    )
