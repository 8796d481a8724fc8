"""GitHub's audit log: events in their published shape, exports and streams."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.github.logs.audit import GithubAuditLog, action_of, sort_of
from scanner.model.activity import LogDay
from tests.connectors.logs.audit_files import DAY, features, log_of, profiles, read_all, read_one, written
from tests.examples import examples
from tests.hostile_json import JSON, mutated

BOT = "ledger-deploy[bot]"
TEN = 1795168800000
"""2026-11-20T10:00:00Z."""
_numbers = itertools.count(1)


def event(action: str = "git.push", **more: Any) -> dict[str, Any]:
    """One event."""
    return {
        "@timestamp": TEN,
        "_document_id": f"doc{next(_numbers)}",
        "action": action,
        "actor": BOT,
        "actor_id": 1,
        "actor_ip": "203.0.113.7",
        "actor_location": {"country_code": "NL"},
        "created_at": TEN,
        "operation_type": "modify",
        "org": "Acme",
        "repo": "acme/crown-jewels",
        "programmatic_access_type": "GitHub App server-to-server token",
        "token_id": 4711,
        "user_agent": "git/2.50.0",
        **more,
    }


def test_a_bot_and_its_token(tmp_path: Path) -> None:
    """No repository's name is kept."""
    profile = profiles(GithubAuditLog, tmp_path, event())[BOT]

    assert profile.scope == "acme"
    assert profile.counts == {
        "write=git:push": (1, 0, 0),
        "network=203.0.113.0/24": (1, 0, 0),
        "client=git": (1, 0, 0),
        "region=NL": (1, 0, 0),
        "credential=4711": (1, 0, 0),
    }
    assert "crown" not in repr(profile)


def test_an_agent_acts_for_who_made_it_act(tmp_path: Path) -> None:
    """The coding agent is its App, as the connector names it. The user is nobody that was changed."""
    act = event("org.add_member", actor="Copilot", user="octocat", actor_is_agent=True)
    reading = read_one(GithubAuditLog, tmp_path, act)

    (profile,) = reading.callers
    assert profile.caller == "copilot-swe-agent[bot]"
    assert profile.counts["on_behalf_of=person:octocat"] == (1, 0, 0)
    assert reading.changes == ()


@pytest.mark.parametrize(
    "more",
    [
        {"user": "octocat"},
        {"user": "octocat", "actor_is_agent": False},
        {"user": "octocat", "actor_is_agent": ["x"]},
        {"actor_is_agent": True},
        {"user": BOT, "actor_is_agent": True},
    ],
    ids=["not said", "no agent", "no answer", "no user", "itself"],
)
def test_other_users_of_an_event_are_no_one_that_it_acts_for(more: dict[str, Any], tmp_path: Path) -> None:
    found = profiles(GithubAuditLog, tmp_path, event("repo.create", **more))[BOT]

    assert not features(found, "on_behalf_of")


@pytest.mark.parametrize(
    ("name", "kind", "reported"),
    [
        ("git.clone", "", ("git:clone", "read")),
        ("git.fetch", "access", ("git:fetch", "read")),
        ("git.push", "", ("git:push", "write")),
        ("repo.create", "create", ("repo:create", "write")),
        ("repo.download_zip", "access", ("repo:download_zip", "read")),
        ("org.recovery_codes_viewed", "access", ("org:recovery_codes_viewed", "secret")),
        ("protected_branch.policy_override", "modify", ("protected_branch:policy_override", "write")),
        ("api.request", "", ("api:request", "read")),
    ],
)
def test_what_an_event_is(name: str, kind: str, reported: tuple[str, str]) -> None:
    """By GitHub's type of operation, else by its name."""
    action = action_of(name)

    assert (action, sort_of(action, kind)) == reported


def test_who_acted(tmp_path: Path) -> None:
    """A deploy key by its fingerprint; no one is GitHub. A token without id by its hash; a browser is a person."""
    key = event(actor=None, token_id=None, deploy_key_fingerprint="SHA256:abc")
    hashed = event(actor="octo-bot", token_id=None, hashed_token="q83vEjRWeJ+rze8SNFZ4mg==", user_agent=BROWSER)
    reading = read_one(GithubAuditLog, tmp_path, key, hashed, event(actor=None))
    found = {one.caller: one for one in reading.callers}

    assert set(found) == {"deploy_key:SHA256:abc", "octo-bot"}
    assert len(features(found["octo-bot"], "credential")) == 1
    assert features(found["octo-bot"], "mark") == ["mark=interactive"]
    assert (reading.events, reading.by_provider) == (3, 1)


BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"


def test_tokens_without_id_stay_apart(tmp_path: Path) -> None:
    """Their hashes are of no use to anyone else, and are kept whole."""
    hashes = ["q83vEjRWeJ+rze8SNFZ4mqvN7xI0VniaabcdefABCDE=", "AAAAEjRWeJ+rze8SNFZ4mqvN7xI0VniaabcdefABCDE="]
    profile = profiles(GithubAuditLog, tmp_path, *(event(token_id=None, hashed_token=one) for one in hashes))[BOT]

    assert sorted(features(profile, "credential")) == sorted(f"credential={one}" for one in hashes)


def test_what_changes_an_identity(tmp_path: Path) -> None:
    """A member, an App; not what only was read."""
    reading = read_one(
        GithubAuditLog,
        tmp_path,
        event("org.update_member", actor="alice", user="octo-bot"),
        event("integration_installation.repositories_added", actor="alice", integration="ledger-deploy"),
        event("personal_access_token.access_granted", actor="alice", user="octo-bot", operation_type="access"),
        event("repo.create", actor="alice"),
    )

    assert {(one.target, one.action) for one in reading.changes} == {
        ("octo-bot", "org:update_member"),
        ("ledger-deploy", "integration_installation:repositories_added"),
    }


def test_exports_and_streams(tmp_path: Path) -> None:
    """A list of events; a stream's files of a day, each event once."""
    first = event()
    (tmp_path / "export.json").write_text(json.dumps([event(), event()]))
    for minute in ("10/05", "10/06"):
        written(tmp_path, first, event(), name=f"stream/2026/11/20/{minute}/0a1b.json.log.gz")
    readings, gaps = read_all(log_of(GithubAuditLog, tmp_path))

    assert {one.unit.name: one.events for one in readings} == {"*/2026-11-20": 3, "files/": 2}
    assert {one.coverage for one in readings} == {(LogDay(scope="acme", day=DAY),)}
    assert gaps == []


@examples(60, smoke=60)
@given(st.data())
def test_no_line_ends_a_reading(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """It is counted, or its file is a gap."""
    record = data.draw(st.one_of(mutated(event("org.update_member", user="x")), JSON))
    root = tmp_path_factory.mktemp("hostile")
    written(root, event(), json.dumps(record))
    (reading,), _ = read_all(log_of(GithubAuditLog, root))

    assert reading.events >= 1 or {one.status for one in reading.coverage} == {"failed"}
