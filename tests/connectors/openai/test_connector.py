"""What is read of an organization of OpenAI: identities, keys, trusts, agents, and what could not be read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.core.contract import DiscoveredRecord
from connectors.testing import Reply, read
from scanner.access.edges import resolve
from scanner.judging.agents.verdict import judge_agent
from scanner.model import Coverage, Identity, StoredSecret, TokenSubject, Trust, Workload
from scanner.model.reach import Said
from scanner.redaction.redact import SecretRef
from tests.connectors.ai_vendors.fake import Vendor, served
from tests.connectors.openai.estates import (
    AGENTS_TOKEN,
    AGENTS_VALUE,
    ORGANIZATION,
    PLANTED,
    SUBJECT,
    TOKEN,
    VALUE,
    agent,
    automation,
    connector,
    event,
    held_by_account,
    invocation,
    key,
    mcp,
    organization,
)
from tests.factories import make_identity


@pytest.fixture(autouse=True)
def tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the source's keys are."""
    monkeypatch.setenv(TOKEN, VALUE)
    monkeypatch.setenv(AGENTS_TOKEN, AGENTS_VALUE)


def coverage(found: list[DiscoveredRecord]) -> dict[str, Coverage]:
    """By section."""
    return {one.section: one for one in found if isinstance(one, Coverage)}


def identities(found: list[DiscoveredRecord]) -> dict[str, Identity]:
    """By key, without its beginning."""
    return {one.key.removeprefix("openai:"): one for one in found if isinstance(one, Identity)}


def read_from(api: Vendor, **settings: Any) -> list[DiscoveredRecord]:
    """All that is read of an organization."""
    with served(api) as url:
        return read(connector(url, **settings))


@pytest.fixture(scope="module")
def found() -> Iterator[list[DiscoveredRecord]]:
    """The organization, read once, its pages two rows long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(TOKEN, VALUE)
        patch.setenv(AGENTS_TOKEN, AGENTS_VALUE)
        yield read_from(organization(per_page=2))


def test_an_organization_is_read_whole(found: list[DiscoveredRecord]) -> None:
    """Every identity, none invented; nothing that an answer could hold of a secret is kept."""
    assert [(one.section, one.status) for one in coverage(found).values() if one.status != "complete"] == []
    assert {name: one.kind for name, one in identities(found).items()} == {
        "service_accounts/svc_acct_chat": "service_account",
        "service_accounts/svc_acct_deploy": "service_account",
        "service_accounts/svc_acct_old": "service_account",
        "users/user-ada": "user",
        "users/user-leaver": "user",
        "users/user-root": "user",
        "api_keys/key_lost": "api_key",
        "agents/agent_support": "agent",
        "agents/agent_local": "agent",
    }
    assert PLANTED not in repr(found)


def test_keys_are_credentials_of_who_owns_them(found: list[DiscoveredRecord]) -> None:
    """With dates, last use, creator, and usage; one without an owner is its own identity."""
    by_key = identities(found)
    chat = by_key["service_accounts/svc_acct_chat"].credentials[0]
    deploy = by_key["service_accounts/svc_acct_deploy"]

    assert {one.id for each in by_key.values() for one in each.credentials} == {
        "key_deploy", "key_chat", "key_ada", "key_leaver", "key_lost", "key_root",
    }  # fmt: skip
    assert (chat.id, str(chat.last_used_at)[:10], chat.never_expires) == ("key_chat", "2026-09-23", False)
    assert (chat.attributes["model_requests"], chat.attributes["project"]) == (9, "shop")
    assert by_key["api_keys/key_lost"].credentials[0].attributes["model_requests"] == 4
    assert (deploy.created_by, deploy.credentials[0].attributes["created_by"]) == ("ada@acme.example",) * 2
    assert by_key["users/user-leaver"].credentials[0].attributes["former_member"] == "leaver@acme.example"
    assert "former_member" not in by_key["users/user-ada"].credentials[0].attributes
    assert [one.id for one in by_key["api_keys/key_lost"].credentials] == ["key_lost"]
    assert by_key["service_accounts/svc_acct_old"].enabled is False


def test_privilege_follows_from_roles_and_keys(found: list[DiscoveredRecord]) -> None:
    """By what permissions allow; an admin key and an owner are admins; a key without an owner is unknown."""
    assert {name: one.privilege.level for name, one in identities(found).items() if one.kind != "agent"} == {
        "service_accounts/svc_acct_chat": "normal",
        "service_accounts/svc_acct_deploy": "high",
        "service_accounts/svc_acct_old": "normal",
        "users/user-ada": "escalation",
        "users/user-leaver": "normal",
        "users/user-root": "admin",
        "api_keys/key_lost": "unknown",
    }
    chat = identities(found)["service_accounts/svc_acct_chat"]
    assert {(one.name, one.via) for one in chat.grants} == {("reader", "direct"), ("project member", "direct")}
    assert chat.attributes["hosted_tools"] == ["mcp", "web_search"]
    assert chat.attributes["models_allowed"] == ["gpt-6"]


def test_rules_are_trusts_that_join_workflows(found: list[DiscoveredRecord]) -> None:
    """By subject, and by a claim that the provider makes an attribute of; a rule that is stopped admits no one."""
    deploy = identities(found)["service_accounts/svc_acct_deploy"]
    main = next(one for one in deploy.trusts if one.subject == SUBJECT)
    anyone = next(one for one in deploy.trusts if one.implied)
    token = TokenSubject(
        issuer=main.issuer or "", subject=SUBJECT, claims=(Said(name="repository", value="acme/shop"),)
    )
    workflow = make_identity(key="github:acme/shop/deploy.yml", provider="github", token_subjects=(token,))

    resolved = resolve((deploy, workflow), {}, (), ()).identities

    assert (main.restriction, main.external, len(deploy.trusts)) == ("exact", True, 2)
    assert anyone.subject == "repo:acme/shop:*"
    assert {one.target for one in deploy.links} == {"github:acme/shop"}
    joined = {one.key: {link.target for link in one.links if link.relation == "can_assume"} for one in resolved}
    assert joined[workflow.key] == {deploy.key}


def test_agents_show_model_tools_servers_and_schedule(found: list[DiscoveredRecord]) -> None:
    """Names and hosts alone; the last run is the last use."""
    agent = identities(found)["agents/agent_support"]
    local = identities(found)["agents/agent_local"]

    assert judge_agent(agent).is_agent
    assert {name: agent.attributes[name] for name in ("model", "tools", "schedule", "vault_credentials")} == {
        "model": "gpt-6",
        "tools": ["refund"],
        "schedule": "0 6 * * * Europe/Berlin",
        "vault_credentials": ["vcred_1"],
    }
    assert agent.attributes["mcp_servers"] == [
        {"name": "tracker", "host": "mcp.acme.example", "type": "http", "tools": ["search"], "variables": []}
    ]
    assert local.attributes["mcp_servers"][0]["variables"] == ["CRM_KEY"]
    assert (local.name, str(agent.last_used_at)[:10], agent.tags) == ("agent_local", "2026-09-21", {"team": "support"})


def test_credentials_in_vaults_are_stored_secrets_of_automations(found: list[DiscoveredRecord]) -> None:
    """Names, dates, hosts and variables. OpenAI never returns a value."""
    secrets = {one.key: one for one in found if isinstance(one, StoredSecret)}
    (work,) = [one for one in found if isinstance(one, Workload) and one.kind == "automation"]

    bearer, variable = (secrets[f"openai:vaults/vault_1/credentials/vcred_{number}"] for number in (1, 2))
    assert (bearer.name, bearer.attributes) == (
        "support/1", {"type": "static_bearer", "host": "mcp.acme.example", "variable": None}
    )  # fmt: skip
    assert (variable.attributes["variable"], str(variable.rotated_at)[:10]) == ("CRM_KEY", "2026-09-21")
    assert work.uses == (bearer.key, variable.key)
    assert PLANTED not in str(found)


def test_a_kind_of_usage_that_is_not_offered_is_a_note() -> None:
    """What the others count stands."""
    api = organization()
    api.hidden.add(f"{ORGANIZATION}/usage/images")

    found = read_from(api)

    usage = coverage(found)["usage"]
    assert (usage.status, usage.detail) == ("complete", "usage of images is not offered")
    assert identities(found)["api_keys/key_lost"].credentials[0].attributes["model_requests"] == 4


def test_usage_is_read_in_part_if_its_first_kind_is_refused() -> None:
    """Also if the other kinds count nothing."""
    api = organization()
    api.faults = lambda asked: (
        Reply(status=403, body={"error": {"message": "Missing scopes: api.usage.read"}})
        if asked.path.endswith("/usage/completions")
        else Reply(body={"data": [], "has_more": False, "next_page": None})
        if "/usage/" in asked.path
        else None
    )

    assert coverage(read_from(api))["usage"].status == "partial"


def test_an_agent_that_an_automation_defines_is_listed() -> None:
    """With the automation's id and name, for it has none of its own; no secret of it is kept."""
    api = organization()
    inline = automation("auto_2", "")
    server = {**mcp("crm", PLANTED), "transport": {"type": "http", "server_url": "https://mcp.acme.example"}}
    own = ("id", "object", "name", "created_at", "updated_at", "metadata")
    defined = {name: value for name, value in agent("", None, server).items() if name not in own}
    inline["target"] |= {"agent_id": None, "agent": defined}
    api.own[AGENTS_VALUE]["/v1/agents/automations"].append(inline)
    api.own[AGENTS_VALUE]["/v1/agents/automations/auto_2/invocations"] = [invocation("auto_2")]

    found = read_from(api)

    made = identities(found)["agents/auto_2"]
    works = {one.key: one for one in found if isinstance(one, Workload)}
    assert (made.name, made.attributes["model"]) == ("morning", "gpt-6")
    assert [one["host"] for one in made.attributes["mcp_servers"]] == ["mcp.acme.example"]
    assert made.attributes["schedule"] == "0 6 * * * Europe/Berlin"
    assert works["openai:automations/auto_2"].runs_as == (made.key,)
    assert made.key in works["openai:projects/proj_shop"].runs_as
    assert PLANTED not in str(found)


def test_what_is_unread_of_roles_leaves_privilege_unknown() -> None:
    """Nothing above normal was found; a level that is known stays."""
    api = organization()
    api.faults = lambda asked: Reply(status=403, body={}) if asked.path.endswith("/roles") else None

    levels = {name: one.privilege.level for name, one in identities(read_from(api)).items()}

    assert levels["service_accounts/svc_acct_chat"] == levels["users/user-ada"] == "unknown"
    assert (levels["service_accounts/svc_acct_deploy"], levels["users/user-root"]) == ("high", "admin")


def test_who_holds_a_key_of_a_project_may_become_its_agents(found: list[DiscoveredRecord]) -> None:
    """Under a condition, for what a key is restricted to is not listed; an admin needs no path."""
    workloads = [one for one in found if isinstance(one, Workload)]

    resolved = resolve(tuple(identities(found).values()), {}, workloads, ())

    becoming = {(one.source, one.conditional) for one in resolved.edges if one.target == "openai:agents/agent_support"}
    holders = ("service_accounts/svc_acct_chat", "service_accounts/svc_acct_deploy", "users/user-ada",
               "users/user-leaver", "api_keys/key_lost")  # fmt: skip
    assert becoming == {(f"openai:{one}", True) for one in holders}


def test_without_keys_of_projects_agents_are_off() -> None:
    """Not read is not none; a key that is missing or refused is a gap of its sections alone."""
    off = coverage(read_from(organization(), project_tokens=()))
    missing = coverage(read_from(organization(), project_tokens=(SecretRef(env="NO_SUCH_KEY"),)))
    refused = organization()
    del refused.opens[AGENTS_VALUE]
    denied = coverage(read_from(refused))

    assert {off[name].status for name in ("agents", "automations", "vaults")} == {"off"}
    assert {missing[name].status for name in ("agents", "automations", "vaults")} == {"failed"}
    assert (denied["agents"].status, denied["agents"].permission) == (
        "denied",
        "a project's key, restricted to Agents: Read",
    )
    others = {one.status for name, one in missing.items() if name not in ("agents", "automations", "vaults")}
    assert others == {"complete"}


def test_what_is_refused_is_a_gap_that_hides_what_depends_on_it() -> None:
    """Facts that could not be read are marked so, on each identity that may have them."""
    api = organization()
    api.faults = lambda asked: (
        Reply(status=403, body={"error": {"message": "Missing scopes: api.audit_logs.read"}})
        if asked.path.endswith(("audit_logs", "workload_identity_providers", "api_keys"))
        else None
    )

    found = read_from(api)

    gaps = {name: one.status for name, one in coverage(found).items() if one.is_gap}
    chat = identities(found)["service_accounts/svc_acct_chat"]
    assert gaps == dict.fromkeys(("audit_log", "workload_identity", "api_keys", "admin_api_keys"), "denied")
    assert "Missing scopes" in str(coverage(found)["audit_log"].detail)
    assert set(chat.unread) == {"credentials", "trusts", "use"}
    assert chat.use_tracked_days is None


def test_one_project_that_fails_leaves_the_others() -> None:
    """The gap names it; an account that only a key names is kept."""
    api = organization()
    path = f"{ORGANIZATION}/projects/proj_lab/service_accounts"
    api.faults = lambda asked: Reply(status=500, body={}) if asked.path == path else None
    lab = f"{ORGANIZATION}/projects/proj_lab/api_keys"
    api.rest[lab].append(key("key_lab", held_by_account("svc_acct_lab", "lab")))
    api.rest["/v1/projects/proj_lab/users/svc_acct_lab/roles"] = []

    found = read_from(api)

    accounts = coverage(found)["service_accounts"]
    assert (accounts.status, accounts.identities, accounts.unread_in) == ("partial", 3, ("proj_lab",))
    assert "1 of 3 projects not read: lab" in str(accounts.detail)
    assert identities(found)["service_accounts/svc_acct_lab"].credentials[0].id == "key_lab"


def test_requests_are_counted_and_few() -> None:
    """A listing each for the organization; for projects, groups and holders one each."""
    api = organization()

    found = read_from(api)

    assert sum(one.calls for one in coverage(found).values()) == sum(api.counted.values()) == 36


def test_the_newest_creation_counts_and_other_events_do_not() -> None:
    """A log that ignores the filter gives all events."""
    api = organization()
    api.rest[f"{ORGANIZATION}/audit_logs"] = [
        event("audit_4", "api_key.deleted", "key_chat"),
        event("audit_3", "api_key.created", "key_chat", "grace@acme.example"),
        event("audit_2", "api_key.created", "key_chat"),
    ]

    chat = identities(read_from(api))["service_accounts/svc_acct_chat"]

    assert chat.credentials[0].attributes["created_by"] == "grace@acme.example"


def test_files_are_read_as_curl_writes_them(tmp_path: Path) -> None:
    """The same identities as from the API; a page that is missing, or no file, is a gap."""
    api = organization()
    for path, body in {**api.rest, **api.own[AGENTS_VALUE]}.items():
        file = tmp_path / f"{path.strip('/')}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"data": body, "has_more": False} if isinstance(body, list) else body))
    users = tmp_path / "v1/organization/users.json"
    users.write_text(json.dumps({"data": [], "has_more": True}))
    (tmp_path / "v1/organization/groups.json").unlink()

    found = read(connector("http://127.0.0.1:1", from_files=tmp_path))

    statuses = {name: one.status for name, one in coverage(found).items() if one.is_gap}
    assert statuses == {"users": "failed", "roles": "partial"}
    assert set(identities(found)) == set(identities(read_from(organization())))


def test_what_stands_beside_the_tools_of_a_project_is_no_gap(tmp_path: Path) -> None:
    """Only what says that it is enabled is a tool: OpenAI adds fields at any time."""
    tools = {
        "mcp": {"enabled": True},
        "new": {"by": "x"},
        "object": "x",
        "inherited": True,
        "regions": ["eu"],
        "n": 0.5,
    }
    below = "v1/organization/projects"
    for name, content in (
        (below, {"data": [{"id": "proj_shop"}]}),
        (f"{below}/proj_shop/service_accounts", {"data": [{"id": "svc_acct_chat", "role": "member"}]}),
        (f"{below}/proj_shop/hosted_tool_permissions", tools),
        (f"{below}/proj_shop/model_permissions", {"mode": "allow_list", "model_ids": []}),
    ):
        file = tmp_path / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content))

    found = read(connector("https://api.openai.com", from_files=tmp_path))

    assert coverage(found)["project_permissions"].status == "complete"
    assert identities(found)["service_accounts/svc_acct_chat"].attributes["hosted_tools"] == ["mcp"]


def test_doctor_asks_each_section_once_and_says_what_is_missing() -> None:
    """By the key that it takes; the key's value is in no line."""
    api = organization()
    api.faults = lambda asked: (
        Reply(status=400, body={}) if "/usage/" in asked.path and "start_time=" not in asked.query else None
    )
    api.hidden.add(f"{ORGANIZATION}/admin_api_keys")
    del api.opens[AGENTS_VALUE]

    with served(api) as url:
        checks = {one.name: one for one in connector(url).check()}

    assert {name for name, one in checks.items() if not one.ok} == {
        "admin_api_keys", "agents proj_shop", "automations proj_shop", "vaults proj_shop",
    }  # fmt: skip
    assert checks["agents proj_shop"].fix == "it takes a project's key, restricted to Agents: Read"
    assert "--policy" in checks["token's rights"].detail
    assert VALUE not in repr(checks)


def test_the_policy_names_the_least_of_each_key() -> None:
    """For a source without keys of projects, only the admin key."""
    whole = json.loads(type(connector("http://127.0.0.1:1")).base_policy())
    without = json.loads(connector("http://127.0.0.1:1", project_tokens=()).policy())

    assert set(whole["keys"]) == {"token", "project_tokens"}
    assert set(without["keys"]) == {"token"}
    assert "agents" not in without["sections"]
    rights = {one for key in whole["keys"].values() for name, one in key.items() if name != "create"}
    assert rights == {"Read"}


def test_a_matcher_that_is_no_claim_narrows_nothing() -> None:
    """The trust is open to every repository of the issuer, in the rule's words."""
    api = organization()
    providers = api.rest[f"{ORGANIZATION}/workload_identity_providers"]
    providers[0]["attribute_transformations"] = [{"attribute": "team", "expression": "assertion.sub.split('/')[0]"}]
    rules = api.rest[f"{ORGANIZATION}/workload_identity_providers/wip_github/federation_rules"]
    rules[:] = [{**rules[0], "attribute_matchers": {"team": "repo:acme", "fork": False}}]

    (trust,) = identities(read_from(api))["service_accounts/svc_acct_deploy"].trusts

    assert isinstance(trust, Trust)
    assert (trust.restriction, trust.subject) == ("none", None)
    assert "split" in trust.evidence


@pytest.mark.parametrize("address", ["{url}/v1", "{url}/"])
def test_an_address_with_the_version_means_the_same(address: str) -> None:
    """People copy it from the SDK's settings."""
    with served(organization()) as url:
        found = read(connector(address.format(url=url)))

    assert [one.section for one in coverage(found).values() if one.is_gap] == []


def test_a_last_page_that_names_no_next_one_is_a_gap() -> None:
    """Never a part for the whole."""
    api = organization()
    body = {"object": "list", "data": [], "has_more": True}
    api.faults = lambda asked: Reply(body=body) if asked.path == f"{ORGANIZATION}/users" else None

    users = coverage(read_from(api))["users"]

    assert (users.status, "does not say where" in str(users.detail)) == ("failed", True)
