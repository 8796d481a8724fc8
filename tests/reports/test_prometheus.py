"""The metrics report: what Prometheus' own parser makes of it."""

from __future__ import annotations

import io
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from reports.base import Screen
from reports.prometheus import PrometheusReport
from scanner.model import Acknowledged, ScanResult
from tests.cli.conftest import Muster, estate, muster
from tests.factories import NOW, make_assessment, make_coverage, make_finding, make_result
from tests.reports.samples import HOSTILE, estate_with_activity, estate_with_gaps
from tests.reports.samples import estate as small_estate

__all__ = ["estate", "muster"]  # the fixtures


def metrics(result: ScanResult) -> dict[tuple[str, ...], float]:
    """Every sample, by name and label values."""
    out = io.BytesIO()
    PrometheusReport().write(result, "all", out, Screen())
    found: dict[tuple[str, ...], float] = {}
    for family in text_string_to_metric_families(out.getvalue().decode()):
        assert family.type == "gauge"
        assert family.documentation
        for sample in family.samples:
            key = (sample.name, *sample.labels.values())
            assert key not in found
            found[key] = sample.value
    return found


def test_times_and_states() -> None:
    """When it ended, how long it took, and who is in which state; none is left out for being 0."""
    result = small_estate()
    result = replace(result, scan=replace(result.scan, finished_at=datetime(2026, 11, 25, 8, 4, tzinfo=UTC)))

    found = metrics(result)

    assert found["muster_scan_duration_seconds",] == 240
    assert found["muster_scan_finished_timestamp_seconds",] == NOW.timestamp() + 240
    assert sum(value for key, value in found.items() if key[:2] == ("muster_identities", "usage")) == len(
        result.identities
    )
    assert ("muster_identities", "usage", "disabled") in found


def test_findings_by_standing() -> None:
    """A new one is open, too; an acknowledged one is neither."""
    known = Acknowledged(reason="x", by="ada", until=NOW.date())
    findings = (
        make_finding(fingerprint="1", new=True),
        make_finding(fingerprint="2"),
        make_finding(fingerprint="3", acknowledged=known),
    )

    found = metrics(make_result(findings=findings))

    assert {state: found["muster_findings", "high", state] for state in ("new", "open", "acknowledged")} == {
        "new": 1,
        "open": 2,
        "acknowledged": 1,
    }
    assert found["muster_findings", "low", "open"] == 0


def test_gaps_and_calls_by_source() -> None:
    """Summed over scopes, of which there may be ten thousand."""
    coverage = tuple(
        make_coverage(source=source, scope=str(scope), calls=scope, status=status)
        for source, status in (("prod", "denied"), ("dev", "complete"))
        for scope in range(4)
    )

    found = metrics(make_result(coverage=coverage))

    assert (found["muster_gaps", "prod"], found["muster_gaps", "dev"]) == (4, 0)
    assert (found["muster_calls", "prod"], found["muster_calls", "dev"]) == (6, 6)


def test_there_are_no_more_samples_in_a_large_estate() -> None:
    """Nothing that grows with it is a label."""
    large = make_result(*(make_assessment(f"svc-{number}") for number in range(50)))

    assert set(metrics(large)) == set(metrics(make_result()))


@pytest.mark.usefixtures("estate")
def test_another_programs_user_may_read_the_file(tmp_path: Path, muster: Muster) -> None:
    """node_exporter's collector does not run as the one who scans; every other report is its owner's alone."""
    muster("scan", "--quiet", "-o", "prometheus:muster.prom", "-o", "json:muster.json")

    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("muster.prom", "muster.json")]
    assert modes == [0o644, 0o600]


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_source_may_be_called_anything(name: str) -> None:
    """Quotes, backslashes and line breaks end no label."""
    found = metrics(make_result(coverage=(make_coverage(source=name, status="denied"),)))

    assert len([key for key in found if key[0] == "muster_gaps"]) == 1


def test_what_could_not_be_read_is_a_number() -> None:
    """An alert can be built on it."""
    assert sum(value for key, value in metrics(estate_with_gaps()).items() if key[0] == "muster_gaps") > 0


def test_unexplained_findings_have_no_value_without_a_log() -> None:
    """An alert on it must not read "nothing was looked at" as "all is well"."""
    assert metrics(estate_with_activity())["muster_unexplained_findings",] == 1
    assert ("muster_unexplained_findings",) not in metrics(small_estate())
