"""Streams stay streams: what a report needs while it is written does not grow with what it writes."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable
from importlib.metadata import entry_points

import pytest

from reports.base import Report, Screen, View
from scanner.model import ScanResult
from tests.factories import make_assessment, make_finding, make_identity, make_result

STREAMS: dict[str, View] = {
    "json": "all",
    "ndjson": "all",
    "csv": "inventory",
    "splunk": "inventory",
    "ocsf": "all",
    "sarif": "all",
}


class Counting:
    """A file that keeps nothing but how much there was."""

    def __init__(self) -> None:
        self.size = 0

    def write(self, data: bytes) -> int:
        self.size += len(data)
        return len(data)

    def writelines(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            self.write(line)


def estate_of(size: int) -> ScanResult:
    """As many identities, each with a finding."""
    identities = [
        make_assessment(make_identity(f"svc-{number}", display_name="d" * 600), findings=(f"{number:032x}",))
        for number in range(size)
    ]
    return make_result(
        *identities,
        findings=tuple(
            make_finding(fingerprint=one.findings[0], identity=one.identity.key, evidence={"text": "e" * 500})
            for one in identities
        ),
    )


@pytest.mark.parametrize("name", STREAMS)
def test_memory_does_not_grow_with_what_is_written(name: str) -> None:
    """But for a reference or two for each record, to find findings and entries by."""
    report: Report = entry_points(group="muster.reports")[name].load()()
    result = estate_of(3_000)
    report.write(estate_of(10), STREAMS[name], Counting(), Screen())  # type: ignore[arg-type]  # less than a BinaryIO
    out = Counting()
    tracemalloc.start()
    report.write(result, STREAMS[name], out, Screen())  # type: ignore[arg-type]  # less than a BinaryIO on purpose
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert out.size > 2_000_000
    assert peak < out.size / 4
