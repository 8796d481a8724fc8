"""The files of what a list shows, and the metrics."""

from __future__ import annotations

import csv
import io
from typing import Any

from jsonschema import Draft202012Validator
from openpyxl import load_workbook
from prometheus_client.parser import text_string_to_metric_families

from reports.json_schema import scan_schema
from scanner.serve.api.exports import MEDIA_TYPES
from scanner.serve.api.rows import SHOWN
from scanner.serve.index.questions import LIST_NAMES
from tests.processes import run_muster
from tests.scanner.serve.api.conftest import BOB, CYD, HOSTILE, ask
from tests.scanner.serve.served import Served


def table(text: str) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_file_has_what_the_list_shows(api: Served) -> None:
    """The same rows in the same order, for every list, in every format."""
    for name in LIST_NAMES:
        query: dict[str, Any] = {"sort": "-status"} if name == "coverage" else {}
        items = ask(api, CYD, f"/api/v1/{name}", params={**query, "limit": 1_000}).json()["items"]
        files = {form: ask(api, CYD, f"/export/{name}.{form}", params=query) for form in MEDIA_TYPES}
        rows, document = table(files["csv"].text), files["json"].json()
        sheet = load_workbook(io.BytesIO(files["xlsx"].content)).worksheets[1]
        headings = [column.name for column in SHOWN[name].columns]

        assert document[SHOWN[name].key] == items
        assert [list(row) for row in rows[:1]] == [headings][: len(rows)]
        assert len(rows) == len(items) == sheet.max_row - 1
        assert all("attachment" in file.headers["content-disposition"] for file in files.values())
        Draft202012Validator(scan_schema()).validate(document)


def test_a_file_has_the_columns_and_cells_of_the_report(api: Served) -> None:
    """What ``muster report`` writes, row by row; also its neutralised formulas."""
    for name, view in (("identities", "inventory"), ("findings", "findings"), ("entries", "registry")):
        report = run_muster(api.folder, "report", "-o", "csv:-", "--view", view)
        served = ask(api, CYD, f"/export/{name}.csv").text

        assert served.splitlines()[0] == report.splitlines()[0]
        assert sorted(map(str, table(served))) == sorted(map(str, table(report)))
    keys = [row["key"] for row in table(ask(api, CYD, "/export/identities.csv").text)]
    assert "'" + next(key for key in HOSTILE if key.startswith("=")) in keys


def test_a_file_is_filtered_as_the_list_is(api: Served) -> None:
    """By search, facets, order, scan and owner; the file says that it is a part."""
    query = {"q": "bot", "ownership": "owned", "sort": "-name"}
    names = [row["name"] for row in table(ask(api, CYD, "/export/identities.csv", params=query).text)]
    document = ask(api, CYD, "/export/identities.json", params=query).json()
    old = ask(api, CYD, "/api/v1/scans").json()["items"][-1]["id"]

    assert names == ["ledger-bot", "billing-bot", "audit-bot"]
    assert [one["name"] for one in document["identities"]] == names
    assert "Only what the filters left." in document["notices"]
    assert "late-bot" not in ask(api, CYD, "/export/identities.csv", params={"scan": old}).text
    assert [row["key"] for row in table(ask(api, BOB, "/export/identities.csv").text)] == ["ledger-bot"]
    for wrong in ("limit=5", "cursor=x", "registry=none", "nope=1"):
        assert ask(api, CYD, f"/export/identities.csv?{wrong}").status_code == 400


def test_metrics_are_what_prometheus_reads(api: Served) -> None:
    """Requests by route and status, never by address; ages, and whether the store can be read."""
    for path in ("/api/v1/identities/billing-bot", "/api/v1/identities/none", "/api/v1/identities?limit=0", "/nothing"):
        ask(api, CYD, path)
    found = {one.name: one for one in text_string_to_metric_families(ask(api, CYD, "/metrics").text)}
    counts = {
        (sample.labels["route"], sample.labels["status"]): sample.value
        for sample in found["muster_http_requests"].samples
    }
    values = {name: family.samples[0].value for name, family in found.items() if family.type == "gauge"}

    assert {status for route, status in counts if route == "/api/v1/identities/{key}"} >= {"200", "404"}
    assert counts["/api/v1/identities", "400"] >= 1
    assert not [route for route, _ in counts if "billing" in route or "nothing" in route]
    assert (values["muster_store_up"], values["muster_index_current"]) == (1, 1)
    assert 0 <= values["muster_scan_age_seconds"] < 86_400
    assert 0 <= values["muster_index_age_seconds"] < 86_400
    assert "muster_http_request_duration_seconds" in found
