"""Exit codes of the commands, and when findings make one.

An error brings its own, ``MusterError.exit_code``: 2, or 4 if nothing was scanned.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.cli.options import Accepted
    from scanner.model import Finding, ScanResult, Severity

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
