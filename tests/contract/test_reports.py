"""What every report keeps to, no matter who wrote it: run over all that are installed."""

from __future__ import annotations

import base64
import gzip
import io
import re
import zipfile
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import asdict, replace

from reports.base import VIEWS, Report, Screen, View
from scanner.model import Drift, EntryAssessment, ScanResult, StoredSecret, Workload
from tests.factories import (
    make_assessment,
    make_credential,
    make_entry,
    make_finding,
    make_identity,
    make_result,
)
from tests.reports.samples import (
    HOSTILE,
    estate,
    estate_with_activity,
    estate_with_gaps,
    hostile_result,
    without_registry,
)

FORMATS = {point.name: point for point in entry_points(group="muster.reports")}
RESULTS: dict[str, Callable[[], ScanResult]] = {
    "estate": estate,
    "gaps": estate_with_gaps,
    "no registry": without_registry,
    "activity": estate_with_activity,
    "empty": make_result,
}

# Control characters but tab and line ends, C1 controls, bidirectional overrides and isolates, lone surrogates.
ACTIVE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# What would be an element in a page or a workbook if a hostile name were not escaped.
MARKUP = re.compile(r"<svg/onload|<img src=x|<f>1\+1|<r><t>x")


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
    """All are installed as anyone else's would be."""
    built_in = "table html csv xlsx json ndjson sarif ocsf markdown splunk evidence graphml dot opengraph"
    assert set(built_in.split()) <= set(FORMATS)


def with_mappings_reversed(value: Any) -> Any:
    """The value with each mapping in it, however deep, the other way round."""
    match value:
        case Mapping():
            return {name: with_mappings_reversed(value[name]) for name in reversed(value)}
        case tuple() | list():
            return type(value)(map(with_mappings_reversed, value))
        case Struct():
            return replace(value, **{name: with_mappings_reversed(held) for name, held in asdict(value).items()})
        case _:
            return value


def of_many_facts() -> ScanResult:
    """A result in which all that can be a mapping is one of several names."""
    facts = {"b": 1, "a": {"d": "x", "c": ["y", {"f": 0, "e": 1}]}, "c": True}
    tags = {"team": "web", "app": "shop", "env": "prod"}
    credential = make_credential(attributes=facts)
    judged = make_assessment(make_identity(tags=tags, attributes=facts, credentials=(credential,)))
    entry = make_entry(extra=tags)
    place: dict[str, Any] = {"provider": "aws", "source": "prod", "scope": "1", "tags": tags, "attributes": facts}
    return replace(
        make_result(judged, findings=(make_finding(identity=judged.identity.key, evidence=facts),)),
        secrets=(StoredSecret(key="arn:secret", name="db", **place),),
        workloads=(Workload(key="arn:function", kind="function", name="f", **place),),
        entries=(EntryAssessment(entry=entry, state="not_found"),),
    )


@pytest.mark.parametrize("view", VIEWS)
def test_the_order_of_mappings_changes_nothing(report: Report, view: View) -> None:
    """Providers list tags in any order, and a store gives them back in its own: the bytes are the same."""
    result = of_many_facts()
    lists = ("identities", "secrets", "workloads", "entries", "findings")
    other = replace(result, **{name: with_mappings_reversed(getattr(result, name)) for name in lists})

    assert list(other.identities[0].identity.tags) != list(result.identities[0].identity.tags)
    assert written(report, other, view) == written(report, result, view)


@pytest.mark.parametrize("format_name", sorted(FORMATS))
def test_a_report_introduces_itself(format_name: str) -> None:
    """Its name is the one it is installed under, and it knows its view."""
    report = load(format_name)
    assert report.name == format_name
    assert report.title
    assert report.default_view in VIEWS


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_of_every_result_can_be_written(report: Report, view: View) -> None:
    """Also where there is nothing to show."""
    assert [name for name, result in RESULTS.items() if not written(report, result(), view)] == []


def test_the_same_result_gives_the_same_bytes(report: Report) -> None:
    """No clock, no random order, no leftovers of the first time."""
    assert written(report, estate(), "all") == written(report, estate(), "all")


def test_a_report_needs_nothing_but_write(report: Report) -> None:
    """It goes through a pipe."""
    out = WriteOnly()
    report.write(estate(), "all", out, Screen())  # type: ignore[arg-type]  # less than a BinaryIO on purpose
    assert readable(bytes(out.written)) == readable(written(report, estate(), "all"))


@pytest.mark.parametrize("view", VIEWS)
def test_hostile_names_stay_text(report: Report, view: View) -> None:
    """Whatever identities, tags, entries and notices are called: nothing acts on a terminal, no element is added."""
    acting = {}
    for case, name in HOSTILE.items():
        text = readable(written(report, hostile_result(name), view))
        acting[case] = ACTIVE.findall(text)
        if report.name in ("html", "xlsx"):
            acting[case] += MARKUP.findall(text)

    assert {case: found for case, found in acting.items() if found} == {}


PACKED = re.compile(r'"([A-Za-z0-9+/]{40,}={0,2})"|>([A-Za-z0-9+/]{40,}={0,2})<')
"""A block of the page: base64 of gzip of JSON."""


def unpacked(text: str) -> str:
    """The text with the blocks of a page as they are read."""
    blocks = [base64.b64decode(one or other) for one, other in PACKED.findall(text)]
    return text + "".join(gzip.decompress(one).decode() for one in blocks if one.startswith(b"\x1f\x8b"))


def test_whoever_shows_drift_shows_what_was_not_compared(report: Report) -> None:
    """No drift where nothing was compared is no agreement."""
    drift = Drift(aspect="permissions", declared="read-of-entry", found="found-beyond-entry")
    judged = make_assessment(drift=(drift,), not_compared=("permissions: a policy-that-nobody-read",))

    shown = unpacked(readable(written(report, make_result(judged), "all")))

    assert ("found-beyond-entry" in shown) == ("policy-that-nobody-read" in shown)
