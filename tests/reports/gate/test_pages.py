"""The gate's pages: what they say, where findings point, and that names stay text."""

from __future__ import annotations

import io
import json
import re

import pytest
from msgspec.structs import replace

from reports.base import Report, Screen
from reports.gate.formats import GATE_FORMATS
from scanner.model import ScanResult
from scanner.model.planned import PlannedPlace, Unread
from tests.contract.test_reports import ACTIVE, FORMATS, load
from tests.reports.published import complaints, sarif
from tests.reports.samples import HOSTILE
from tests.scanner.lifecycle.gate.plans import ADMIN, judged, planned, role, with_credential

UNREAD = Unread(
    place=PlannedPlace(file="main.tf", resource="aws_iam_policy.x", line=3), reason="its policy is not JSON"
)


def sample(name: str = "deploy") -> ScanResult:
    """An admin that is unregistered, a key, a computed name, and a resource that could not be evaluated."""
    place = PlannedPlace(file="main.tf", resource=f"aws_iam_role.{name}", line=12)
    return judged(
        replace(planned(role(name, privilege=ADMIN)), places=(place,)),
        with_credential(role(f"{name}-ci")),
        planned(role("later", None), computed=frozenset({"name"})),
        unread=(UNREAD,),
    )


def written(report: Report, result: ScanResult) -> str:
    out = io.BytesIO()
    report.write(result, "all", out, Screen())
    return out.getvalue().decode()


@pytest.mark.parametrize("name", GATE_FORMATS)
def test_pages(name: str) -> None:
    """What is brought, findings with file, line and resource, what is unknown, and what was not evaluated."""
    text = written(GATE_FORMATS[name](), sample())

    assert "The change brings 3 identities (3 created)" in text
    assert "main.tf:12 aws_iam_role.deploy" in text
    assert "plan.json aws_iam_access_key.new" in text
    assert "name not known before deployment" in text
    assert "main.tf aws_iam_policy.x: its policy is not JSON" in text
    assert "At worst" in text


def test_the_table_fits_80_columns() -> None:
    """Whatever names are in it."""
    text = written(GATE_FORMATS["table"](), sample("a" * 200))

    assert max(map(len, text.splitlines())) <= 80


def test_nothing_is_brought() -> None:
    """That is said, too."""
    text = written(GATE_FORMATS["table"](), judged())

    assert text.startswith("The change brings no identity: 0 findings.\n")


def test_sarif_points_at_the_change() -> None:
    """At file and line, and at the resource; a file without lines of its own is named by its first."""
    document = json.loads(written(load("sarif"), sample()))
    places = {
        location["logicalLocations"][0]["name"]: (
            location["physicalLocation"]["artifactLocation"]["uri"],
            location["physicalLocation"]["region"]["startLine"],
        )
        for result in document["runs"][0]["results"]
        for location in result["locations"]
    }

    assert complaints(sarif(), document) == []
    assert places["aws_iam_role.deploy"] == ("main.tf", 12)
    assert places["aws_iam_access_key.new"] == ("plan.json", 1)


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names_stay_text(name: str) -> None:
    """In the gate's own pages and in every other format."""
    result = sample(name)
    reports = [*(kind() for kind in GATE_FORMATS.values()), load("sarif"), load("json"), load("csv")]

    for report in reports:
        assert ACTIVE.findall(written(report, result)) == []
    assert not re.search(r"(?<!`)<svg/onload", re.sub("`[^`]*`", "``", written(GATE_FORMATS["markdown"](), result)))


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_takes_the_result_of_the_gate(name: str) -> None:
    """Those without a page of their own write it as that of a scan."""
    out = io.BytesIO()
    load(name).write(sample(), load(name).default_view, out, Screen())

    assert out.getvalue()


def test_json_has_the_planned_identities() -> None:
    """With effect, place and what is computed among the attributes."""
    document = json.loads(written(load("json"), sample()))

    assert document["schema"] == "muster.scan/1"
    assert {one["name"]: one["attributes"]["planned"]["computed"] for one in document["identities"]} == {
        "deploy": [],
        "deploy-ci": [],
        "later": ["name"],
    }
    assert all({"file", "resource"} <= one["evidence"].keys() for one in document["findings"])
