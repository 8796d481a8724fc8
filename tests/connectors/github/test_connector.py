"""What is read of an organization: identities, credentials, secrets, and what could not be read."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from msgspec.structs import replace

from connectors.core.budget import Limits
from connectors.core.contract import DiscoveredRecord, Scope
from connectors.github.client.payloads import Registry
from connectors.github.facts import GithubOrganization
from connectors.github.identities.organization import registry
from connectors.github.identities.place import GithubScope
from connectors.github.spec import SPEC
from connectors.testing import Asked, Reply, Server, read
from scanner.access.workloads import by_takeover
from scanner.model import Coverage, Credential, Exposure, Identity, StoredSecret, Workload
from scanner.redaction.redact import SecretRef
from tests.connectors.github.estates import EVERYTHING, PLANTED, ROLE, TOKEN, VALUE, connector, organization
from tests.connectors.github.fake import GithubServer, served, user


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the source's token is."""
    monkeypatch.setenv(TOKEN, VALUE)


def records(url: str, **settings: object) -> list[DiscoveredRecord]:
    """All that is read."""
    return read(connector(url, **settings), deadline=120.0, limits=Limits())


def coverage(found: list[DiscoveredRecord]) -> dict[str, Coverage]:
    """By section."""
    return {one.section: one for one in found if isinstance(one, Coverage)}


def identities(found: list[DiscoveredRecord]) -> dict[str, Identity]:
    """By key, without its beginning."""
    return {one.key.removeprefix("github:acme/"): one for one in found if isinstance(one, Identity)}


@pytest.fixture(scope="module")
def found() -> Iterator[list[DiscoveredRecord]]:
    """The organization, read once with everything that can be switched on."""
    with pytest.MonkeyPatch.context() as patch, served(organization(), token=VALUE, per_page=2) as (_, url):
        patch.setenv(TOKEN, VALUE)
        yield records(url, **EVERYTHING)


def test_an_organization_is_read_whole(found: list[DiscoveredRecord]) -> None:
    """Every identity and stored secret, none invented; nothing that an answer could hold of a secret is kept."""
    assert [(one.section, one.status) for one in coverage(found).values() if one.status != "complete"] == []
    assert {key: one.kind for key, one in identities(found).items()} == {
        "installations/1000": "app",
        "installations/1001": "app",
        "users/acme-deploy-bot": "member",
        "users/ada": "member",
        "users/contractor": "outside_collaborator",
        "users/leaver": "former_member",
        "shop/keys/300": "deploy_key",
        "shop/keys/301": "deploy_key",
        "runner-groups/1": "runner_group",
        "actions/token": "actions_token",
        "private-registries/NPM": "private_registry",
        "shop/.github/workflows/deploy.yml": "workflow",
        "shop/.github/agents/reviewer.agent.md": "custom_agent",
        "github:acme-platform/.github-private/agents/guide.md": "custom_agent",
        "copilot": "coding_agent",
        "shop/copilot": "coding_agent",
        "docs/copilot": "coding_agent",
        "hooks/1": "webhook",
    }
    assert {one.key.removeprefix("github:acme/") for one in found if isinstance(one, StoredSecret)} == {
        "actions/secrets/REGISTRY",
        "dependabot/secrets/REGISTRY",
        "agents/secrets/REGISTRY",
        "private-registries/MAVEN",
        "shop/actions/secrets/AWS_ACCESS_KEY_ID",
        "shop/environments/production/secrets/DATABASE",
        "shop/dependabot/secrets/NPM",
        "shop/agents/secrets/SEARCH",
        "codespaces/secrets/DOTFILES",
        "shop/environments/copilot/secrets/COPILOT_MCP_TRACKER",
    }
    assert PLANTED not in repr(found)


def test_alerts_are_places_of_keys(found: list[DiscoveredRecord]) -> None:
    """Of providers that are known, with what GitHub knows of the key; the secret is not asked for."""
    leaks = [one for one in found if isinstance(one, Exposure)]

    assert [(one.provider, one.place, one.verified, one.public) for one in leaks] == [
        ("aws", "acme/shop prod.env:3", True, True),
        ("github", "acme/shop", None, None),
        ("openai", "acme/shop", True, None),
    ]
    assert [(one.key_id, one.holder) for one in leaks] == [(None, None), (None, None), ("key_chat", "user-ada")]
    assert coverage(found)["secret_scanning_alerts"].detail == (
        "alerts left out: 1 closed as no leak; alerts left out: 1 without a public id, of no known provider"
    )


def test_privileges_and_natures_follow_from_facts(found: list[DiscoveredRecord]) -> None:
    """Permissions, scopes, access of keys, who may use runners; single sign-on and names."""
    by_key = identities(found)
    assert {key: one.privilege.level for key, one in by_key.items() if one.privilege.level != "normal"} == {
        "installations/1000": "high",
        "users/acme-deploy-bot": "high",
        "users/ada": "high",
        "shop/keys/300": "high",
        "runner-groups/1": "high",
        "actions/token": "high",
    }
    says = {
        key: {(one.says, one.strength) for one in by_key[key].signals} for key in ("users/ada", "users/acme-deploy-bot")
    }
    assert says == {
        "users/ada": {("human", "strong")},
        "users/acme-deploy-bot": {("machine", "strong"), ("machine", "weak")},
    }
    assert by_key["installations/1000"].attributes["owners"][0]["email"] == "bots@acme.example"
    assert by_key["installations/1000"].created_by == "root"
    reviewer = by_key["shop/.github/agents/reviewer.agent.md"]
    assert (reviewer.name, reviewer.enabled) == ("reviewer", True)
    assert [one["id"] for one in reviewer.attributes["owners"]] == ["acme/core", "core"]
    assert by_key["hooks/1"].name == "hooks.acme.example"


def test_a_workflow_is_joined_with_its_role_and_with_who_may_change_it(found: list[DiscoveredRecord]) -> None:
    """Its role stands in a variable; who may write to the repository becomes the workflow, and with it the role."""
    by_key = identities(found)
    workflow = by_key["shop/.github/workflows/deploy.yml"]
    (secret,) = [one for one in found if isinstance(one, StoredSecret) and one.name == "AWS_ACCESS_KEY_ID"]
    workloads = [one for one in found if isinstance(one, Workload)]
    edges = list(by_takeover(by_key.values(), workloads))

    assert [(one.relation, one.target) for one in workflow.links] == [("federates", ROLE)]
    # The audit log has that the repository was renamed after subjects became immutable.
    assert [one.subject for one in workflow.token_subjects] == ["repo:acme@4711/shop@7000:environment:production"]
    assert secret.attributes["federation_beside"] == [".github/workflows/deploy.yml jobs.deploy"]
    assert {
        (one.source.removeprefix("github:acme/"), one.conditional) for one in edges if one.target == workflow.key
    } == {
        ("shop/keys/300", False),
        ("installations/1000", True),
        ("users/acme-deploy-bot", True),
        ("users/acme-deploy-bot", False),  # by its role in the organization
        ("users/ada", True),  # with a classic token, wherever she may write
        ("users/ada", False),  # with a token that is for this repository
    }


def test_agents_say_what_they_may_use_and_who_set_them_off(found: list[DiscoveredRecord]) -> None:
    """A file's front matter, servers' hosts and names, and the last task with its creator."""
    by_key = identities(found)
    reviewer, own = by_key["shop/.github/agents/reviewer.agent.md"], by_key["shop/copilot"]
    server = {"name": "tracker", "host": "mcp.acme.example", "type": "http"}

    assert (reviewer.display_name, reviewer.description) == ("Reviewer", "Looks for mistakes")
    assert reviewer.attributes["tools"] == ["read", "search"]
    assert reviewer.attributes["model"] == "large"
    assert reviewer.attributes["mcp_servers"] == [
        {**server, "tools": [], "variables": ["TOKEN"], "secrets": ["COPILOT_MCP_TRACKER"]}
    ]
    assert reviewer.attributes["changed_by"] == "ada@acme.example"
    assert own.attributes["mcp_servers"] == [
        {**server, "tools": ["search"], "variables": ["KEY", "OTHER"], "secrets": ["COPILOT_MCP_KEY"]}
    ]
    assert own.attributes["secrets"] == ["COPILOT_MCP_TRACKER"]
    assert own.attributes["started_by_workflows"] == [".github/workflows/nightly.yml"]
    last = {key: f"{by_key[key].last_used_at:%d}" for key in ("copilot", "shop/copilot") if by_key[key].last_used_at}
    assert last == {"copilot": "05", "shop/copilot": "05"}
    assert f"{reviewer.last_used_at:%d}" == "04"
    assert own.attributes["set_off_by"] == ["ada@acme.example", "root@acme.example"]
    assert reviewer.attributes["set_off_by"] == ["ada@acme.example"]
    assert all(("agent", "strong") in {(one.says, one.strength) for one in agent.signals} for agent in (reviewer, own))


def test_what_the_organization_says_once_is_a_fact_of_who_it_is_about(found: list[DiscoveredRecord]) -> None:
    """Roles, rulesets that are bypassed, the policy of Actions, and what registries sign in as."""
    by_key = identities(found)
    bypassing = {
        key: one.attributes["bypasses_rulesets"] for key, one in by_key.items() if "bypasses_rulesets" in one.attributes
    }
    roles = {
        key: [one.name for one in by_key[key].grants if one.name.startswith("role:")]
        for key in ("users/ada", "users/leaver")
    }
    token = by_key["actions/token"]
    (maven,) = [one for one in found if isinstance(one, StoredSecret) and one.name == "MAVEN"]

    assert bypassing == {"installations/1000": ["main"], "shop/keys/300": ["main"]}
    assert roles == {"users/ada": ["role: all repositories: write", "role: auditor"], "users/leaver": []}
    assert "role all repositories: write changes the code of all" in str(
        by_key["users/acme-deploy-bot"].privilege.evidence
    )
    assert token.managed_by
    assert token.aliases == ("github-actions[bot]",)
    assert token.attributes["forks_approval_policy"] == "first_time_contributors"
    # The other workflow says what its token may do.
    assert token.attributes["workflows_by_default"] == ["acme/shop/.github/workflows/nightly.yml"]
    assert [(one.relation, one.target) for one in by_key["private-registries/NPM"].links] == [("federates", ROLE)]
    assert maven.attributes["host"] == "maven.acme.example"


class EnterpriseServer(GithubServer):
    """The same organization on a machine of its own, whose API is below another path."""

    def __call__(self, asked: Asked) -> Reply:
        path = asked.path.removeprefix("/api/v3").replace("/api/graphql", "/graphql")
        return super().__call__(replace(asked, path=path))


def test_an_enterprise_server_is_not_asked_for_one_alert() -> None:
    """It would answer with the secret: ``hide_secret`` is for lists there."""
    github = EnterpriseServer(organization(), token=VALUE)
    with Server(github, most=None) as server:
        found = records(f"{server.url}/api/v3", secret_scanning_alerts=True)

    assert [(one.key_id, one.holder) for one in found if isinstance(one, Exposure)] == [(None, None)] * 3
    assert github.counted["/orgs/acme/secret-scanning/alerts"] == 1
    assert not [path for path in github.counted if "secret-scanning/alerts/" in path]


def test_an_alert_whose_key_cannot_be_asked_for_stays() -> None:
    """That is a gap; the place is known from the list."""
    org = organization()
    with served(org, token=VALUE) as (github, url):
        github.faults = lambda asked: Reply(status=403, body={}) if asked.path.endswith("/alerts/5") else None
        found = records(url, secret_scanning_alerts=True)

    assert [one.key_id for one in found if isinstance(one, Exposure)] == [None, None, None]
    gap = coverage(found)["secret_scanning_alerts"]
    assert (gap.is_gap, "acme/shop 5" in str(gap.detail)) == (True, True)


def test_who_bypasses_a_ruleset_is_unknown_where_it_is_hidden() -> None:
    """GitHub leaves it out for those who may not change the ruleset: a gap, and no App counts as held by it."""
    org = organization()
    org.rulesets.append({"name": "hidden", "enforcement": "ACTIVE", "bypasses": None})
    with served(org, token=VALUE) as (_, url):
        gap = coverage(records(url, rulesets=True))["rulesets"]

    assert (gap.status, gap.permission) == ("partial", "admin:org of an owner; an App would have to write (token)")
    assert "bypasses 1 rulesets is not shown" in str(gap.detail)


def test_registries_link_to_the_identities_that_other_connectors_know() -> None:
    """By role, account, provider or client; what names none is of unknown privilege."""
    place = GithubScope(Scope(source="prod", spec=SPEC, id="acme"), GithubOrganization(login="acme", database_id=1))
    rows = {
        "arn:aws-cn:iam::111122223333:role/npm": {
            "account_id": "111122223333", "role_name": "npm", "aws_region": "cn-north-1"},
        "//iam.googleapis.com/projects/p/serviceAccounts/a@p.iam.gserviceaccount.com": {
            "service_account": "a@p.iam.gserviceaccount.com", "workload_identity_provider": "projects/1/x"},
        "//iam.googleapis.com/projects/1/x": {"workload_identity_provider": "projects/1/x"},
        "azure://t/applications/c": {"tenant_id": "T", "client_id": "C"},
        "acme-oidc": {"jfrog_oidc_provider_name": "acme-oidc"},
        None: {"account_id": "not an account", "role_name": "npm"},
    }  # fmt: skip
    made = {key: registry(place, Registry(name="R", auth_type="oidc_any", **facts)) for key, facts in rows.items()}
    found = {key: one for key, one in made.items() if isinstance(one, Identity)}

    assert {key: [link.target for link in one.links] for key, one in found.items()} == {
        key: [key] if key else [] for key in rows
    }
    assert found[None].privilege.level == "unknown"


def test_roles_that_could_not_be_read_leave_privileges_open() -> None:
    """No account counts as ordinary then."""
    with served(organization(), token=VALUE) as (github, url):
        github.hidden = {"/orgs/acme/organization-roles"}
        found = records(url)

    assert coverage(found)["organization_roles"].status == "denied"
    assert identities(found)["users/leaver"].privilege.level == "unknown"


def test_runners_that_github_hosts_say_when_they_were_used() -> None:
    """Its group has them, though it is GitHub's own and has no other runner."""
    org = organization()
    org.rows("actions/runners").clear()
    org.rows("actions/hosted-runners").append(
        {"id": 5, "name": "large", "runner_group_id": 1, "platform": "linux-x64", "status": "Ready",
         "machine_size_details": {"id": "4-core", "cpu_cores": 4, "memory_gb": 16, "storage_gb": 150},
         "image_details": None, "public_ip_enabled": True, "last_active_on": "2026-02-03T04:05:06Z"}
    )  # fmt: skip
    with served(org, token=VALUE) as (_, url):
        group = identities(records(url))["runner-groups/1"]

    assert str(group.last_used_at) == "2026-02-03 04:05:06+00:00"
    assert group.attributes["hosted_runners"][0]["public_ip"] is True


def test_credentials_of_former_members_say_whose_they_were(found: list[DiscoveredRecord]) -> None:
    """A token whose owner left, and a key whose creator left; those of members do not."""
    held: dict[str, Credential] = {
        credential.id: credential for one in identities(found).values() for credential in one.credentials
    }
    former = {id_: one.attributes["former_member"] for id_, one in held.items() if "former_member" in one.attributes}
    key = next(one.id for one in held.values() if one.kind == "ssh_key" and "former_member" in one.attributes)

    assert former == {"502": "leaver", key: "leaver"}
    assert key.startswith("SHA256:")
    assert held["501"].never_expires
    assert held["503"].last_used_at is not None


def test_without_single_sign_on_no_account_counts_as_a_machine_s() -> None:
    """Whether it is not shown, or the organization has none: everyone is listed, with what their names say."""

    def refused(asked: Asked) -> Reply | None:
        is_about_it = b"samlIdentityProvider" in asked.body
        return Reply(status=403, body={"message": "Must be an owner"}) if is_about_it else None

    without = organization()
    without.linked = None
    with served(organization(), token=VALUE) as (github, url):
        github.faults = refused
        hidden = records(url)
    with served(without, token=VALUE) as (_, url):
        lacking = records(url)

    assert "single sign-on could not be read" in str(coverage(hidden)["members"].detail)
    for found in (identities(hidden), identities(lacking)):
        assert {"users/ada", "users/root", "users/acme-deploy-bot"} <= found.keys()
        assert [one.strength for one in found["users/acme-deploy-bot"].signals] == ["weak"]
        assert found["users/root"].signals == ()


@pytest.mark.parametrize("plan", ["enterprise", "team"])
def test_not_found_is_denied_unless_the_plan_lacks_it(plan: str) -> None:
    """The organization was seen, so nothing of it is merely absent; no account counts as former then."""
    org = organization()
    org.rest["/orgs/acme"]["plan"]["name"] = plan
    with served(org, token=VALUE) as (github, url):
        github.hidden = {"/orgs/acme/audit-log", "/orgs/acme/credential-authorizations", "/orgs/acme/members",
                         "/repos/acme/shop/keys"}  # fmt: skip
        found = records(url)

    states = {name: one.status for name, one in coverage(found).items() if one.status not in ("complete", "off")}
    lacking = "denied" if plan == "enterprise" else "not_offered"
    assert states == {
        "audit_log": lacking,
        "credential_authorizations": lacking,
        "members": "partial",  # owners and outside collaborators were read
        "deploy_keys": "denied",
    }
    permissions = [one.permission for name, one in coverage(found).items() if states.get(name) in ("denied", "partial")]
    assert len(permissions) == list(states.values()).count("denied") + 1
    assert None not in permissions
    assert identities(found)["users/leaver"].kind == "member"
    assert "former_member" not in repr(identities(found)["users/leaver"].credentials)


def test_a_gap_of_single_repositories_names_them() -> None:
    """Whatever left others is gone; what cannot be told by repository may be anywhere."""
    org = organization()
    org.add_repository("site")
    org.add_key("acme/site", "pages")
    with served(org, token=VALUE) as (github, url):
        github.hidden = {"/repos/acme/site/keys"}
        found = coverage(records(url))

    keys = found["deploy_keys"]
    assert (keys.status, keys.unread_in) == ("partial", ("acme/site",))
    assert {one.unread_in for name, one in found.items() if name != "deploy_keys"} == {()}


def test_what_does_not_fit_is_a_gap_that_names_what_is_left() -> None:
    """GitHub's limit and the source's own: nothing more is sent, and the sections say so."""
    with served(organization(), token=VALUE) as (github, url):
        found = coverage(records(url, max_calls=30))
        sent = sum(github.counted.values())
        github.faults = _used_up
        limited = coverage(records(url))
    assert sent <= 31  # looking up the organization counts apart
    assert found["secrets"].status in ("failed", "partial")
    assert "shop" in str(found["secrets"].detail)
    assert limited["deploy_keys"].status == "failed"
    assert "limit is used up until" in str(limited["secrets"].detail)


def test_what_is_used_up_for_the_audit_log_is_left_for_the_rest() -> None:
    """GitHub counts the audit log apart, and says so."""
    headers = {
        "x-ratelimit-remaining": "0", "x-ratelimit-reset": "99999999999", "x-ratelimit-resource": "audit_log",
    }  # fmt: skip
    with served(organization(), token=VALUE) as (github, url):
        github.faults = lambda asked: Reply(body=[], headers=headers) if asked.path.endswith("/audit-log") else None
        found = coverage(records(url))

    assert {name: one.status for name, one in found.items() if one.is_gap} == {"audit_log": "failed"}


def _used_up(asked: Asked) -> Reply | None:
    if not asked.path.endswith("/keys"):
        return None
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "99999999999"}
    return Reply(status=403, body={"message": "API rate limit exceeded"}, headers=headers)


def test_faults_lose_nothing() -> None:
    """One of twenty answers is 429 or 502: the same records come."""
    asked = iter(range(10**9))

    def fault(_: Asked) -> Reply | None:
        number = next(asked)
        status = {3: 429, 13: 502}.get(number % 20)
        return None if status is None else Reply(status=status, body={"message": "later"})

    with served(organization(), token=VALUE, per_page=1) as (github, url):
        whole = records(url)
        github.faults = fault
        under_faults = records(url, max_attempts=8)

    assert set(identities(under_faults)) == set(identities(whole))
    assert not any(one.is_gap for one in coverage(under_faults).values())


def test_a_second_scan_is_answered_by_what_was_kept(tmp_path: Path) -> None:
    """Only GraphQL and the audit log are counted again; the file holds nothing that a scan does not read."""
    cache = tmp_path / "github.json"
    with served(organization(), token=VALUE, per_page=2) as (github, url):
        first = records(url, cache=cache, agent_configuration=True, webhooks=True)
        github.counted.clear()
        second = records(url, cache=cache, agent_configuration=True, webhooks=True)
        counted = {path for path, times in github.counted.items() if times}
        cache.write_text("{", encoding="utf-8")
        third = records(url, cache=cache)

    assert identities(first) == identities(second)
    assert counted == {"/orgs/acme", "/orgs/acme/audit-log", "/graphql"}
    kept = cache.read_text(encoding="utf-8")
    assert stat.S_IMODE(cache.stat().st_mode) == 0o600
    assert not any(text in kept for text in (PLANTED, VALUE, "ssh-ed25519", "12345678"))
    assert not any(one.is_gap for one in coverage(third).values())


@pytest.fixture(scope="module")
def key() -> str:
    """An App's private key."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    plain = serialization.NoEncryption()
    return made.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()


def test_an_app_signs_in_and_renews_its_token(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The installation's tokens are asked for anew before they end; without the installation, that is said."""
    monkeypatch.setenv("APP_KEY", key)
    org = organization()
    with served(org) as (github, url):
        github.app = {"installation": org.rows("installations")[0], "lives": 240}
        found = records(url, app_id=42, private_key=SecretRef(env="APP_KEY"))
        tokens = len(github.tokens)
        del github.app["lives"]
        checks = {one.name: one for one in connector(url, app_id=42, private_key=SecretRef(env="APP_KEY")).check()}
        github.app["installation"]["repository_selection"] = "selected"
        part = coverage(records(url, app_id=42, private_key=SecretRef(env="APP_KEY")))
        given = github.app["installation"]
        github.app = {"installation": {**given, "suspended_at": "2026-01-02T03:04:05Z", "suspended_by": user("ada")}}
        suspended = coverage(records(url, app_id=42, private_key=SecretRef(env="APP_KEY")))
        github.app = {"installation": {**given, "account": user("another")}}
        elsewhere = coverage(records(url, app_id=42, private_key=SecretRef(env="APP_KEY")))
        monkeypatch.setenv("APP_KEY", "no key")
        without = coverage(records(url, app_id=42, private_key=SecretRef(env="APP_KEY")))

    assert not any(one.is_gap for one in coverage(found).values())
    assert tokens > 3
    assert {name for name, one in part.items() if one.is_gap} == {"repositories"}
    assert "selected repositories only (install it for all" in str(part["repositories"].detail)
    assert "the App is suspended on acme (unsuspend it" in str(suspended["organization"].detail)
    assert "not installed on acme" in str(elsewhere["organization"].detail)
    assert "no RSA key" in str(without["organization"].detail)
    assert checks["apps"].fix == "give organization_administration"
    assert checks["App's rights"].detail == "the App may do more: contents: write"


def test_an_organization_that_is_not_shown_says_what_to_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name or the address may be wrong, or it is hidden; ``doctor`` says the same."""
    monkeypatch.setenv(TOKEN, VALUE)
    with served(organization(), token=VALUE) as (github, url):
        github.hidden = {"/orgs/acme"}
        shown = coverage(records(url))["organization"]
        (check,) = connector(url).check()

    assert (shown.status, shown.permission) == ("denied", "members: read (App), or read:org or admin:org (token)")
    assert f"{url} shows no organization acme (check organization and endpoint_url" in str(shown.detail)
    assert "https://HOST/api/v3" in str(check.fix)


def test_hosts_have_addresses_of_their_own() -> None:
    """github.com, data residency and Enterprise Server; an address on this machine stands in for github.com."""
    cases = {
        "https://api.github.com": ("https://api.github.com/graphql", "github.com"),
        "https://api.acme.ghe.com": ("https://api.acme.ghe.com/graphql", "acme.ghe.com"),
        "https://git.acme.example": ("https://git.acme.example/api/graphql", "git.acme.example"),
        "https://git.acme.example:8443/api/v3/": ("https://git.acme.example:8443/api/graphql", "git.acme.example:8443"),
        "http://127.0.0.1:9": ("http://127.0.0.1:9/graphql", "github.com"),
    }
    made = {url: connector(url)._settings for url in cases}

    assert {url: (one.graphql, one.host) for url, one in made.items()} == cases


def test_doctor_names_what_is_missing_and_what_is_too_much() -> None:
    """Of a classic token: by section, and scopes beyond."""
    with served(organization(), token=VALUE) as (github, url):
        github.scopes = "read:org, repo, delete_repo"
        checks = {one.name: one for one in connector(url).check()}

    assert checks["runners"].fix == "give admin:org"
    assert checks["deploy_keys"].ok
    assert "delete_repo" in checks["token's rights"].detail
    assert not checks["personal_access_tokens"].ok
