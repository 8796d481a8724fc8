"""Rights whose holders are gone: a finding that is about no identity, in every format."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from reports.base import View
from reports.catalog import report_catalog
from reports.csv import CsvReport
from reports.html.payload import findings_on
from reports.ocsf.report import OcsfReport
from reports.sarif.report import SarifReport
from reports.views import select
from scanner.model import OwnershipVerdict, ScanResult
from scanner.rules.base import RuleContext
from scanner.rules.evaluation import JudgedSnapshot, evaluate
from tests.contract.test_reports import ACTIVE, readable
from tests.factories import NOW, make_assessment, make_assignment, make_identity, make_result
from tests.reports.published import complaints, lines, ocsf, sarif, written
from tests.reports.published import document as document_of
from tests.reports.samples import HOSTILE

KEY = "/subscriptions/s/roleassignments/7"
APP = make_identity("app", provider="azure", unique_id="object-1")


def result(key: str = KEY, name: str | None = "old-ci") -> ScanResult:
    """An estate with an identity, its right, and the right of one that was deleted."""
    gone = make_assignment(name or "0-2", key=key, gone=True, holder_name=name, source="entra")
    held = make_assignment("object-1", key="of the app")
    findings = evaluate(JudgedSnapshot(assignments=(gone, held)), RuleContext(now=NOW))
    return make_result(make_assessment(APP), assignments=(held, gone), findings=findings)


@pytest.mark.parametrize("format_name", ["table", "csv", "xlsx", "json", "ndjson", "sarif", "ocsf", "markdown"])
def test_the_right_is_named_wherever_findings_are(format_name: str) -> None:
    """By its key, and its holder by name."""
    text = readable(written(report_catalog().load(format_name)(), result(), "findings"))

    assert KEY in text
    assert "old-ci" in text


def test_the_first_page_says_whose_right_it_was() -> None:
    """The key of a right is long, and ends in a number."""
    text = readable(written(report_catalog().load("table")(), result(), "all"))

    assert "Reader of old-ci" in text
    assert KEY not in text


def test_the_page_names_it_where_an_identity_would_be() -> None:
    """It is in no row of the page, so it stands as text."""
    (finding,) = result().findings

    assert findings_on(lambda _: None)["identity"](finding) == KEY


@pytest.mark.parametrize("view", ["all", "findings", "orphans"])
@pytest.mark.parametrize("format_name", report_catalog().names)
def test_nothing_that_it_is_called_acts(format_name: str, view: View) -> None:
    """Whatever the provider lets people call things."""
    report = report_catalog().load(format_name)()

    for case, name in HOSTILE.items():
        assert ACTIVE.findall(readable(written(report, result(name, name), view))) == [], case


@pytest.mark.parametrize("name", [KEY, *HOSTILE.values()])
def test_feeds_stay_valid(name: str) -> None:
    """By the published schemas."""
    events = lines(OcsfReport(), result(name, name), "findings")
    (found,) = (event for event in events if event["class_uid"] == 2008)

    assert complaints(sarif(), document_of(SarifReport(), result(name, name), "findings")) == []
    assert complaints(ocsf("iam_analysis_finding", cloud=False), found) == []
    assert found["applications"][0]["type"] == "assignment"


def test_a_code_scanner_sees_what_it_is_about() -> None:
    """The assignment is the place, so that two of them are two."""
    (run,) = document_of(SarifReport(), result(), "findings")["runs"]
    (found,) = run["results"]

    assert [one["fullyQualifiedName"] for one in found["locations"][0]["logicalLocations"]] == [KEY]
    assert KEY in found["message"]["text"]


def test_a_row_of_a_table_has_its_key() -> None:
    """In a column of its own, before the newer ones."""
    header, row = written(CsvReport(), result(), "findings").decode().splitlines()

    assert header.endswith(",assignment,explained,was,cause,next_step,asked,state")
    assert f",{KEY},,,," in row


@pytest.mark.parametrize(
    ("view", "shown"),
    [
        ("all", ["of the app", KEY]),
        ("inventory", ["of the app", KEY]),
        ("findings", [KEY]),
        ("orphans", ["of the app"]),
        ("registry", []),
        ("coverage", []),
    ],
)
def test_a_view_keeps_the_rights_that_it_refers_to(view: View, shown: list[str]) -> None:
    """Those of the identities and findings that it shows."""
    assert [one.key for one in select(result(), view).assignments] == shown


def test_a_view_joins_rights_with_holders_as_the_scan_does() -> None:
    """In whatever case the id is written, with the same provider, and by the strongest id that anyone has."""
    shouting = make_assignment("OBJECT-1", key="in capitals")
    elsewhere = make_assignment("object-1", key="of another provider", provider="gcp")
    of_another = make_assignment("object-2", key="of whose id it is")
    namesake = make_identity("other", provider="azure", unique_id="object-2")
    app = replace(APP, aliases=("object-2",))
    found = select(
        make_result(
            make_assessment(app),
            replace(make_assessment(namesake), ownership=OwnershipVerdict(state="owned")),
            assignments=(shouting, elsewhere, of_another),
        ),
        "orphans",
    )

    assert [one.identity.name for one in found.identities] == ["app"]
    assert [one.key for one in found.assignments] == ["in capitals"]


def test_the_json_has_the_right_and_what_is_wrong_with_it() -> None:
    """Each as a record; a finding says which right it is about."""
    document = json.loads(written(report_catalog().load("json")(), result(), "all"))

    assert [one["holder"] for one in document["assignments"]] == ["object-1", "old-ci"]
    assert document["assignments"][1]["grant"]["name"] == "Reader"
    assert [(one["identity"], one["assignment"]) for one in document["findings"]] == [(None, KEY)]
