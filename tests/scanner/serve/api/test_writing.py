"""What people write through the API: the same rules as at a terminal, records that stay, and nothing for others."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.processes import run_muster
from tests.scanner.serve.api.conftest import ADA, BOB, CYD, ask, send
from tests.scanner.serve.served import Served


def refused(answer: Any, status: int, field: str | None = None) -> bool:
    """Whether it was refused so, with that field."""
    problem = answer.json()
    return bool(answer.status_code == status == problem["status"] and problem.get("field") == field)


def test_everything_that_is_written(written: Served) -> None:
    """One server for all, because starting it takes longer than asking it."""
    _acknowledging(written)
    _proposing(written)
    _deciding(written)
    _queries(written)
    with closing(sqlite3.connect(written.folder / "muster.db")) as database:
        rows = database.execute("SELECT sort, person FROM page_record WHERE sort != 'visited'").fetchall()
    assert sorted(rows) == [
        ("acknowledged", CYD), ("decided", BOB), ("deleted", ADA), ("proposed", BOB), ("saved", ADA), ("saved", CYD),
    ]  # fmt: skip
    assert "Traceback" not in written.log


def _acknowledging(served: Served) -> None:
    found = ask(served, CYD, "/api/v1/findings", params={"rule": "unregistered", "q": "stray"}).json()["items"][0]
    path = f"/api/v1/findings/{found['fingerprint'][:8]}/acknowledge"
    today = datetime.now(UTC).date()
    end = str(today + timedelta(days=30))
    for body, field in (
        ({}, "reason"), ({"reason": ""}, "reason"), ({"reason": "  "}, "reason"), ({"reason": "TEXT"}, "reason"),
        ({"reason": "x" * 2_001}, "reason"), ({"reason": "see https://svc:hunter2x9Q@db.example.com/app"}, "reason"),
        ({"reason": "ok", "until": str(today - timedelta(days=1))}, "until"),
        ({"reason": "ok", "until": str(today + timedelta(days=400))}, "until"),
        ({"reason": "ok", "until": "soon"}, "until"), ({"reason": "ok", "by": ADA}, "by"), ({"reason": 1}, "reason"),
    ):  # fmt: skip
        assert refused(send(served, CYD, path, body), 400, field), body
    assert refused(send(served, CYD, path, [1]), 400)
    assert refused(send(served, BOB, path, {"reason": "not mine"}), 404)
    assert refused(served.http.post(path, headers={"x-user": CYD}, json={"reason": "forged"}), 403)
    csrf = ask(served, CYD, "/api/v1/me").json()["csrf"]
    plain = {"x-user": CYD, "x-csrf-token": csrf}
    assert refused(served.http.post(path, headers=plain, content='{"reason": "no type"}'), 415)
    typed = {**plain, "content-type": "application/json"}
    assert refused(served.http.post(path, headers=typed, content="{"), 400)
    assert refused(served.http.post(path, headers=typed, content="[" * 60_000), 400)
    assert served.http.post(path, headers=typed, content=b'{"reason": "' + b"x" * 70_000).status_code == 413

    answer = send(served, CYD, path, {"reason": "known, \u202eticket", "until": end})

    assert answer.status_code == 201
    given = answer.json()["acknowledged"]
    assert (given["by"], given["until"]) == (CYD, end)
    assert "\u202e" not in given["reason"]
    assert ask(served, CYD, f"/api/v1/findings/{found['fingerprint']}").json()["acknowledged"] == given
    shown = ask(served, CYD, "/api/v1/identities/stray-bot").json()["finding_records"]
    assert [one["acknowledged"] for one in shown if one["fingerprint"] == found["fingerprint"]] == [given]
    assert CYD in run_muster(served.folder, "acknowledge", "--list")


def _proposing(served: Served) -> None:
    path = "/api/v1/identities/ledger-bot/owner"
    for body, field in (
        ({}, "owner"), ({"owner": ""}, "owner"), ({"owner": "nobody@acme.example"}, "owner"),
        ({"owner": "dan@acme.example"}, "owner"), ({"owner": "ledger-bot"}, "owner"),
        ({"owner": BOB, "reason": "password=Hunter2Hunter2!x"}, "reason"),
    ):  # fmt: skip
        assert refused(send(served, BOB, path, body), 400, field), body
    assert refused(send(served, BOB, "/api/v1/identities/audit-bot/owner", {"owner": BOB}), 404)
    assert refused(send(served, BOB, path, {"owner": "team:payments"}), 409, "owner")

    assert send(served, BOB, path, {"owner": "u2", "reason": "I built it"}).status_code == 201

    (proposal,) = ask(served, ADA, "/api/v1/identities/ledger-bot").json()["proposals"]
    assert (proposal["owner"], proposal["by"], proposal["reason"]) == (BOB, BOB, "I built it")


def _deciding(served: Served) -> None:
    items = {
        person: {one["key"]: one for one in ask(served, person, "/api/v1/reviews/q1/items").json()["items"]}
        for person in (BOB, CYD)
    }
    mine = items[BOB]["ledger-bot"]
    assert [row["grant"] for row in mine["granted"]] == [grant["name"] for grant in mine["facts"]["granted"]]
    path = f"/api/v1/reviews/q1/items/{mine['id']}/decide"
    for body, field in (
        ({"decision": "maybe"}, "decision"), ({}, "decision"), ({"decision": "reassign"}, "new_owner"),
        ({"decision": "reassign", "new_owner": "nobody@acme.example"}, "new_owner"),
        ({"decision": "keep", "new_owner": BOB}, "new_owner"), ({"decision": "keep", "reason": "=1+1"}, "reason"),
        ({"decision": "keep", "by": CYD}, "by"),
    ):  # fmt: skip
        assert refused(send(served, BOB, path, body), 400, field), body
    assert list(items[BOB]) == ["ledger-bot"]
    assert len(items[CYD]) > 3
    assert refused(send(served, CYD, path, {"decision": "keep"}), 403)
    other = f"/api/v1/reviews/q1/items/{items[CYD]['audit-bot']['id']}/decide"
    assert refused(send(served, BOB, other, {"decision": "revoke"}), 404)
    assert refused(send(served, BOB, "/api/v1/reviews/none/items/x/decide", {"decision": "keep"}), 404)
    assert refused(send(served, BOB, path, {"decision": "keep", "facts_hash": "0" * 64}), 409, "facts_hash")

    decided = send(served, BOB, path, {"decision": "keep", "reason": "used", "facts_hash": mine["facts_hash"]})

    assert (decided.status_code, decided.json()["by"], decided.json()["facts_hash"]) == (201, BOB, mine["facts_hash"])
    (after,) = ask(served, BOB, "/api/v1/reviews/q1/items").json()["items"]
    assert after["decision"] == decided.json()
    (review,) = ask(served, BOB, "/api/v1/reviews").json()["items"]
    assert (review["name"], review["decided"], review["mine"], review["left"]) == ("q1", 1, 1, 0)
    run_muster(served.folder, "review", "close", "q1")
    assert refused(send(served, BOB, path, {"decision": "revoke"}), 409)


def _queries(served: Served) -> None:
    for body, field in (
        ({"name": "x"}, "address"), ({"name": "", "address": "/"}, "name"), ({"name": "x", "address": ""}, "address"),
        ({"name": "x", "address": "//evil.example"}, "address"), ({"name": "x", "address": "/\\evil"}, "address"),
        ({"name": "x", "address": "https://evil.example"}, "address"), ({"name": "x", "address": "/a b"}, "address"),
        ({"name": "x", "address": "javascript:alert(1)"}, "address"),
    ):  # fmt: skip
        assert refused(send(served, ADA, "/api/v1/queries", body), 400, field), body
    ours, theirs = (
        send(served, person, "/api/v1/queries", {"name": "orphaned", "address": "/?ownership=orphaned"}).json()
        for person in (ADA, CYD)
    )

    assert [one["id"] for one in ask(served, ADA, "/api/v1/queries").json()["items"]] == [ours["id"]]
    assert len(ask(served, CYD, "/api/v1/queries").json()["items"]) == 2
    assert refused(send(served, ADA, f"/api/v1/queries/{theirs['id']}", None, "DELETE"), 404)
    assert send(served, ADA, f"/api/v1/queries/{ours['id']}", None, "DELETE").status_code == 200
    assert refused(send(served, ADA, f"/api/v1/queries/{ours['id']}", None, "DELETE"), 404)
    assert ask(served, ADA, "/api/v1/queries").json()["items"] == []


def test_the_token_alone_reads(scanned_folder: Path) -> None:
    """Without --as nobody is named who could answer for a change."""
    with Served(scanned_folder) as served:
        answer = served.http.post("/api/v1/queries", headers=served.bearer, json={"name": "x", "address": "/"})

        assert served.http.get("/api/v1/me", headers=served.bearer).json()["person"] is None
        assert refused(answer, 403)
