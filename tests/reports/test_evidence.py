"""The evidence pack: complete, checkable with the tools that everyone has, and without secrets."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from reports.evidence.report import EvidenceReport
from scanner.model import Input, ScanResult
from tests.reports.published import complaints, written
from tests.reports.samples import estate, estate_with_gaps

PARTS = {
    "README.md", "SHA256SUMS", "config.toml", "inputs.json", "muster.scan-1.schema.json", "policy.json", "result.json",
    "rules.json", "versions.json", "tables/orphans.csv", "tables/unregistered.csv", "tables/agents.csv",
    "tables/findings.csv",
    "tables/inventory.csv", "tables/registry.csv", "tables/credentials.csv", "tables/exposed.csv",
    "tables/coverage.csv",
}  # fmt: skip
INPUTS = (
    Input(role="config", name="config.toml", sha256="c" * 64, text='[store]\nurl = "sqlite:///muster.db"\n'),
    Input(role="registry", name="registry.csv", sha256="a" * 64),
    Input(role="people", name="postgresql://db/people"),
)


def with_inputs() -> ScanResult:
    return estate_with_gaps_and(INPUTS)


def estate_with_gaps_and(inputs: tuple[Input, ...]) -> ScanResult:
    result = estate_with_gaps()
    return replace(result, scan=replace(result.scan, inputs=inputs))


def parts(result: ScanResult) -> dict[str, str]:
    """By name, without the folder that all are in."""
    with zipfile.ZipFile(io.BytesIO(written(EvidenceReport(), result))) as archive:
        assert {name.partition("/")[0] for name in archive.namelist()} == {"muster-evidence"}
        return {name.partition("/")[2]: archive.read(name).decode() for name in archive.namelist()}


def test_everything_is_in_it() -> None:
    """In one folder."""
    assert set(parts(with_inputs())) == PARTS


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_the_list_of_hashes_is_what_sha256sum_reads(tmp_path: Path) -> None:
    """All of it is right, and a changed file is found."""
    with zipfile.ZipFile(io.BytesIO(written(EvidenceReport(), with_inputs()))) as archive:
        archive.extractall(tmp_path)
    folder = tmp_path / "muster-evidence"
    command = ["sha256sum", "--strict", "-c", "SHA256SUMS"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert {line.removesuffix(": OK") for line in done.stdout.splitlines()} == PARTS - {"SHA256SUMS"}
    with (folder / "tables" / "coverage.csv").open("a") as file:
        file.write("x")
    assert subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).returncode == 1


def test_the_result_fits_the_schema_beside_it() -> None:
    """So that it can be checked without a network."""
    found = parts(with_inputs())
    schema = json.loads(found["muster.scan-1.schema.json"])
    assert complaints(Draft202012Validator(schema), json.loads(found["result.json"])) == []


def test_it_says_what_the_scan_went_by() -> None:
    """The hashes of its files, and the config's text."""
    found = parts(with_inputs())
    assert json.loads(found["inputs.json"]) == [
        {"role": "config", "name": "config.toml", "sha256": "c" * 64},
        {"role": "registry", "name": "registry.csv", "sha256": "a" * 64},
        {"role": "people", "name": "postgresql://db/people", "sha256": None},
    ]
    assert found["config.toml"] == INPUTS[0].text
    assert json.loads(found["policy.json"])["dormant_identity"] == 90
    assert json.loads(found["versions.json"]) == {"muster": "0.1.0", "schema": "muster.scan/1"}
    assert "unregistered" in {rule["id"] for rule in json.loads(found["rules.json"])}


def test_its_page_says_how_much_was_seen_and_how_to_check() -> None:
    """Gaps first, then counts, then steps; it names every file."""
    page = parts(with_inputs())["README.md"]
    assert "As far as could be read, 2 of 5 identities" in page
    assert "| sections that could not be read in full | 2 |" in page
    assert "`sha256sum -c SHA256SUMS`" in page
    assert [name for name in PARTS if not name.startswith(("tables/", "README")) and f"`{name}`" not in page] == []


def test_the_counts_that_the_page_gives_are_those_of_the_tables() -> None:
    """As its fourth step says."""
    found = parts(estate_with_gaps_and(()))
    rows = list(csv.DictReader(io.StringIO(found["tables/inventory.csv"], newline="")))
    assert f"| identities | {len(rows)} |" in found["README.md"]
    unregistered = sum(row["registry_state"] == "unregistered" for row in rows)
    assert f"{unregistered} unregistered" in found["README.md"]


def test_a_view_has_its_table_and_what_was_read() -> None:
    """No number without the gaps it was counted under."""
    with zipfile.ZipFile(io.BytesIO(written(EvidenceReport(), estate(), "orphans"))) as archive:
        tables = [name for name in archive.namelist() if "/tables/" in name]
        whole = json.loads(archive.read("muster-evidence/result.json"))
    assert tables == ["muster-evidence/tables/orphans.csv", "muster-evidence/tables/coverage.csv"]
    assert len(whole["identities"]) == 3


@pytest.mark.parametrize("finished", [datetime(2026, 11, 25, 8, 0, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)])
def test_its_dates_are_the_scans(finished: datetime) -> None:
    """And the oldest that a zip has, for a clock that was wrong."""
    result = estate(scan=replace(estate().scan, finished_at=finished))
    with zipfile.ZipFile(io.BytesIO(written(EvidenceReport(), result))) as archive:
        dates = {entry.date_time for entry in archive.infolist()}
    assert dates == {(max(finished.year, 1980), finished.month, finished.day, finished.hour, 0, 0)}
