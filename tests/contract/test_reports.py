"""What every report keeps to, whoever wrote it: run over all that are installed."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from importlib.metadata import entry_points

import pytest

from reports.base import VIEWS, Report, Screen, View
from scanner.model import ScanResult
from tests.factories import make_result
from tests.reports.samples import HOSTILE, estate, estate_with_gaps, hostile_result, without_registry

FORMATS = {door.name: door for door in entry_points(group="muster.reports")}
RESULTS: dict[str, Callable[[], ScanResult]] = {
    "estate": estate,
    "gaps": estate_with_gaps,
    "no registry": without_registry,
    "empty": make_result,
}

# Control characters but tab and line ends, C1 controls, bidirectional overrides and isolates, lone surrogates.
ACTIVE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class WriteOnly:
    """A binary file that can do nothing but be written to, as a pipe."""

    def __init__(self) -> None:
        self.written = bytearray()

    def write(self, data: bytes) -> int:
        self.written += data
        return len(data)

    def writelines(self, lines: list[bytes]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """As a file has it."""


def load(format_name: str) -> Report:
    report: Report = FORMATS[format_name].load()()
    return report


def written(report: Report, result: ScanResult, view: View, screen: Screen | None = None) -> bytes:
    out = io.BytesIO()
    report.write(result, view, out, screen or Screen())
    return out.getvalue()


def readable(data: bytes) -> str:
    """What a person or program meets: of a workbook, the text of its parts."""
    if not data.startswith(b"PK"):
        return data.decode()
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        return "\n".join(parts.read(name).decode() for name in parts.namelist())


@pytest.fixture(params=sorted(FORMATS))
def report(request: pytest.FixtureRequest) -> Report:
    return load(request.param)


def test_the_built_in_formats_come_through_the_entry_points() -> None:
    """All are installed as anybody else's would be."""
    built_in = {"table", "html", "csv", "xlsx", "json", "ndjson", "sarif", "ocsf", "markdown", "splunk", "evidence"}
    assert built_in <= set(FORMATS)


@pytest.mark.parametrize("format_name", sorted(FORMATS))
def test_a_report_introduces_itself(format_name: str) -> None:
    """Its name is the one it is installed under, and it knows its view."""
    report = load(format_name)
    assert report.name == format_name
    assert report.title
    assert report.default_view in VIEWS


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("result", RESULTS.values(), ids=RESULTS)
def test_every_view_of_every_result_can_be_written(
    report: Report, view: View, result: Callable[[], ScanResult]
) -> None:
    """Also where there is nothing to show."""
    assert written(report, result(), view)


def test_the_same_result_gives_the_same_bytes(report: Report) -> None:
    """No clock, no random order, no leftovers of the first time."""
    assert written(report, estate(), "all") == written(report, estate(), "all")


def test_a_report_needs_nothing_but_write(report: Report) -> None:
    """It goes through a pipe."""
    out = WriteOnly()
    report.write(estate(), "all", out, Screen())  # type: ignore[arg-type]  # less than a BinaryIO on purpose
    assert readable(bytes(out.written)) == readable(written(report, estate(), "all"))


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names_stay_text(report: Report, view: View, name: str) -> None:
    """Nothing in the output acts on a terminal, whatever identities, tags, entries and notices are called."""
    assert ACTIVE.findall(readable(written(report, hostile_result(name), view))) == []


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names_add_no_markup(report: Report, name: str) -> None:
    """No element of theirs stands in a page or a workbook."""
    text = readable(written(report, hostile_result(name), "all"))
    markup = report.name in ("html", "xlsx")
    assert not markup or not re.search(r"<svg/onload|<img src=x|<f>1\+1|<r><t>x", text)
