"""The identity lookup for Splunk: its documented headings, and cells that it takes."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date, datetime

import pytest

from reports.splunk import SplunkReport
from scanner.model import EntryAssessment, Privilege, PrivilegeLevel, RegistryVerdict, ScanResult
from tests.factories import make_assessment, make_entry, make_identity, make_result
from tests.reports.published import written
from tests.reports.samples import HOSTILE, estate, hostile_result, provisional

DOCUMENTED = (
    "identity,prefix,nick,first,last,suffix,email,phone,phone2,managedBy,priority,bunit,category,watchlist,startDate,"
    "endDate,work_city,work_country,work_lat,work_long"
)


def rows(result: ScanResult) -> list[dict[str, str]]:
    text = written(SplunkReport(), result).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_headings_are_the_documented_ones() -> None:
    """In their order, the unused ones empty."""
    text = written(SplunkReport(), estate()).decode()
    assert text.split("\r\n")[0] == DOCUMENTED


def test_people_are_left_out() -> None:
    """They have a lookup of their own."""
    assert [row["nick"] for row in rows(estate())] == [
        "deploy-pipeline",
        "legacy-admin",
        "support-agent",
        "approle/billing",
    ]


def test_an_identity_uses_every_id_that_events_have() -> None:
    """But not by its bare name, which others share."""
    pipeline, admin, *_ = rows(estate())
    assert admin["identity"] == "arn:aws:iam::123456789012:user/legacy-admin|AKIALEGACY"
    assert admin["category"] == "nhi|aws|user|unregistered|orphaned|privileged"
    assert (admin["watchlist"], pipeline["watchlist"]) == ("true", "")
    assert (admin["managedBy"], pipeline["managedBy"]) == ("", "ada@example.com")
    assert (pipeline["startDate"], pipeline["endDate"]) == ("10/21/2025 08:00", "01/31/2027 23:59")


def test_aliases_and_the_team_of_the_entry_are_reported() -> None:
    """A service account's own address, never the owner's: that would make one identity of the two."""
    judged = make_assessment(
        make_identity("sa", key="k", unique_id="117", aliases=("117", "sa@p.iam.example"), enabled=False),
        registry=RegistryVerdict(state="registered", entry="NHI-1"),
    )
    entry = EntryAssessment(entry=make_entry("k", team="Platform", expires=date(2026, 12, 1)), state="found")
    (row,) = rows(make_result(judged, entries=(entry,)))
    assert row["identity"] == "k|117|sa@p.iam.example"
    assert (row["email"], row["bunit"], row["endDate"]) == ("sa@p.iam.example", "Platform", "12/01/2026 23:59")
    assert "disabled" in row["category"].split("|")


@pytest.mark.parametrize(
    ("level", "priority"),
    [("admin", "critical"), ("escalation", "critical"), ("high", "high"), ("normal", "low"), ("unknown", "unknown")],
)
def test_the_priority_is_its_power(level: PrivilegeLevel, priority: str) -> None:
    """It weighs the events that an identity is in, so unknown must stay unknown."""
    (row,) = rows(make_result(make_assessment(privilege=Privilege(level=level))))
    assert row["priority"] == priority


def test_a_gap_alone_puts_nothing_on_the_watch_list() -> None:
    """Its entry may only be unseen."""
    assert [row["nick"] for row in rows(provisional(estate())) if row["watchlist"]] == ["approle/billing"]


def test_dates_are_in_the_documented_form() -> None:
    """Also those of long ago."""
    (row,) = rows(make_result(make_assessment(make_identity(created_at=datetime(1, 2, 3, 4, 5, tzinfo=UTC)))))
    assert re.fullmatch(r"02/03/\d{4} 04:05", row["startDate"])


@pytest.mark.parametrize("name", [*HOSTILE.values(), "a|b", "|"])
def test_hostile_names_add_neither_ids_nor_formulas(name: str) -> None:
    """A pipe separates ids, so it is shown as an escape."""
    (row,) = rows(hostile_result(name))
    assert len(row["identity"].split("|")) <= 3
    assert [cell for cell in row.values() if re.match(r"[\s\"]*[=+\-@\uff1d\uff0b\uff0d\uff20]", cell)] == []
