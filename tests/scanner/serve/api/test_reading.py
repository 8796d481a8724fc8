"""What the API answers, as different people: the same records as the JSON report, and what they own alone."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from scanner.serve.index.questions import LIST_NAMES
from tests.processes import run_muster
from tests.scanner.serve.api.conftest import ADA, BOB, CYD, HOSTILE, ask
from tests.scanner.serve.served import Served


def by(records: list[dict[str, Any]], name: str) -> dict[str, dict[str, Any]]:
    """The records by one of their members."""
    return {record[name]: record for record in records}


def without_reach(record: dict[str, Any]) -> dict[str, Any]:
    """An identity without what only the whole scan says."""
    return {**record, "blast_radius": None}


def test_the_records_are_those_of_the_report(api: Served, document: dict[str, Any]) -> None:
    """Every list, page by page, has what the report of the same scan has."""
    for name, key, of in (
        ("identities", "identities", "key"),
        ("findings", "findings", "fingerprint"),
        ("entries", "registry", "id"),
        ("coverage", "coverage", "section"),
    ):
        found: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            page = ask(
                api, CYD, f"/api/v1/{name}", params={"limit": 3, **({"cursor": cursor} if cursor else {})}
            ).json()
            assert page["total"] == len(document[key])
            assert page["scan"] == document["scan"]["id"]
            found += page["items"]
            cursor = page["next"]
        expected = document[key]
        if name == "identities":
            expected = [without_reach(record) for record in expected]
        assert by(found, of) == by(expected, of)
        assert len(found) == len(expected)


def test_everybody_sees_what_they_own(api: Served) -> None:
    """A viewer everything; owners their own, also by a group; what is not theirs looks as if it did not exist."""
    keys = {
        person: [one["key"] for one in ask(api, person, "/api/v1/identities").json()["items"]] for person in (ADA, BOB)
    }
    other = ask(api, CYD, "/api/v1/identities", params={"q": "stray"}).json()["items"][0]

    assert sorted(keys[ADA]) == ["billing-bot", "ledger-bot"]
    assert keys[BOB] == ["ledger-bot"]
    for path in (
        "identities/audit-bot", "identities/none", f"findings/{other['findings'][0]}", "activity/audit-bot",
    ):  # fmt: skip
        refused = ask(api, BOB, f"/api/v1/{path}")
        assert (refused.status_code, refused.json()["status"]) == (404, 404)
        assert refused.json()["detail"].endswith("or you may not see it")
    assert ask(api, BOB, "/api/v1/identities/ledger-bot").status_code == 200
    for path in ("scans/latest", "scans/latest/diff/latest"):
        assert ask(api, BOB, f"/api/v1/{path}").status_code == 403
    assert ask(api, BOB, "/api/v1/scans").json()["items"][0]["counts"] is None
    assert [one["name"] for one in ask(api, BOB, "/api/v1/owners").json()["owners"]] == ["team:payments"]
    assert ask(api, BOB, "/export/identities.csv").text.count("\r\n") == 2


@pytest.mark.parametrize("key", HOSTILE)
def test_any_key_is_an_address(api: Served, key: str) -> None:
    """Whichever characters it has; also where slashes and colons are left as they are."""
    for safe in ("", "/:", "/:@!$&'()*+,;=~"):
        if safe and key in ("..", "../../etc/passwd", "a//b/", "/"):
            continue  # a client resolves these itself
        path = f"/api/v1/identities/{quote(key, safe=safe).replace('.', '%2E')}"
        found = ask(api, CYD, path)
        assert (found.status_code, found.json()["key"]) == (200, key), path


def test_an_identity_has_all_that_is_known_of_it(api: Served, document: dict[str, Any]) -> None:
    """Its record, with findings, entry, history and, for viewers who ask for it, the blast radius."""
    expected = by(document["identities"], "key")["billing-bot"]
    asked = {
        person: ask(api, person, "/api/v1/identities/billing-bot?blast_radius=true").json() for person in (ADA, CYD)
    }
    found = asked[ADA]

    assert {name: asked[CYD][name] for name in expected} == expected
    assert {name: found[name] for name in expected} == without_reach(expected)
    assert found["entry_record"] == by(document["registry"], "id")["E1"]
    assert [one["fingerprint"] for one in found["finding_records"]] == expected["findings"]
    assert (len(found["history"]), found["proposals"], found["scan"]) == (1, [], document["scan"]["id"])
    assert ask(api, ADA, "/api/v1/activity/billing-bot").json() == {"key": "billing-bot", "activity": None}


def test_a_finding_answers_to_the_start_of_its_fingerprint(api: Served, document: dict[str, Any]) -> None:
    """As on the command line, from eight digits on."""
    expected = document["findings"][0]
    for digits in (expected["fingerprint"], expected["fingerprint"][:8].upper()):
        assert ask(api, CYD, f"/api/v1/findings/{digits}").json() == expected
    for digits in (expected["fingerprint"][:7], "0" * 32, "x" * 32, "0" * 9_000):
        assert ask(api, CYD, f"/api/v1/findings/{digits}").status_code == 404


def test_scans_and_what_changed_between_them(api: Served, document: dict[str, Any]) -> None:
    """Newest first; an older scan's lists, and the changes by id, day or the word latest."""
    scans = ask(api, CYD, "/api/v1/scans").json()["items"]
    new, old = (one["id"] for one in scans)
    page = ask(api, CYD, "/api/v1/scans", params={"limit": 1}).json()
    rest = ask(api, CYD, "/api/v1/scans", params={"cursor": page["next"]}).json()
    changes = ask(api, CYD, f"/api/v1/scans/{old}/diff/latest").json()
    day = scans[0]["started_at"][:10]

    assert new == document["scan"]["id"]
    assert ([one["id"] for one in rest["items"]], rest["next"]) == ([old], None)
    assert [one["changes"] for one in scans] == [{"joined": 1, "changed": 0, "left": 0}, None]
    assert [(one["change"], one["key"]) for one in changes["items"]][:1] == [("joined", "late-bot")]
    assert ask(api, CYD, f"/api/v1/scans/{day}/diff/{new}").json()["total"] == 0
    assert ask(api, CYD, f"/api/v1/scans/{new}/diff/{old}").status_code == 400
    assert ask(api, CYD, "/api/v1/scans/none/diff/latest").status_code == 404
    assert ask(api, CYD, f"/api/v1/scans/{old}").json()["scan"]["id"] == old
    assert ask(api, CYD, "/api/v1/scans/none").status_code == 404
    then = ask(api, CYD, "/api/v1/identities", params={"scan": old, "limit": 1}).json()
    assert (then["total"], then["scan"]) == (len(document["identities"]) - 1, old)
    assert ask(api, CYD, "/api/v1/identities", params={"scan": "none"}).status_code == 404
    assert ask(api, CYD, "/api/v1/identities/late-bot", params={"scan": old}).status_code == 404


def test_the_changes_of_a_scan_are_those_of_the_comparison(api: Served) -> None:
    """Row by row what ``muster diff -o json`` has, also of findings."""
    report = json.loads(run_muster(api.folder, "diff", "-o", "json:-"))["changes"]
    listed = ask(api, CYD, "/api/v1/changes", params={"limit": 1_000}).json()["items"]

    assert {one["subject"] for one in listed} == {"identity", "finding"}
    assert sorted(listed, key=str) == sorted(report, key=str)


def test_filters_are_those_of_the_page(api: Served) -> None:
    """Search, facets of which any value counts, and the order."""

    def keys(**query: Any) -> list[str]:
        answer = ask(api, CYD, "/api/v1/identities", params={"sort": "name", **query})
        return [one["name"] for one in answer.json()["items"]]

    owned = keys(ownership="owned")
    assert owned == ["audit-bot", "billing-bot", "ledger-bot"]
    assert keys(ownership="owned", sort="-name") == owned[::-1]
    assert keys(owner=[ADA, CYD]) == ["audit-bot", "billing-bot"]
    assert keys(q="LEDG bot") == ["ledger-bot"]
    assert keys(q="script>alert") == ["bot 8"]
    assert keys(owner="", q="stray") == ["stray-bot"]
    assert keys(q="no such thing") == []


WRONG = (
    ("identities?limit=0", "limit"), ("identities?limit=1001", "limit"), ("identities?limit=x", "limit"),
    ("identities?limit=", "limit"), ("identities?limit=1&limit=2", "limit"), ("identities?nmae=x", "nmae"),
    ("identities?registry=regsitered", "registry"), ("identities?registry=owned&registry=registered", "registry"),
    ("identities?sort=key2", "sort"), ("identities?sort=null", "sort"), ("identities?sort=", "sort"),
    ("identities?q=a&q=b", "q"), ("identities?q=" + "x" * 501, "q"), ("findings?rule=none", "rule"),
    ("findings?severity=High", "severity"), ("coverage?gap=yes", "gap"), ("me?x=1", "x"),
    ("scans?cursor=none", "cursor"),
    ("identities/billing-bot?blast_radius=maybe", "blast_radius"), ("identities/billing-bot?q=x", "q"),
    ("scans/latest/diff/latest?cursor=-1", "cursor"), ("owners?limit=-1", "limit"),
)  # fmt: skip


def test_what_it_does_not_know_it_refuses(api: Served) -> None:
    """With the field and a hint, never by leaving it out; nor is there a cursor of one's own making."""
    for path, field in WRONG:
        refused = ask(api, CYD, f"/api/v1/{path}")
        assert (refused.status_code, refused.json()["field"]) == (400, field), path
    for name in LIST_NAMES:
        for cursor in (
            "x",
            "",
            "AAAA",
            "0",
            "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
            "a" * 4_096,
        ):
            refused = ask(api, CYD, f"/api/v1/{name}", params={"cursor": cursor})
            assert refused.status_code == 400, (name, cursor)
    for query in ("%FF=1", "q=%FF", "=", "&&&", "a" * 9_000, ";", "q=\\ud800"):
        assert ask(api, CYD, f"/api/v1/identities?{query}").status_code in (200, 400), query
    for path in (
        "/api/v1",
        "/api/v1/",
        "/api/v1/nothing",
        "/api/v2/identities",
        "/export/identities.pdf",
        "/api/v1/identities/",
    ):
        assert ask(api, CYD, path).status_code == 404, path
    assert ask(api, CYD, "/api/v1/identities/%FF").status_code == 400
    refused = api.http.put("/api/v1/me", headers={"x-user": CYD})
    assert refused.status_code in (403, 405)


def test_nobody_else_is_answered(api: Served) -> None:
    """Without a sign-in there is nothing, not even the description or the metrics."""
    for path in ("me", "identities", "openapi.json", "identities/billing-bot"):
        assert api.http.get(f"/api/v1/{path}").status_code == 401
    for path in ("/metrics", "/export/identities.csv"):
        assert api.http.get(path).status_code == 401
        assert api.http.get(path, headers={"x-user": "dan@acme.example"}).status_code == 403
    assert ask(api, BOB, "/metrics").status_code == 403
