"""What people say of owners and findings through the API, who may say it, and what can be taken back."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.processes import run_muster
from tests.scanner.serve.api.conftest import ADA, BOB, CYD, SIGN_IN, ask, send
from tests.scanner.serve.served import CONFIG, PEOPLE, Served

REGISTRY = """id,name,identities,owner
E1,Billing,billing-bot,ada@acme.example
E2,Feeds,feed-a; feed-b; feed-c,ada@acme.example
"""
BOTS = ("billing-bot", "feed-a", "feed-b", "feed-c", "built-bot", "stray-bot")
UNTIL = str(datetime.now(UTC).date() + timedelta(days=30))


@pytest.fixture(scope="module")
def bots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ada owns four bots of two entries, and Bob is the likely owner of one that nobody owns."""
    folder = tmp_path_factory.mktemp("taking-back")
    (folder / "people.csv").write_text(PEOPLE)
    (folder / "registry.csv").write_text(REGISTRY)
    with (folder / "bots.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["key", "provider", "scope", "kind", "name", "tags"])
        for bot in BOTS:
            writer.writerow([bot, "saas", "prod", "bot", bot, f"owner={BOB}" if bot == "built-bot" else ""])
    (folder / "config.toml").write_text(CONFIG)
    run_muster(folder, "scan", "--quiet", "-o", "json:scan.json")
    return folder


@pytest.fixture
def served(bots: Path, tmp_path: Path) -> Iterator[Served]:
    """A server over a store of its own."""
    shutil.copytree(bots, tmp_path / "copy")
    with Served(tmp_path / "copy", SIGN_IN) as running:
        yield running


def undo(served: Served, person: str, path: str) -> Any:
    """Take something back."""
    return send(served, person, f"/api/v1/{path}", None, "DELETE")


def test_a_proposal_is_taken_back(served: Served) -> None:
    """By who made it, until the registry has it; it stays among the proposals, with the time."""
    path = "identities/feed-a/owner"
    assert undo(served, ADA, path).status_code == 409
    made = send(served, ADA, f"/api/v1/{path}", {"owner": BOB})
    assert (made.status_code, made.json()["withdrawn_at"], made.json()["identities"]) == (201, None, [])
    assert undo(served, CYD, path).status_code == 403
    assert undo(served, BOB, path).status_code == 404

    back = undo(served, ADA, path)

    assert (back.status_code, back.json()["owner"]) == (200, BOB)
    (proposal,) = ask(served, ADA, "/api/v1/identities/feed-a").json()["proposals"]
    assert (proposal["by"], proposal["withdrawn_at"]) == (ADA, back.json()["withdrawn_at"])
    assert undo(served, ADA, path).status_code == 409
    assert run_muster(served.folder, "registry", "adopt", "--proposals") == ""
    logged = [
        one["what"] for one in ask(served, CYD, "/api/v1/decisions", params={"identity": "feed-a"}).json()["items"]
    ]
    assert logged == ["withdrew_owner", "proposed_owner"]

    send(served, ADA, f"/api/v1/{path}", {"owner": BOB})
    run_muster(served.folder, "registry", "adopt", "--proposals")
    assert undo(served, ADA, path).status_code == 409


def test_the_others_of_an_entry_are_named_first(served: Served) -> None:
    """And are in the proposal, if it is for all of them."""
    assert ask(served, ADA, "/api/v1/identities/feed-b").json()["same_entry"] == ["feed-a", "feed-c"]
    made = send(served, ADA, "/api/v1/identities/feed-b/owner", {"owner": BOB, "for_all": True})
    assert made.json()["identities"] == ["feed-a", "feed-b", "feed-c"]
    assert undo(served, ADA, "identities/feed-b/owner").status_code == 200


def test_who_is_suggested_may_say_so(served: Served) -> None:
    """Without seeing the identity: it is mine, it is not mine; nobody else may, and learns nothing."""
    judged = ask(served, CYD, "/api/v1/identities/built-bot").json()["ownership"]
    assert (judged["state"], judged["candidates"][0]["person"]) == ("orphaned", BOB)
    assert ask(served, BOB, "/api/v1/identities/built-bot").status_code == 404
    (listed,) = ask(served, BOB, "/api/v1/needs").json()["suggested"]
    assert (listed["key"], listed["evidence"]) == ("built-bot", judged["candidates"][0]["evidence"])
    assert ask(served, ADA, "/api/v1/needs").json()["suggested"] == []

    denied = send(served, BOB, "/api/v1/identities/built-bot/not_mine", {"reason": "I only tagged it"})
    assert (denied.status_code, denied.json()["by"]) == (201, BOB)
    assert ask(served, BOB, "/api/v1/needs").json()["suggested"] == []
    assert undo(served, BOB, "identities/built-bot/owner").json()["reason"] == "I only tagged it"
    assert send(served, BOB, "/api/v1/identities/built-bot/owner", {"owner": BOB}).status_code == 201

    for key in ("built-bot", "stray-bot", "none-such"):
        answers = [
            send(served, ADA, f"/api/v1/identities/{key}/owner", {"owner": ADA}),
            send(served, ADA, f"/api/v1/identities/{key}/not_mine", {}),
            undo(served, ADA, f"identities/{key}/owner"),
        ]
        assert [(one.status_code, one.json()["detail"]) for one in answers] == [
            (404, "there is no such identity, or you may not see it")
        ] * 3


def test_an_acknowledgement_is_taken_back_until_a_scan_used_it(served: Served) -> None:
    """By who gave it; then it counts again, in the API and at a terminal."""
    found = ask(served, CYD, "/api/v1/findings", params={"q": "stray-bot"}).json()["items"][0]
    path = f"findings/{found['fingerprint']}/acknowledge"
    assert undo(served, CYD, path).status_code == 409
    send(served, CYD, f"/api/v1/{path}", {"reason": "known", "until": UNTIL})
    assert undo(served, ADA, path).status_code == 404

    assert undo(served, CYD, path).json()["acknowledged"] is None

    assert ask(served, CYD, f"/api/v1/findings/{found['fingerprint']}").json()["acknowledged"] is None
    assert "known" not in run_muster(served.folder, "acknowledge", "--list")
    send(served, CYD, f"/api/v1/{path}", {"reason": "known", "until": UNTIL})
    run_muster(served.folder, "scan", "--quiet", "-o", "json:again.json")
    used = undo(served, CYD, path)
    assert (used.status_code, used.json()["detail"]) == (
        409, "the acknowledgement was used already and cannot be taken back",
    )  # fmt: skip


def test_people_are_looked_up(served: Served) -> None:
    """Only name and address, only active ones, only for people who may propose an owner, and only few."""
    found = ask(served, ADA, "/api/v1/people", params={"q": "bo"}).json()["items"]
    assert found == [{"email": BOB, "name": "Bob Builder"}]
    assert ask(served, ADA, "/api/v1/people", params={"q": "dan"}).json()["items"] == []
    groups = ask(served, ADA, "/api/v1/people", params={"q": "Pay"}).json()["items"]
    assert [one["email"] for one in groups] == ["team:payments"]
    assert len(ask(served, ADA, "/api/v1/people", params={"q": "acme", "limit": 2}).json()["items"]) == 2
    for query in ({"q": "b"}, {}, {"q": "bo", "limit": 11}):
        assert ask(served, ADA, "/api/v1/people", params=query).status_code == 400


def test_who_may_propose_nothing_looks_up_nobody(served: Served) -> None:
    """A person on the roster who owns nothing and is suggested for nothing."""
    with (served.folder / "people.csv").open("a") as file:
        file.write("eve@acme.example,u9,Eve Idle,active,eve,\n")
    assert ask(served, "eve@acme.example", "/api/v1/people", params={"q": "bob"}).status_code == 403
