"""Okta: service apps, API tokens and AI agents, as the API answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given

from connectors.core.contract import DiscoveredRecord
from connectors.okta import payloads as p
from connectors.okta.connector import OktaConnector, orn_of
from connectors.okta.settings import OktaSettings
from connectors.testing import CHECKS, Asked, Estate, Reply, Server, check_settings, read
from scanner.judging.agents.verdict import judge_agent
from scanner.model import Coverage, Identity
from tests.connectors.okta.estates import (
    AGENTS,
    APP,
    BOT,
    ORG,
    ORN,
    OTHER,
    OWNERS,
    VALUE,
    VARIABLE,
    answers,
    connector,
    estate,
)
from tests.examples import examples
from tests.hostile_json import JSON


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the variable that the settings name."""
    monkeypatch.setenv(VARIABLE, VALUE)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(check: Callable[[Estate], None]) -> None:
    check(estate())


def test_settings() -> None:
    check_settings(OktaConnector, {"url": "https://acme.okta.com", "token": {"env": VARIABLE}})


def _read(changed: dict[str, Any] | None = None) -> tuple[dict[str, Identity], dict[str, Coverage]]:
    """Identities by name, and coverage by section. ``changed``: other answers; None: 404."""
    asked_for = {**answers(), **(changed or {})}

    def answer(asked: Asked) -> Reply:
        found = asked_for.get(asked.target, asked_for.get(asked.path))
        if found is None:
            return Reply(status=404, body={"errorCode": "E0000007"})
        return found if isinstance(found, Reply) else Reply(body=found)

    with Server(answer) as server:
        records: list[DiscoveredRecord] = list(read(connector(server.url)))
    identities = {one.name: one for one in records if isinstance(one, Identity)}
    return identities, {one.section: one for one in records if isinstance(one, Coverage)}


def test_a_service_app() -> None:
    found, coverage = _read()

    app = found["deploy"]
    assert (app.key, app.kind, app.enabled) == (f"okta:{ORG}/apps/{APP}", "service_app", True)
    assert [(one.kind, one.id, one.enabled) for one in app.credentials] == [
        ("client_secret", "ocs1", True),
        ("access_key", "k1", False),
    ]
    assert (app.privilege.level, app.privilege.evidence) == ("admin", ("super administrator with okta.users.manage",))
    assert [(one.name, one.via) for one in app.grants] == [("SUPER_ADMIN", "role"), ("okta.users.manage", "scope")]
    assert found["reader"].privilege.level == "normal"
    assert "portal" not in found
    assert {one.status for one in coverage.values()} == {"complete"}


@pytest.mark.parametrize(
    ("roles", "scopes", "level"),
    [
        (["SUPER_ADMIN"], ["okta.users.read"], "normal"),
        (["SUPER_ADMIN"], ["okta.logs.read", "okta.devices.manage"], "high"),
        (["SUPER_ADMIN", "APP_ADMIN"], ["okta.apps.manage"], "admin"),
        (["APP_ADMIN"], ["okta.apps.manage"], "high"),
        (["READ_ONLY_ADMIN", "REPORT_ADMIN"], ["okta.apps.manage"], "normal"),
        ([], ["okta.apps.manage"], "normal"),
        (["CUSTOM"], ["okta.apps.manage"], "high"),
    ],
)
def test_a_token_has_what_both_roles_and_scopes_allow(roles: list[str], scopes: list[str], level: str) -> None:
    found, _ = _read({
        f"/oauth2/v1/clients/{APP}/roles": [{"type": one, "label": one, "status": "ACTIVE"} for one in roles],
        f"/api/v1/apps/{APP}/grants": [{"scopeId": one, "status": "ACTIVE"} for one in scopes],
    })  # fmt: skip

    assert found["deploy"].privilege.level == level


def test_what_is_switched_off_gives_nothing() -> None:
    off = {"status": "INACTIVE"}
    found, _ = _read({f"/api/v1/apps/{APP}/grants": [{"scopeId": "okta.users.manage", **off}]})

    assert found["deploy"].privilege.level == "normal"


def test_an_api_token_is_its_users() -> None:
    token = _read()[0]["sync"]

    assert (token.key, token.kind, token.privilege.level) == (f"okta:{ORG}/api-tokens/00T1", "api_token", "unknown")
    assert token.attributes["owners"] == [{"id": "00u1", "name": None, "email": None}]
    assert [(one.kind, str(one.expires_at)[:10]) for one in token.credentials] == [("token", "2026-12-31")]


def test_an_agent_with_its_key_connections_and_owners() -> None:
    agent = _read()[0]["triage"]

    assert (agent.key, agent.kind, agent.enabled) == (f"okta:{ORG}/ai-agents/{BOT}", "agent", True)
    assert judge_agent(agent).is_agent
    assert [(one.kind, one.id) for one in agent.credentials] == [("access_key", "a1")]
    assert agent.attributes["mcp_servers"] == [{"name": "crm tools", "type": "http", "host": "mcp.acme.example"}]
    assert agent.attributes["connections"] == [
        "IDENTITY_ASSERTION_CUSTOM_AS crm (crm.read)",
        "IDENTITY_ASSERTION_VIRTUAL_MCP_SERVER crm tools",
        "STS_VAULT_SECRET pager",
    ]
    assert [(one["id"], one["email"], one["kind"]) for one in agent.attributes["owners"]] == [
        ("00g1", None, "groups"),
        ("00u1", "ada@example.com", "users"),
    ]
    assert _read()[0]["staged"].enabled is False


def test_an_organization_without_agents_is_no_gap() -> None:
    found, coverage = _read({AGENTS: None})

    assert coverage["ai_agents"].status == "not_offered"
    assert {one.kind for one in found.values()} == {"service_app", "api_token"}


@pytest.mark.parametrize(
    ("path", "section", "scope"),
    [
        ("/api/v1/apps?limit=200", "apps", "okta.apps.read"),
        (f"/api/v1/apps/{APP}/credentials/secrets", "app_credentials", "okta.apps.read"),
        (f"/oauth2/v1/clients/{APP}/roles", "app_rights", "okta.roles.read"),
        ("/api/v1/api-tokens", "api_tokens", "okta.apiTokens.read"),
        (AGENTS, "ai_agents", "okta.aiAgents.read"),
        (f"{AGENTS}/{BOT}/connections", "ai_connections", "okta.aiAgents.read"),
        (OWNERS, "ai_owners", "okta.governance.resourceOwner.read"),
    ],
)
def test_what_is_denied_is_a_gap_and_names_the_scope(path: str, section: str, scope: str) -> None:
    """Its facts are unknown, and never none."""
    found, coverage = _read({path: Reply(status=403, body={"errorCode": "E0000006"})})

    assert {name for name, one in coverage.items() if one.is_gap and one.status != "skipped"} == {section}
    assert (coverage[section].status, scope in str(coverage[section].permission)) == ("denied", True)
    if section == "app_rights":
        assert (found["deploy"].privilege.level, found["deploy"].unread) == ("unknown", ("permissions",))
    if section == "app_credentials":
        assert found["deploy"].unread == ("credentials",)
    if section == "ai_owners":
        assert "owners" not in found["triage"].attributes


def test_the_policy_has_scopes_that_read_alone() -> None:
    policy = json.loads(OktaConnector.base_policy())

    assert policy["scopes"]
    assert all(one.endswith(".read") for one in policy["scopes"])


def test_doctor_says_what_is_missing() -> None:
    denied = {**answers(), "/api/v1/api-tokens": Reply(status=403, body={})}

    def answer(asked: Asked) -> Reply:
        found = denied.get(asked.target, denied.get(asked.path, denied.get(f"{asked.path}?limit=200")))
        return found if isinstance(found, Reply) else Reply(body=found)

    with Server(answer) as server:
        checks = {one.name: one for one in connector(server.url).check()}

    assert [name for name, one in checks.items() if not one.ok] == ["api_tokens"]
    assert checks["api_tokens"].fix == "okta.apiTokens.read"


def test_without_an_address_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OKTA_CLIENT_ORGURL", raising=False)
    (coverage,) = OktaConnector("prod", OktaSettings()).scopes()

    assert isinstance(coverage, Coverage)
    assert (coverage.status, "OKTA_CLIENT_ORGURL" in str(coverage.detail)) == ("failed", True)


@pytest.mark.parametrize(("given_as", "sent"), [("token", f"SSWS {VALUE}"), ("access_token", f"Bearer {VALUE}")])
def test_how_a_request_is_signed(given_as: str, sent: str) -> None:
    signs = msgspec.convert({"url": "https://acme.okta.com", given_as: {"env": VARIABLE}}, OktaSettings).signed

    assert signs == sent


@pytest.mark.parametrize("bad", [{"url": "http://acme.okta.com"}, {"max_attempts": 0}, {"timeout": 0}, {"backoff": -1}])
def test_settings_that_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"is at least|not encrypted"):
        OktaSettings(**bad)


# --- The name of an agent for owners ---


@pytest.mark.parametrize(
    ("more", "orn"),
    [
        ({"orn": ORN}, ORN),
        ({"_links": {"delegationLinks": {"href": f"https://x/y?filter=to.resourceOrn%20eq%20%22{ORN}%22"}}}, ORN),
        ({"_links": {"delegationLinks": {"href": f"https://x/y?filter=z%20eq%20%22{ORN}x%22"}}}, None),
        ({"_links": {"delegationLinks": {"href": "https://x/y"}}}, None),
        ({}, None),
    ],
)
def test_the_name_of_an_agent(more: dict[str, Any], orn: str | None) -> None:
    assert orn_of(msgspec.convert({"id": BOT, **more}, p.Agent)) == orn


@given(answer=JSON)
@examples(25)
def test_any_answer_about_an_agent_is_read_or_a_gap(answer: Any) -> None:
    """Nothing raises, and the other agent is still there."""
    below = (f"{AGENTS}/{BOT}/connections", OWNERS, f"{AGENTS}/{OTHER}/credentials/jwks")
    found, _ = _read({path: Reply(body=answer) for path in below})

    assert {"triage", "staged"} <= found.keys()
