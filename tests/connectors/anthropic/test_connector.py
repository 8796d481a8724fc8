"""What is read of an organization of Anthropic: identities, keys, trusts, agents, and what could not be read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.anthropic.reading import usage_spans
from connectors.core.contract import DiscoveredRecord
from connectors.testing import Reply, read
from scanner.access.edges import resolve
from scanner.judging.agents.verdict import judge_agent
from scanner.model import Coverage, Identity, StoredSecret, Trust, Workload
from scanner.redaction.redact import SecretRef
from tests.connectors.ai_vendors.fake import Vendor, served
from tests.connectors.anthropic.estates import (
    AGENTS_VALUE,
    BELOW,
    ORG_VALUE,
    PLANTED,
    ROLE,
    VALUE,
    VALUES,
    agent,
    connector,
    mcp_toolset,
    organization,
    toolset,
)
from tests.factories import make_identity


@pytest.fixture(autouse=True)
def tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the source's keys are."""
    for name, value in VALUES.items():
        monkeypatch.setenv(name, value)


def coverage(found: list[DiscoveredRecord]) -> dict[str, Coverage]:
    """By section."""
    return {one.section: one for one in found if isinstance(one, Coverage)}


def identities(found: list[DiscoveredRecord]) -> dict[str, Identity]:
    """By key, without its beginning."""
    return {one.key.removeprefix("anthropic:"): one for one in found if isinstance(one, Identity)}


def read_from(api: Vendor, **settings: Any) -> list[DiscoveredRecord]:
    """All that is read of an organization."""
    with served(api) as url:
        return read(connector(url, **settings))


@pytest.fixture(scope="module")
def found() -> Iterator[list[DiscoveredRecord]]:
    """The organization, read once, its pages two rows long."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in VALUES.items():
            patch.setenv(name, value)
        yield read_from(organization(per_page=2))


def test_an_organization_is_read_whole(found: list[DiscoveredRecord]) -> None:
    """Every identity, credential name and deployment, none invented; nothing of a secret is kept."""
    assert [(one.section, one.status) for one in coverage(found).values() if one.status != "complete"] == []
    assert {name: one.kind for name, one in identities(found).items()} == {
        "api_keys/apikey_shop": "api_key",
        "api_keys/apikey_old": "api_key",
        "service_accounts/svac_deploy": "service_account",
        "service_accounts/svac_root": "service_account",
        "users/user_ada": "user",
        "agents/agent_support": "agent",
        "agents/agent_free": "agent",
    }
    assert [one.name for one in found if isinstance(one, StoredSecret)] == ["support/tracker"]
    assert {one.scope for one in found if isinstance(one, Identity)} == {"org_acme"}
    assert PLANTED not in repr(found)


def test_keys_are_credentials_of_what_they_act_as(found: list[DiscoveredRecord]) -> None:
    """With status, expiry, creator and the day of the last use; a key without principal is itself an identity."""
    by_key = identities(found)
    shop, old = by_key["api_keys/apikey_shop"], by_key["api_keys/apikey_old"]
    deploy = by_key["service_accounts/svac_deploy"].credentials[0]

    assert (shop.enabled, shop.created_by, str(shop.last_used_at)[:10]) == (True, "ada@acme.example", "2026-09-20")
    assert [one.id for one in shop.credentials] == ["apikey_shop"]
    assert (shop.credentials[0].never_expires, shop.use_tracked_days) == (True, 90)
    assert (old.enabled, old.credentials[0].attributes["former_member"]) == (False, "user_leaver")
    assert (deploy.id, deploy.never_expires, str(deploy.expires_at)[:10]) == ("apikey_deploy", False, "2026-09-20")
    assert by_key["users/user_ada"].credentials[0].id == "apikey_ada"


def test_privilege_follows_from_roles_and_rules(found: list[DiscoveredRecord]) -> None:
    """Of the organization, of workspaces, of groups; a rule may give the administration."""
    by_key = identities(found)
    ada = by_key["users/user_ada"]

    assert {name: one.privilege.level for name, one in by_key.items() if one.kind != "agent"} == {
        "api_keys/apikey_shop": "normal",
        "api_keys/apikey_old": "normal",
        "service_accounts/svac_deploy": "normal",
        "service_accounts/svac_root": "admin",
        "users/user_ada": "high",
    }
    assert "the role keys allows permission_api_keys" in ada.privilege.evidence
    assert {(one.name, one.via) for one in ada.grants} == {
        ("developer", "direct"), ("workspace_admin", "direct"), ("keys", "group:ops"),
    }  # fmt: skip


def test_rules_are_trusts(found: list[DiscoveredRecord]) -> None:
    """A prefix is loose, an equal subject exact, a condition quoted; an archived rule admits no one."""
    deploy = {one.subject: one for one in identities(found)["service_accounts/svac_deploy"].trusts}
    (pod,) = identities(found)["service_accounts/svac_root"].trusts

    assert {name: one.restriction for name, one in deploy.items()} == {
        "repo:acme/shop:ref:refs/heads/main": "exact",
        "repo:acme/*": "loose",
    }
    assert all(one.external for one in deploy.values())
    assert (pod.issuer, pod.subject) == ("https://oidc.acme.example/cluster", None)
    assert [(one.name, one.values) for one in pod.claims] == [("namespace", ("ops",)), ("claims.level > 3", ())]


def test_agents_say_what_they_run_as_and_who_is_asked(found: list[DiscoveredRecord]) -> None:
    """Role, model, tools, servers, skills, schedule; a deployment runs as its agent and uses the vault."""
    by_key = identities(found)
    support, free = by_key["agents/agent_support"], by_key["agents/agent_free"]
    (workload,) = [one for one in found if isinstance(one, Workload) and one.kind == "deployment"]

    assert judge_agent(support).is_agent
    assert [(one.relation, one.target) for one in support.links] == [("federates", ROLE)]
    assert {name: support.attributes[name] for name in ("model", "tools", "skills", "schedule", "workspace")} == {
        "model": "claude-opus-5",
        "tools": ["bash"],
        "skills": ["skill_refunds"],
        "schedule": "0 6 * * * UTC",
        "workspace": "production",
    }
    assert support.attributes["mcp_servers"] == [
        {"name": "tracker", "host": "mcp.acme.example", "type": "url", "tools": ["search"], "variables": []}
    ]
    assert (support.attributes["human_in_the_loop"], free.attributes["human_in_the_loop"]) == (True, False)
    assert (free.links, free.attributes["execution_identity"]) == ((), "service_account")
    assert workload.runs_as == (support.key,)
    assert workload.uses == ("anthropic:vaults/vlt_1/credentials/vcrd_1",)
    assert (workload.attributes["status"], workload.attributes["schedule"]) == ("active", "0 6 * * * UTC")


@pytest.mark.parametrize(
    ("service", "agrees"), [("aws-external-anthropic.amazonaws.com", True), ("ec2.amazonaws.com", False)]
)
def test_a_key_of_a_workspace_leads_to_the_role_of_an_agent(
    found: list[DiscoveredRecord], service: str, agrees: bool
) -> None:
    """It may change the agent, which becomes the role if the role's trust policy agrees."""
    trust = Trust(principal=service, kind="service", evidence=f"allows {service}")
    role = make_identity("agent-runner", key=ROLE, provider="aws", trusts=(trust,))
    workloads = [one for one in found if isinstance(one, Workload)]

    resolved = resolve((*identities(found).values(), role), {}, workloads, ())

    edges = {(one.source, one.target) for one in resolved.edges}
    support, free = "anthropic:agents/agent_support", "anthropic:agents/agent_free"
    holders = {"api_keys/apikey_shop", "api_keys/apikey_old", "service_accounts/svac_deploy", "users/user_ada"}
    assert {source for source, target in edges if target == support} == {f"anthropic:{one}" for one in holders}
    assert ((support, ROLE) in edges) is agrees
    assert (free, ROLE) not in edges
    agent = next(one for one in resolved.identities if one.key == support)
    assert ("can_assume" in {one.relation for one in agent.links}) is agrees


@pytest.mark.parametrize(
    ("tools", "asked"),
    [
        ((toolset("always_ask"), mcp_toolset("always_allow")), False),
        ((toolset("auto"),), None),
        ((), None),
        ((toolset("always_ask"), mcp_toolset("always_ask")), True),
    ],
)
def test_a_person_is_in_the_loop_if_every_tool_asks(tools: tuple[Any, ...], asked: bool | None) -> None:
    """One tool that does not ask is enough to act alone; automatic approval says neither."""
    api = organization()
    api.own[AGENTS_VALUE]["/v1/agents"] = [agent("agent_1", "one", *tools)]

    found = identities(read_from(api))["agents/agent_1"]

    assert found.attributes.get("human_in_the_loop") is asked


def test_without_a_token_sections_are_off_and_facts_unknown() -> None:
    """A key still names the service account that it acts as, whose rights and trusts are then not known."""
    api = organization()

    found = read_from(api, org_token=None, workspace_tokens=())

    statuses = {name for name, one in coverage(found).items() if one.status == "off"}
    deploy = identities(found)["service_accounts/svac_deploy"]
    assert statuses == {"service_accounts", "federation", "agents", "deployments", "vaults"}
    assert set(deploy.unread) == {"permissions", "trusts"}
    assert deploy.privilege.level == "unknown"
    assert [one.id for one in deploy.credentials] == ["apikey_deploy"]


def test_what_is_refused_or_missing_is_a_gap_of_its_sections() -> None:
    """Each key by itself; the permission says which one it takes."""
    api = organization()
    del api.opens[ORG_VALUE]
    api.hidden.add(f"{BELOW}/analytics/usage")

    found = read_from(api, workspace_tokens=(SecretRef(env="NO_SUCH_KEY"),))

    gaps = {name: one.status for name, one in coverage(found).items() if one.is_gap}
    assert gaps == {
        "usage": "failed", "service_accounts": "denied", "federation": "denied",
        "agents": "failed", "deployments": "failed", "vaults": "failed",
    }  # fmt: skip
    assert coverage(found)["federation"].permission == "an OAuth token with the scope org:admin"
    assert "use" in identities(found)["api_keys/apikey_shop"].unread
    assert identities(found)["api_keys/apikey_shop"].use_tracked_days is None


def test_an_api_that_does_not_say_its_organization_is_read_all_the_same() -> None:
    """Under the source's name, or the one that is configured."""
    api = organization()
    api.hidden.add(f"{BELOW}/me")

    unnamed, named = read_from(api), read_from(api, organization="acme")

    assert {one.scope for one in unnamed if isinstance(one, Identity)} == {"prod"}
    assert {one.scope for one in named if isinstance(one, Identity)} == {"acme"}


def test_requests_are_counted_and_few() -> None:
    """A listing each; for workspaces, roles, groups, service accounts and vaults one each; and spans of usage."""
    api = organization()

    found = read_from(api)

    assert sum(one.calls for one in coverage(found).values()) == sum(api.counted.values())
    assert sum(times for path, times in api.counted.items() if not path.endswith("/usage")) == 20


def test_where_there_is_no_usage_of_agents_keys_have_a_report() -> None:
    """The older one, which all organizations have; requests are not counted there."""
    api = organization()
    api.hidden.add(f"{BELOW}/analytics/usage")
    result = {"api_key_id": "apikey_shop", "output_tokens": 5, "uncached_input_tokens": 4}
    api.rest[f"{BELOW}/usage_report/messages"] = [
        {"starting_at": "2026-09-17T00:00:00Z", "ending_at": "2026-09-18T00:00:00Z", "results": [result]},
        {"starting_at": "2026-09-18T00:00:00Z", "ending_at": "2026-09-19T00:00:00Z", "results": []},
    ]

    found = read_from(api)

    usage = coverage(found)["usage"]
    assert (usage.status, "usage of agents is not offered" in str(usage.detail)) == ("complete", True)
    assert str(identities(found)["api_keys/apikey_shop"].last_used_at)[:10] == "2026-09-17"


def test_usage_is_asked_for_in_spans_that_a_report_may_have() -> None:
    """Whole days, then the hours of today; none is left out or asked for twice."""
    spans = [
        (one["starting_at"], one["ending_at"]) for one in usage_spans(datetime(2026, 9, 30, 5, 20, tzinfo=UTC), 45)
    ]

    assert spans == [
        ("2026-08-16T00:00:00Z", "2026-09-15T00:00:00Z"),
        ("2026-09-15T00:00:00Z", "2026-09-30T05:00:00Z"),
    ]


def test_a_rule_without_its_issuer_and_roles_that_are_not_given_are_gaps() -> None:
    """What hangs on something that is missing is not passed over."""
    api = organization()
    api.rest[f"{BELOW}/federation_issuers"].pop()
    api.rest[f"{BELOW}/rbac_groups"][0]["role_ids"] = None

    found = coverage(read_from(api))

    assert (found["federation"].status, found["rbac"].status) == ("partial", "partial")
    assert "fdrl_pod" in str(found["federation"].detail)


def test_files_are_read_as_curl_writes_them(tmp_path: Path) -> None:
    """The same identities as from the API, and a last page that is missing is a gap."""
    api = organization()
    for path, body in {**api.rest, **api.own[AGENTS_VALUE]}.items():
        file = tmp_path / f"{path.strip('/')}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"data": body, "next_page": None} if isinstance(body, list) else body))
    rules = tmp_path / "v1/organizations/federation_rules.json"
    rules.write_text(json.dumps({"data": [], "next_page": "2"}))

    found = read(connector("http://127.0.0.1:1", from_files=tmp_path))

    assert {name: one.status for name, one in coverage(found).items() if one.is_gap} == {"federation": "failed"}
    assert set(identities(found)) == set(identities(read_from(organization())))


def test_doctor_and_policy_say_what_each_key_takes() -> None:
    """What cannot be read is named with the key for it; that every admin key can write is said."""
    api = organization()
    api.faults = lambda asked: (
        Reply(status=400, body={}) if asked.path.endswith("/usage") and "starting_at=" not in asked.query else None
    )
    del api.opens[AGENTS_VALUE]

    with served(api) as url:
        checks = {one.name: one for one in connector(url).check()}
    whole = json.loads(type(connector("http://127.0.0.1:1")).base_policy())
    least = json.loads(connector("http://127.0.0.1:1", org_token=None, workspace_tokens=()).policy())

    refused = {name for name, one in checks.items() if not one.ok}
    assert refused == {f"{name} wrkspc_prod" for name in ("agents", "deployments", "vaults")}
    assert checks["agents wrkspc_prod"].fix == "it takes a key of the workspace"
    assert "can also write" in checks["token's rights"].detail
    assert set(whole["keys"]) == {"token", "org_token", "workspace_tokens"}
    assert set(least["keys"]) == {"token"}
    assert VALUE not in repr(checks)


def test_the_admin_key_and_the_token_are_sent_as_each_is(found: list[DiscoveredRecord]) -> None:
    """A key as ``x-api-key``, a token as bearer, never both; always with the version."""
    api, seen = organization(), set[tuple[bool, str | None]]()

    def noted(asked: Any) -> Reply | None:
        headers = {name.lower(): value for name, value in asked.headers.items()}
        seen.add(("x-api-key" in headers, headers.get("authorization")))
        return None

    api.faults = noted
    read_from(api)

    assert seen == {(True, None), (False, f"Bearer {ORG_VALUE}")}
    assert found
