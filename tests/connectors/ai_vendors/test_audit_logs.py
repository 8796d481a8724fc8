"""OpenAI's audit log and Anthropic's activity feed: events in their published shape, in files."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.anthropic.activity import AnthropicActivityCounting, AnthropicActivityLog
from connectors.logs.files import FileLog
from connectors.openai.audit import OpenaiAuditCounting, OpenaiAuditLog
from scanner.model import EVERY_SCOPE
from scanner.model.activity import LogDay
from tests.connectors.logs.audit_files import DAY, log_of, profiles, read_all, read_one, written
from tests.examples import examples
from tests.hostile_json import JSON, mutated

TEN = 1795168800
"""2026-11-20T10:00:00Z."""
_numbers = itertools.count(1)
BY_ADA = {"type": "session", "session": {"user": {"id": "user-ada", "email": "ada@acme.example"},
                                         "ip_address": "203.0.113.7"}}  # fmt: skip
BY_KEY = {"type": "api_key", "api_key": {"id": "key_1", "type": "service_account",
                                         "service_account": {"id": "svc_acct_1"}}}  # fmt: skip


def event(kind: str = "api_key.created", about: str = "key_2", actor: Any = BY_ADA, **more: Any) -> dict[str, Any]:
    """An event of OpenAI's."""
    return {"id": f"audit_{next(_numbers)}", "type": kind, "effective_at": TEN, "actor": actor,
            "project": {"id": "proj_1", "name": "crown-jewels"}, kind: {"id": about, "data": {"scopes": ["all"]}},
            **more}  # fmt: skip


def activity_of(kind: str = "api_key_created", **more: Any) -> dict[str, Any]:
    """An activity of Anthropic's."""
    actor = {"type": "user_actor", "email_address": "ada@acme.example", "user_id": "user_1",
             "ip_address": "203.0.113.7", "user_agent": "python-httpx/0.28"}  # fmt: skip
    return {"id": f"activity_{next(_numbers)}", "type": kind, "created_at": "2026-11-20T10:00:00Z",
            "organization_id": "org_acme", "organization_uuid": "0", "actor": actor, **more}  # fmt: skip


def test_who_acted_at_openai(tmp_path: Path) -> None:
    """A person by address, a service account by id with its key; no name of a project is kept."""
    found = profiles(OpenaiAuditLog, tmp_path, event(), event("project.updated", actor=BY_KEY), event(actor=None))

    assert {name: dict(one.counts) for name, one in found.items()} == {
        "ada@acme.example": {"write=api_key:created": (1, 0, 0), "network=203.0.113.0/24": (1, 0, 0)},
        "svc_acct_1": {"write=project:updated": (1, 0, 0), "credential=key_1": (1, 0, 0)},
    }
    assert "crown" not in repr(found)


def test_what_changes_an_identity_at_openai(tmp_path: Path) -> None:
    """A key, an account, a user, and who is given a role."""
    given_role = {"id": "role_1", "principal_id": "user-grace", "principal_type": "user"}
    reading = read_one(
        OpenaiAuditLog,
        tmp_path,
        event(),
        event("service_account.deleted", "svc_acct_9"),
        {**event("role.assignment.created"), "role.assignment.created": given_role},
        event("login.succeeded"),
    )

    assert {(one.target, one.action) for one in reading.changes} == {
        ("key_2", "api_key:created"),
        ("svc_acct_9", "service_account:deleted"),
        ("user-grace", "role.assignment:created"),
    }
    assert reading.coverage == (LogDay(scope=EVERY_SCOPE, day=DAY),)


@pytest.mark.parametrize(
    ("name", "reported"),
    [
        ("api_key.created", ("api_key:created", "write")),
        ("login.failed", ("login:failed", "read")),
        ("api.model.request", ("api.model:request", "read")),
        (
            "tenant.workload_identity.access_token.issued",
            ("tenant.workload_identity.access_token:issued", "become"),
        ),
    ],
)
def test_what_an_event_of_openai_is(name: str, reported: tuple[str, str]) -> None:
    """By its verb."""
    actions = OpenaiAuditCounting.actions

    action = actions.action(name)

    assert (action, actions.sort(action)) == reported


def test_a_failed_sign_in_is_refused(tmp_path: Path) -> None:
    """It counts as tried, not as done."""
    (profile,) = profiles(OpenaiAuditLog, tmp_path, event("login.failed")).values()

    assert profile.counts["read=login:failed"] == (0, 1, 0)


def test_who_acted_at_anthropic(tmp_path: Path) -> None:
    """A person by address, a service account or key by id; in the organization that the activity names."""
    key = {"type": "api_actor", "api_key_id": "apikey_1"}
    account = {"type": "service_account_actor", "service_account_id": "svac_1", "api_key_id": "apikey_2"}
    reading = read_one(
        AnthropicActivityLog,
        tmp_path,
        activity_of(api_key_id="apikey_9"),
        activity_of("claude_chat_viewed", actor=key, claude_chat_id="crown"),
        activity_of("workspace_created", actor=account),
        activity_of(actor={"type": "anthropic_actor"}),
    )
    found = {one.caller: one for one in reading.callers}

    assert {name: set(one.counts) for name, one in found.items()} == {
        "ada@acme.example": {"write=api_key:created", "network=203.0.113.0/24", "client=python-http"},
        "apikey_1": {"read=claude_chat:viewed", "credential=apikey_1"},
        "svac_1": {"write=workspace:created", "credential=apikey_2"},
    }
    assert [(one.target, one.action) for one in reading.changes] == [("apikey_9", "api_key:created")]
    assert (reading.by_provider, reading.coverage) == (1, (LogDay(scope="org_acme", day=DAY),))
    assert "crown" not in repr(reading)


@pytest.mark.parametrize(("reader", "row"), [(OpenaiAuditLog, event()), (AnthropicActivityLog, activity_of())])
def test_answers_of_the_api_are_read(reader: type[FileLog], row: dict[str, Any], tmp_path: Path) -> None:
    """As ``curl`` wrote them, and as lines; an event that is there twice counts once."""
    (tmp_path / "page.json").write_text(json.dumps({"object": "list", "data": [row], "has_more": False}))
    written(tmp_path, row)

    readings, gaps = read_all(log_of(reader, tmp_path))

    assert (sum(one.events for one in readings), gaps) == (1, [])


@pytest.mark.parametrize(("reader", "row"), [(OpenaiAuditLog, event()), (AnthropicActivityLog, activity_of())])
@examples(40)
@given(data=st.data())
def test_no_line_ends_a_reading(
    reader: type[FileLog], row: dict[str, Any], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """It is counted, or its file is a gap."""
    record = data.draw(st.one_of(mutated(row), JSON))
    root = tmp_path_factory.mktemp("log")
    written(root, json.dumps(record))

    readings, _ = read_all(log_of(reader, root))

    assert len(readings) == 1


def test_what_an_activity_is() -> None:
    """By its verb."""
    names = ("claude_file_viewed", "sso_login_succeeded", "x")

    actions = AnthropicActivityCounting.actions

    assert [actions.sort(actions.action(name)) for name in names] == ["read", "read", "write"]
