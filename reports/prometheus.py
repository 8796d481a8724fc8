"""The metrics report: a few numbers in Prometheus' text format, for node_exporter's textfile collector.

Labels are sources of the config and states, so their number does not grow with the number of identities.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, ClassVar, TypeAlias

from msgspec import Struct

from reports.base import Screen, View
from reports.summary import Digest
from scanner.model import SEVERITIES, ScanResult
from scanner.text import printable

Sample: TypeAlias = tuple[Mapping[str, str], float]
"""Labels and value."""


class _Metric(Struct, frozen=True):
    """A gauge: name, help text and samples."""

    name: str
    says: str
    samples: Callable[[Digest], Iterator[Sample]]


class PrometheusReport:
    """Gauges of the whole scan, the same in every view."""

    name: ClassVar[str] = "prometheus"
    title: ClassVar[str] = "metrics for Prometheus' textfile collector"
    default_view: ClassVar[View] = "all"
    extra: ClassVar[str | None] = None

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write every metric with its help. A missing count is 0, and an unknown number has no sample."""
        del view, screen
        digest = Digest(result)
        for metric in _METRICS:
            out.write(f"# HELP {metric.name} {metric.says}\n# TYPE {metric.name} gauge\n".encode())
            out.writelines(_line(metric.name, labels, value).encode() for labels, value in metric.samples(digest))
        return ()


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    shown = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{shown}}} {value:.15g}\n" if shown else f"{name} {value:.15g}\n"


def _escaped(text: str) -> str:
    return printable(text).replace("\\", "\\\\").replace('"', '\\"')


# --- samples --------------------------------------------------------------------


def _number(of: Callable[[ScanResult], float]) -> Callable[[Digest], Iterator[Sample]]:
    def samples(digest: Digest) -> Iterator[Sample]:
        yield {}, of(digest.result)

    return samples


def _states(digest: Digest) -> Iterator[Sample]:
    for axis, states in digest.states.items():
        yield from (({"axis": axis, "state": state}, count) for state, count in states.items())


def _findings(digest: Digest) -> Iterator[Sample]:
    findings = digest.result.findings
    counts = Counter(
        (finding.severity, state) for finding in findings for state in _standing(finding.new, finding.acknowledged)
    )
    for severity in SEVERITIES:
        yield from (({"severity": severity, "state": state}, counts[severity, state]) for state in _STANDINGS)


_STANDINGS = ("new", "open", "acknowledged")


def _standing(new: bool, acknowledged: object) -> tuple[str, ...]:
    """The samples of findings. A new finding is also open; an acknowledged finding is neither."""
    if acknowledged is not None:
        return ("acknowledged",)
    return ("new", "open") if new else ("open",)


def _unexplained(digest: Digest) -> Iterator[Sample]:
    if (count := digest.result.summary.unexplained_findings) is not None:
        yield {}, count


def _gaps(digest: Digest) -> Iterator[Sample]:
    counts = Counter(gap.source for gap in digest.gaps)
    yield from (({"source": source}, counts[source]) for source in _sources(digest))


def _calls(digest: Digest) -> Iterator[Sample]:
    calls: Counter[str] = Counter()
    for record in digest.result.coverage:
        calls[record.source] += record.calls
    yield from (({"source": source}, calls[source]) for source in _sources(digest))


def _sources(digest: Digest) -> list[str]:
    return sorted({record.source for record in digest.result.coverage})


_METRICS = (
    _Metric(
        "muster_scan_finished_timestamp_seconds",
        "When the scan ended, in seconds since 1970. Old: scans no longer succeed.",
        _number(lambda result: result.scan.finished_at.timestamp()),
    ),
    _Metric(
        "muster_scan_duration_seconds",
        "How long the scan took.",
        _number(lambda result: (result.scan.finished_at - result.scan.started_at).total_seconds()),
    ),
    _Metric("muster_identities", "Identities by state, on each of the axes.", _states),
    _Metric(
        "muster_abandoned_identities",
        "Orphaned, and dormant or never used.",
        _number(lambda result: result.summary.abandoned),
    ),
    _Metric(
        "muster_not_rechecked_identities",
        "Shown as last seen, since their place was not read this time.",
        _number(lambda result: result.summary.not_rechecked),
    ),
    _Metric(
        "muster_entries_not_found",
        "Registry entries that nothing was found for.",
        _number(lambda result: result.summary.not_found),
    ),
    _Metric(
        "muster_findings",
        "Findings by severity; new ones are open, too, acknowledged ones are neither.",
        _findings,
    ),
    _Metric(
        "muster_unexplained_findings",
        "Findings about a day that no known change explains; no value without an audit log.",
        _unexplained,
    ),
    _Metric("muster_gaps", "Sections that could not be read in full, by source.", _gaps),
    _Metric("muster_calls", "Requests that the scan made, by source.", _calls),
)
