"""What permissions amount to, and which permissions the connector itself asks for."""

from __future__ import annotations

import json

import pytest

from connectors.github.client import requests as r
from connectors.github.client.payloads import Variable, fingerprint_of, host_of
from connectors.github.client.requests import GithubRequest
from connectors.github.connector import GithubConnector
from connectors.github.rights.privileges import of_permissions, of_role, of_scopes, ways, ways_of_role
from connectors.github.settings import GithubSettings
from connectors.github.spec import READINGS
from scanner.model import PrivilegeLevel
from tests.connectors.github.fake import PUBLISHED

WRITE = "write"
EVERYTHING = GithubSettings(
    organization="acme",
    agent_configuration=True,
    agent_tasks=True,
    all_secrets=True,
    enterprise="acme",
    rulesets=True,
    secret_scanning_alerts=True,
    token_repositories=True,
    webhooks=True,
)
BEYOND_THE_SCHEMA = {
    "agent_secrets": "Permissions required for GitHub Apps, repository permissions",
    "organization_codespaces_secrets": "Managing your personal access tokens, organization permissions",
    "actions_variables": "Managing your personal access tokens, repository permissions",
    "copilot_agent_settings": "Permissions required for GitHub Apps, repository permissions",
    "enterprise_ai_controls": "Permissions required for GitHub Apps, enterprise permissions",
    "organization_actions_variables": "Managing your personal access tokens, organization permissions",
    "organization_agent_secrets": "Permissions required for GitHub Apps, organization permissions",
    "organization_private_registries": "Managing your personal access tokens, organization permissions",
    "organization_dependabot_secrets": "Managing your personal access tokens, organization permissions",
}
"""What the published schema of an App's permissions lacks, and the page of docs.github.com that has it."""


@pytest.mark.parametrize(
    ("permissions", "selection", "level"),
    [
        ({"metadata": "read", "contents": "read", "administration": "read"}, "all", "normal"),
        ({"members": WRITE}, "all", "admin"),
        ({"organization_administration": WRITE, "administration": WRITE}, "selected", "admin"),
        ({"administration": WRITE}, "selected", "high"),
        ({"contents": WRITE}, "all", "high"),
        ({"contents": WRITE}, "selected", "normal"),
        ({"contents": WRITE, "workflows": WRITE}, "selected", "high"),
        ({"secrets": WRITE}, "selected", "high"),
        ({"organization_self_hosted_runners": WRITE}, "all", "high"),
    ],
)
def test_permissions_have_a_level(permissions: dict[str, str], selection: str, level: PrivilegeLevel) -> None:
    """Of an App, or of a fine-grained token."""
    rights = of_permissions(permissions, selection)

    assert rights.privilege.level == level
    assert bool(rights.privilege.evidence) == (level != "normal")
    assert {one.name for one in rights.grants} == {f"{name}: {access}" for name, access in permissions.items()}


@pytest.mark.parametrize(
    ("permissions", "selection", "only", "conditional"),
    [
        ({"administration": WRITE}, "all", None, False),
        ({"administration": WRITE}, "selected", ["github:acme/app"], False),
        ({"administration": WRITE}, "selected", None, True),
        ({"contents": WRITE}, "all", None, True),
        ({"contents": WRITE, "workflows": WRITE}, "all", None, False),
        ({"workflows": WRITE}, "all", None, None),
        ({"administration": "read"}, "all", None, None),
    ],
)
def test_whoever_changes_repositories_takes_their_workflows_over(
    permissions: dict[str, str], selection: str, only: list[str] | None, *, conditional: bool | None
) -> None:
    """Administration adds a deploy key that may write: its level is no escalation, its ways decide."""
    found = ways(permissions, selection, "github:acme", only)

    assert [one.conditional for one in found] == ([] if conditional is None else [conditional])
    assert all(one.on == tuple(only or ("github:acme/*",)) for one in found)


@pytest.mark.parametrize(
    ("base", "permissions", "level", "leads"),
    [
        ("admin", [], "high", True),
        ("maintain", [], "high", True),
        ("write", [], "high", True),
        ("read", [], "normal", False),
        (None, ["write_organization_custom_org_role"], "high", False),
        (None, [], "normal", False),
    ],
)
def test_no_role_makes_an_owner(base: str | None, permissions: list[str], level: str, *, leads: bool) -> None:
    """One that changes the code of all repositories leads to what their workflows become."""
    assert of_role("r", base, permissions).level == level
    assert bool(ways_of_role("r", base, "github:acme")) == leads


@pytest.mark.parametrize(
    ("scopes", "level"),
    [
        (["read:org", "user"], "normal"),
        (["repo", "workflow"], "high"),
        (["repo", "admin:org"], "admin"),
        ([], "normal"),
    ],
)
def test_scopes_have_a_level(scopes: list[str], level: PrivilegeLevel) -> None:
    """Of a classic token."""
    assert of_scopes(scopes).level == level


def test_an_app_is_given_published_permissions() -> None:
    """Each name of the manifest stands in the published schema with this access, or in the table of exceptions."""
    given = json.loads(GithubConnector("prod", EVERYTHING).policy())["manifest"]["default_permissions"]
    schemas = json.loads((PUBLISHED / "rest.json").read_bytes())["components"]["schemas"]
    published = {name: one["enum"] for name, one in schemas["app-permissions"]["properties"].items()}

    assert given.keys() - published.keys() == BEYOND_THE_SCHEMA.keys()
    assert {name for name, access in given.items() if access not in published.get(name, [access])} == set()


def test_nothing_is_asked_for_that_no_section_needs() -> None:
    """Each request belongs to a section whose permission stands in the policy, and reads only."""
    policy = json.loads(GithubConnector("prod", EVERYTHING).policy())
    default = json.loads(GithubConnector.base_policy())
    asked = {one.path for reading in READINGS for one in reading.requests}
    own = {r.OWN_INSTALLATIONS.path, r.OWN_TOKEN.path, r.RATE_LIMIT.path}
    published = json.loads((PUBLISHED / "rest.json").read_bytes())["paths"]
    methods = {path: list(operations) for path, operations in published.items()}
    given = policy["manifest"]["default_permissions"]

    assert {one.path for one in vars(r).values() if isinstance(one, GithubRequest)} == asked | own
    assert [path for path, made in methods.items() if made != ["get"]] == [r.OWN_TOKEN.path]
    assert set(given.values()) == {"read"}
    assert given.keys() == {name for names in policy["sections"].values() for name in names}
    assert given.keys() - default["manifest"]["default_permissions"].keys() == {
        "agent_secrets", "copilot_agent_settings", "dependabot_secrets", "enterprise_ai_controls",
        "organization_codespaces_secrets", "organization_hooks", "repository_hooks", "secret_scanning_alerts",
    }  # fmt: skip
    assert policy["classicTokenScopes"] == [
        "admin:enterprise",
        "admin:org",
        "admin:org_hook",
        "read:audit_log",
        "read:org",
        "read:repo_hook",
        "repo",
    ]


def test_of_what_is_dropped_only_what_is_public_stays() -> None:
    """A variable's value unless it names an identity, a key's body, all of an address but its host."""
    values = {
        "arn:aws:iam::111122223333:role/deploy": True,
        "projects/123/locations/global/workloadIdentityPools/ci/providers/github": True,
        "11111111-2222-3333-4444-555555555555": True,
        "deploy@acme-prod.iam.gserviceaccount.com": True,
        "hunter2": False,
        "arn:aws:iam::111122223333:role/deploy and hunter2": False,
        "ada@acme.example": False,
    }
    hosts = {"https://bot:pw@hooks.acme.example:8443/t0ken?x=y": "hooks.acme.example", "acme.example": "acme.example",
             "http://[": None, "not an address": None, "": None, None: None}  # fmt: skip

    assert {text: bool(Variable(name="V", value=text).value) for text in values} == values
    assert {text: host_of(text) for text in hosts} == hosts
    assert fingerprint_of("ssh-ed25519 AAAA comment") == "SHA256:cJ6AyISHokEeHuTfufIqhhSS0gxHZRUMDHlKvXD4FHw"
    assert (fingerprint_of("ssh-ed25519"), fingerprint_of("not base64!")) == ("", "")
