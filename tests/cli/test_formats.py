"""Formats for other programs, from a scan to the file, and from the store again."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt

from tests.cli.conftest import Muster
from tests.reports.published import complaints, ocsf, sarif

pytestmark = pytest.mark.usefixtures("estate")
FORMATS = ("csv", "table", "html", "sarif", "ocsf", "markdown", "splunk", "evidence", "json", "ndjson")


def test_the_store_gives_back_what_was_scanned(muster: Muster, tmp_path: Path) -> None:
    """The inputs with their hashes, too; and each time in the same bytes, as from the scan itself."""
    for command, run in (("scan", "a"), ("report", "b"), ("report", "c")):
        assert muster(command, *(f"-o{name}:{run}.{name}" for name in FORMATS)).code == 0
    scanned, reported = (json.loads((tmp_path / f"{run}.json").read_bytes()) for run in "ab")
    assert scanned == reported
    assert len(reported["scan"]["inputs"]) == 3
    for name in FORMATS:
        first, *others = ((tmp_path / f"{run}.{name}").read_bytes() for run in "abc")
        assert others == [first, first], name


def test_sarif_points_into_the_registry(muster: Muster) -> None:
    """At the entry's own line, by the path that the config gives it."""
    whole = json.loads(muster("scan", "-o", "sarif:-").out)
    assert complaints(sarif(), whole) == []
    places = {one["ruleId"]: one["locations"][0]["physicalLocation"] for one in whole["runs"][0]["results"]}
    assert places["entry_not_found"] == {
        "artifactLocation": {"uri": "registry.csv", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 4},
    }


def test_ocsf_is_valid(muster: Muster) -> None:
    """A line for the scan, each finding and each identity."""
    events = [json.loads(line) for line in muster("scan", "-o", "ocsf:-").out.splitlines()]
    classes = {2008: "iam_analysis_finding", 5003: "user_inventory", 6007: "scan_activity"}
    assert [wrong for one in events for wrong in complaints(ocsf(classes[one["class_uid"]], cloud=False), one)] == []
    assert {one["class_uid"] for one in events} == set(classes)


def test_markdown_is_a_page(muster: Muster) -> None:
    """With a table of findings."""
    page = muster("scan", "-o", "markdown:-").out
    assert "table_open" in [token.type for token in MarkdownIt().enable("table").parse(page)]
    assert "invoice-bot" in muster("report", "--view", "inventory", "-o", "markdown:-").out


@pytest.mark.parametrize(
    "command", ["report -o json:-", "report -o ndjson:-", "offboard ada -o json:-", "diff -o json:-"]
)
def test_no_json_holds_the_text_of_the_config(muster: Muster, command: str) -> None:
    """The evidence pack does: JSON is for programs, and may be for anyone."""
    for _ in range(2):
        assert muster("scan", "-o", "csv:out.csv").code == 0

    done = muster(*command.split())

    assert done.code == 0
    assert "registry.csv" in done.out
    assert "[[registry]]" not in done.out


def test_the_schema_is_that_of_the_json(muster: Muster) -> None:
    """Printed by the same program that writes what it describes."""
    schema = json.loads(muster("schema").out)
    whole = json.loads(muster("scan", "-o", "json:-").out)
    assert complaints(Draft202012Validator(schema), whole) == []


def test_the_evidence_names_the_registry_that_was_judged_by(muster: Muster, tmp_path: Path) -> None:
    """So that anyone who has the file can say."""
    muster("scan")
    digest = hashlib.sha256((tmp_path / "registry.csv").read_bytes()).hexdigest()
    (tmp_path / "registry.csv").write_text("id,identities\n")
    assert muster("report", "-o", "evidence:pack.zip").code == 0
    with zipfile.ZipFile(tmp_path / "pack.zip") as pack:
        inputs = json.loads(pack.read("muster-evidence/inputs.json"))
        config = pack.read("muster-evidence/config.toml").decode()
    assert [(one["role"], one["sha256"]) for one in inputs][1] == ("registry", digest)
    assert config == (tmp_path / "config.toml").read_text()


def test_a_zip_goes_through_a_pipe(muster: Muster, tmp_path: Path) -> None:
    """No one can go back in one; what comes out can be opened all the same."""
    muster("scan")
    command = [sys.executable, "-m", "scanner", "report", "-o", "evidence:-"]
    piped = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout
    (tmp_path / "piped.zip").write_bytes(piped)
    assert zipfile.ZipFile(tmp_path / "piped.zip").testzip() is None
