"""Findings of high severity: what an owner asks for suppresses nothing until another person approves it."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from scanner.model import EntryAssessment, OwnershipVerdict, RegistryVerdict
from scanner.model.served import FindingAcknowledged
from scanner.store.store import open_store
from tests.browser import new_page
from tests.factories import NOW, make_assessment, make_entry, make_finding, make_identity, make_result
from tests.processes import run_muster
from tests.scanner.serve.api.conftest import ask, send
from tests.scanner.serve.served import Served

ADA, BOB, CYD, EVA, SAM = (f"{name}@acme.example" for name in ("ada", "bob", "cyd", "eva", "sam"))
PEOPLE = "email,name,status\n" + "".join(f"{email},{email[:3].title()},active\n" for email in (ADA, BOB, CYD, EVA, SAM))
SIGN_IN = f"""
[serve]
user_header = "X-User"
proxies = ["127.0.0.1"]
viewers = ["{EVA}"]
reviewers = ["{ADA}", "{CYD}"]
"""
BILLING = make_identity("billing-bot")
GRAVE, HIGH, MEDIUM, OLD = ("a1" * 16, "b2" * 16, "c3" * 16, "d4" * 16)
SEVERITIES = {GRAVE: "critical", HIGH: "high", MEDIUM: "medium", OLD: "critical"}
WANTED = {"reason": "the vendor rotates it", "until": "2099-01-01"}


def prepared(folder: Path) -> Path:
    """A store in which Ada and Bob own an identity. One of its findings was acknowledged before anybody had to ask."""
    (folder / "people.csv").write_text(PEOPLE)
    (folder / "registry.csv").write_text("id,name,owner\n")
    (folder / "bots.csv").write_text("key,provider,scope,kind,name\n")
    declared = make_entry(BILLING.key, id="E1", name="Billing", owner=(ADA, BOB))
    entry = EntryAssessment(entry=declared, state="found", identities=(BILLING.key,))
    judged = make_assessment(
        BILLING,
        registry=RegistryVerdict(state="registered", entry="E1", rung="key", evidence="named"),
        ownership=OwnershipVerdict(state="owned", owner=ADA, evidence="active"),
        findings=tuple(SEVERITIES),
    )
    about: dict[str, Any] = {"identity": BILLING.key, "title": "Old key", "new": True}
    findings = [
        make_finding(fingerprint=one, rule="key_too_old", severity=severity, **about)
        for one, severity in SEVERITIES.items()
    ]
    with open_store(f"sqlite:///{folder / 'muster.db'}") as store:
        store.save(make_result(judged, findings=tuple(findings), entries=(entry,)))
        store.served.append(FindingAcknowledged(finding=OLD, reason="before", until=date(2099, 1, 1), by=BOB, at=NOW))
    (folder / "config.toml").write_text('[[people]]\npath = "people.csv"\n')
    return folder


def acknowledged(served: Served, person: str, finding: str, body: Any = None) -> Any:
    """What an acknowledgement is answered with."""
    wanted = WANTED if body is None else body
    until = {**wanted, "until": f"{datetime.now(UTC).year + 1}-01-01"}
    return send(served, person, f"/api/v1/findings/{finding}/acknowledge", until)


def approved(served: Served, person: str, finding: str, **body: Any) -> Any:
    """What an approval is answered with."""
    return send(served, person, f"/api/v1/findings/{finding}/approve", body)


def test_an_owner_asks_and_a_reviewer_approves(tmp_path: Path) -> None:
    """Each with their name, for good; until then the finding counts as before, everywhere."""
    with Served(prepared(tmp_path), SIGN_IN) as served:
        assert ask(served, BOB, f"/api/v1/findings/{OLD}").json()["acknowledged"]["reason"] == "before"
        at_once = acknowledged(served, BOB, MEDIUM).json()
        assert (at_once["acknowledged"]["by"], at_once["asked"]) == (BOB, None)
        first = acknowledged(served, BOB, GRAVE)
        asked = first.json()["asked"]
        assert (first.status_code, first.json()["acknowledged"], asked["by"]) == (201, None, BOB)
        assert asked["reason"] == WANTED["reason"]
        _is_shown(served, asked)

        assert approved(served, BOB, GRAVE).status_code == 403
        assert approved(served, EVA, GRAVE).status_code == 403
        assert approved(served, SAM, GRAVE).status_code == 404
        assert approved(served, CYD, HIGH).status_code == 404
        assert approved(served, CYD, GRAVE, asked_at="2020-01-01T00:00:00Z").status_code == 409
        assert ask(served, CYD, f"/api/v1/findings/{MEDIUM}").status_code == 404
        listed = ask(served, CYD, "/api/v1/asked").json()
        assert ([one["fingerprint"] for one in listed["items"]], listed["total"]) == ([GRAVE], 1)
        assert ask(served, SAM, "/api/v1/asked").json() == {"items": [], "total": 0}

        done = approved(served, CYD, GRAVE, asked_at=asked["at"])
        given = done.json()["acknowledged"]
        assert (done.status_code, done.json()["asked"]) == (201, None)
        assert (given["by"], given["approved_by"], given["reason"]) == (BOB, CYD, WANTED["reason"])
        assert ask(served, BOB, f"/api/v1/findings/{GRAVE}").json()["acknowledged"] == given
        assert approved(served, ADA, GRAVE).status_code == 409
        assert f"by {BOB}, approved by {CYD}" in " ".join(run_muster(tmp_path, "acknowledge", "--list").split())
        assert f"POST /api/v1/findings/{GRAVE}/approve" in served.log
    with closing(sqlite3.connect(tmp_path / "muster.db")) as database:
        query = "SELECT sort, person FROM page_record WHERE subject = ? ORDER BY at"
        rows = database.execute(query, (GRAVE,)).fetchall()
    assert rows == [("asked", BOB), ("acknowledged", CYD)]


def _is_shown(served: Served, asked: dict[str, Any]) -> None:
    """In the API, in files and at a terminal, as asked for; and nothing is suppressed."""
    items = ask(served, BOB, "/api/v1/findings").json()["items"]
    assert {one["fingerprint"]: one["asked"] for one in items} == {**dict.fromkeys(SEVERITIES), GRAVE: asked}
    listed = csv.DictReader(io.StringIO(ask(served, BOB, "/export/findings.csv").text))
    cells = {row["fingerprint"]: (row["asked"].startswith(asked["reason"]), row["acknowledged"]) for row in listed}
    assert cells[GRAVE] == (True, "")
    folder = served.folder
    report = json.loads(run_muster(folder, "report", "-o", "json:-"))
    found = {one["fingerprint"]: one for one in report["findings"]}
    assert (found[GRAVE]["asked"], found[GRAVE]["new"]) == (asked, True)
    assert report["summary"]["acknowledged"] == 2
    for form in ("sarif", "ocsf", "csv", "html"):
        text = run_muster(folder, "report", "-o", f"{form}:-", "--view", "findings" if form == "csv" else "all")
        assert form == "html" or asked["reason"] in text, form
    assert "suppressions" not in json.dumps(
        [
            one
            for one in json.loads(run_muster(folder, "report", "-o", "sarif:-"))["runs"][0]["results"]
            if GRAVE in json.dumps(one)
        ]
    )
    said = " ".join(run_muster(folder, "acknowledge", "--list").split())
    assert "1 of them waits for a reviewer" in said
    assert "2 findings of the latest scan suppressed" in said
    assert f"by {BOB} (waits for a reviewer)" in said


def test_a_reviewer_who_owns_it_needs_another_one(tmp_path: Path) -> None:
    """Nobody is both persons; what another owner asked for, they may decide."""
    with Served(prepared(tmp_path), SIGN_IN) as served:
        assert acknowledged(served, ADA, GRAVE).json()["asked"]["by"] == ADA
        assert approved(served, ADA, GRAVE).status_code == 403
        again = acknowledged(served, ADA, GRAVE).json()
        assert (again["acknowledged"], again["asked"]["by"]) == (None, ADA)
        assert acknowledged(served, BOB, HIGH).json()["acknowledged"] is None
        assert acknowledged(served, ADA, HIGH).json()["acknowledged"]["by"] == ADA
        assert acknowledged(served, CYD, GRAVE).json()["acknowledged"]["by"] == CYD
        assert ask(served, EVA, "/api/v1/asked").json()["total"] == 0


def test_who_does_not_own_it_needs_nobody(tmp_path: Path) -> None:
    """And no owner does, if the config says so."""
    with Served(prepared(tmp_path), SIGN_IN) as served:
        assert acknowledged(served, EVA, GRAVE).json()["acknowledged"]["by"] == EVA
    with Served(tmp_path, SIGN_IN + 'acknowledge_high = "owner"\n') as served:
        assert acknowledged(served, BOB, HIGH).json()["acknowledged"]["by"] == BOB


@pytest.mark.browser
def test_asked_and_approved_on_the_page(browser: Browser, tmp_path: Path) -> None:
    """The owner reads that it waits; the reviewer finds it among the reviews, and approves it."""

    def opened(person: str, address: str) -> Page:
        page = new_page(browser, extra_http_headers={"X-User": person})
        page.goto(served.url + address)
        return page

    with Served(prepared(tmp_path), SIGN_IN) as served:
        page = opened(BOB, f"/findings/{GRAVE}")
        page.get_by_role("dialog").get_by_role("button", name="Ask to acknowledge").first.click()
        form = page.get_by_role("form", name="Ask")
        expect(page.get_by_role("dialog")).to_contain_text("waits for a reviewer")
        form.get_by_label("Reason").fill("the vendor rotates it")
        form.get_by_role("button").click()
        expect(page.get_by_role("dialog")).to_contain_text("Asked for, waits for a reviewer: the vendor rotates it")
        expect(page.get_by_role("button", name="Approve")).to_have_count(0)
        page.close()

        page = opened(CYD, "/reviews")
        page.get_by_role("link", name="Old key").click()
        page.get_by_role("button", name="Approve what was asked for").click()
        expect(page.get_by_role("dialog")).to_contain_text(f"Acknowledged: {WANTED['reason']}")
        page.close()
        page = opened(BOB, f"/findings/{GRAVE}")
        said = f"Acknowledged: the vendor rotates it ({BOB}, approved by {CYD}"
        expect(page.get_by_role("dialog")).to_contain_text(said)
        page.close()
