"""A name that lives again under another unique id than its entry holds: said first, and never suggested."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from scanner.discovery.inventory import Inventory
from scanner.judging.last_known.remembered import Remembered
from scanner.judging.pipeline import Declared, judge
from scanner.matching.places import SourceRef
from scanner.model import CoverageStatus, Entry, Identity, ScanInfo, ScanResult
from tests.factories import make_coverage, make_entry, make_identity

NOW = datetime(2026, 11, 25, 4, tzinfo=UTC)
OLD, NEW = "AROAOLDOLDOLDOLD0001", "AROANEWNEWNEWNEW0002"
ROLE = make_identity("deploy", kind="role", unique_id=NEW, created_at=datetime(2026, 11, 20, tzinfo=UTC))


def scan(entries: list[Entry], identities: list[Identity], status: CoverageStatus = "complete") -> ScanResult:
    coverage = make_coverage(status=status, kinds=("user", "role"))
    return judge(
        Inventory(identities=tuple(identities), coverage=(coverage,)),
        Declared(entries=tuple(entries), sources=(SourceRef(name=coverage.source, provider="aws"),)),
        Remembered(),
        ScanInfo(id="s", started_at=NOW, finished_at=NOW, version="0"),
    )


@pytest.mark.parametrize(
    ("entry", "state"),
    [
        (make_entry(OLD, id="E", name="deploy", provider="aws"), "unregistered"),
        (make_entry(OLD, "deploy", id="E", provider="aws"), "registered"),
        (make_entry(OLD, ROLE.key, id="E"), "registered"),
    ],
)
def test_it_is_said_first_and_not_suggested(entry: Entry, state: str) -> None:
    result = scan([entry], [ROLE])
    (one,) = result.identities
    assert one.registry.state == state
    assert one.registry.former is not None
    assert (one.registry.former.entry, one.registry.former.unique_id) == ("E", OLD)
    assert one.registry.evidence is not None
    assert one.registry.evidence.startswith(f"{entry.origin} holds the unique id {OLD} of an identity of this name")
    assert not one.registry.candidates
    (finding,) = [found for found in result.findings if found.rule == "recreated"]
    assert finding.evidence == {
        "unique_id": NEW, "before": OLD, "recreated_on": "2026-11-20", "entry": "E"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "others", "status"),
    [
        pytest.param(make_entry(NEW, id="E", name="deploy"), [], "complete", id="its own id"),
        pytest.param(make_entry(OLD, NEW, id="E", name="deploy"), [], "complete", id="both ids"),
        pytest.param(make_entry(OLD, "deploy", id="E"), [], "partial", id="unread"),
        pytest.param(
            make_entry(OLD, "deploy", id="E"),
            [make_identity("other", kind="role", unique_id=OLD)],
            "complete",
            id="the id of another that lives",
        ),
        pytest.param(make_entry(OLD, id="E", name="another"), [], "complete", id="another name"),
        pytest.param(make_entry("deploy", id="E"), [], "complete", id="no id"),
    ],
)
def test_what_is_no_recreation(entry: Entry, others: list[Identity], status: CoverageStatus) -> None:
    result = scan([entry], [ROLE, *others], status)
    assert all(one.registry.former is None for one in result.identities)
    assert not [found for found in result.findings if found.rule == "recreated"]


def test_a_review_since_confirms_it() -> None:
    entry = make_entry(OLD, "deploy", id="E", last_reviewed=date(2026, 11, 24))
    assert not [found for found in scan([entry], [ROLE]).findings if found.rule == "recreated"]
