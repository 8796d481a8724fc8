"""Organizations that several tests read."""

from __future__ import annotations

from typing import Any

from connectors.github.connector import GithubConnector
from connectors.github.settings import GithubSettings
from connectors.testing import Asked, Estate, Reply
from scanner.demo.fakes.github.organization import repository
from scanner.redaction.redact import SecretRef
from tests.connectors.github.fake import GithubServer, Organization

TOKEN = "GITHUB_TOKEN_OF_TESTS"  # the variable's name
VALUE = "ghp_that-opens-nothing"
PLANTED = "planted"
ROLE = "arn:aws:iam::111122223333:role/deploy"
DEPLOY = """\
on: { push: { branches: [main] } }
permissions: { id-token: write }
jobs:
  deploy:
    runs-on: ubuntu-latest
    environment: production
    steps:
      - uses: aws-actions/configure-aws-credentials@v4
        with: { role-to-assume: "${{ vars.ROLE }}", aws-region: eu-west-1 }
"""


NIGHTLY = """\
on: { schedule: [{ cron: "0 1 * * *" }] }
jobs: { ask: { runs-on: ubuntu-latest, steps: [{ run: "gh agent-task create -F task.md" }] } }
"""
REVIEWER = """\
---
name: Reviewer
description: Looks for mistakes
tools: search, read
model: large
mcp-servers:
  tracker:
    type: http
    url: https://SECRET@mcp.acme.example/SECRET
    headers: { Authorization: "Bearer ${{ secrets.COPILOT_MCP_TRACKER }}" }
    env: { TOKEN: SECRET }
---
SECRET
"""


EVERYTHING: dict[str, Any] = {
    "agent_configuration": True,
    "agent_tasks": True,
    "all_secrets": True,
    "enterprise": "acme-inc",
    "rulesets": True,
    "secret_scanning_alerts": True,
    "token_repositories": True,
    "webhooks": True,
}
"""All that can be switched on."""


def organization(secret: str = PLANTED, *, second: bool = True) -> Organization:
    """One of everything, and two where a listing has pages; ``secret`` wherever an answer could hold one.

    ``second``: with another repository, of which the same is asked as of the first.
    """
    org = Organization()
    org.add_member("ada", sso="ada@acme.example")
    org.add_member("root", sso="root@acme.example", role="admin")
    org.add_member("acme-deploy-bot")
    org.add_member("contractor", role="outside")
    org.add_app("renovate", {"contents": "write", "metadata": "read"}, contact_email="bots@acme.example")
    org.add_app("reporter", {"metadata": "read", "issues": "read"}, repository_selection="selected")
    org.add_token("acme-deploy-bot", 501, {"repository": {"contents": "write"}, "organization": {}})
    org.add_token(
        "ada", 504, {"repository": {"contents": "write", "workflows": "write"}}, repository_selection="subset"
    )
    org.rest["/orgs/acme/personal-access-tokens/9504/repositories"] = [repository("acme/shop")]
    org.add_token("leaver", 502, {"repository": {"contents": "read"}})
    org.rows("credential-authorizations").append(
        {"login": "ada", "credential_id": 1, "credential_type": "personal access token", "token_last_eight": "12345678",
         "credential_authorized_at": "2026-01-02T03:04:05Z", "credential_accessed_at": "2026-03-02T03:04:05Z",
         "authorized_credential_id": 503, "scopes": ["repo", "workflow"], "authorized_credential_expires_at": None}
    )  # fmt: skip
    group = {"id": 1, "name": "Default", "visibility": "all", "default": True, "runners_url": "https://api.github.com",
             "inherited": False, "allows_public_repositories": True}  # fmt: skip
    org.rows("actions/runner-groups").append(group)
    org.rows("actions/runners").append(
        {"id": 1, "name": "big", "os": "linux", "status": "online", "busy": False, "runner_group_id": 1,
         "labels": [{"name": "self-hosted"}]}
    )  # fmt: skip
    shop = org.add_repository(
        "shop",
        files={
            ".github/workflows/deploy.yml": DEPLOY,
            ".github/CODEOWNERS": "* @acme/core\n",
            ".github/workflows/nightly.yml": NIGHTLY,
            ".github/agents/reviewer.agent.md": REVIEWER.replace("SECRET", secret),
        },
        environments=["production", "copilot"],
        changes={".github/agents/reviewer.agent.md": "ada"},
    )
    org.add_key(shop, "ci", added_by="leaver", read_only=False)
    org.add_key(shop, "mirror")
    for name, value in (("ROLE", ROLE), ("PASSWORD", secret)):
        org.add_variable(f"/repos/{shop}/actions/variables", name, value)
    org.add_secret(f"/repos/{shop}/actions/secrets", "AWS_ACCESS_KEY_ID")
    org.add_secret(f"/repos/{shop}/environments/production/secrets", "DATABASE")
    org.add_secret(f"/repos/{shop}/dependabot/secrets", "NPM")
    org.add_secret(f"/repos/{shop}/agents/secrets", "SEARCH")
    org.add_secret("/orgs/acme/codespaces/secrets", "DOTFILES")
    org.add_secret(f"/repos/{shop}/environments/copilot/secrets", "COPILOT_MCP_TRACKER")
    org.add_task(shop, "ada", "2026-03-04T05:06:07Z", "reviewer")
    org.add_task(shop, "root", "2026-03-05T05:06:07Z")
    org.rest[f"/agents/repos/{shop}/tasks"][0]["name"] = secret
    org.rest["/enterprises/acme-inc/copilot/custom-agents"] = {
        "custom_agents": [
            {"name": "Guide", "file_path": "agents/guide.md",
             "url": "https://github.com/acme-platform/.github-private/blob/main/agents/guide.md"},
        ]
    }  # fmt: skip
    repositories = [shop, org.add_repository("docs")] if second else [shop]
    org.add_role("all repositories: write", "acme-deploy-bot", "ada", base="write")
    org.add_role("auditor", "ada", permissions=("read_audit_logs",))
    org.rest["/orgs/acme/actions/permissions/workflow"] = {
        "default_workflow_permissions": "write", "can_approve_pull_request_reviews": True,
    }  # fmt: skip
    org.rulesets.append({"name": "main", "enforcement": "ACTIVE", "bypasses": ["renovate", "deploy keys"]})
    org.rulesets.append({"name": "trial", "enforcement": "EVALUATE", "bypasses": ["reporter"]})
    dated = {"created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z", "visibility": "all"}
    org.rows("private-registries").extend(
        [
            {"name": "MAVEN", "registry_type": "maven_repository", "auth_type": "username_password", "username": secret,
             "url": f"https://{secret}:{secret}@maven.acme.example/{secret}", **dated},
            {"name": "NPM", "registry_type": "npm_registry", "auth_type": "oidc_aws", "aws_region": "eu-west-1",
             "account_id": "111122223333", "role_name": "deploy", **dated},
        ]
    )  # fmt: skip
    for path in ("actions", "dependabot", "agents"):
        org.add_secret(f"/orgs/acme/{path}/secrets", "REGISTRY")
    for action, facts in (
        ("integration_installation.create", {"integration": "Renovate"}),
        ("repo.rename", {"repo": "acme/shop"}),
    ):
        org.rows("audit-log").append({"action": action, "actor": "root", "@timestamp": 1788220800000, **facts})
    org.teams.append({"slug": "core", "repositories": {shop: "ADMIN"}})
    hook = {"id": 1, "name": "web", "active": True, "events": ["push"], "type": "Organization",
            "config": {"url": f"https://bot:{secret}@hooks.acme.example/{secret}?t={secret}", "secret": secret},
            "url": "https://api.github.com", "ping_url": "https://api.github.com",
            "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z"}  # fmt: skip
    org.rows("hooks").append(hook)
    leaked = {"state": "open", "secret": secret, "created_at": "2026-01-02T03:04:05Z", "resolution_comment": secret}
    org.rows("secret-scanning/alerts").extend(
        [
            {**leaked, "number": 1, "secret_type": "aws_access_key_id", "validity": "active", "publicly_leaked": True,
             "html_url": "https://github.com/acme/shop/security/secret-scanning/1",
             "first_location_detected": {
                 "path": "prod.env", "start_line": 3, "end_line": 3, "start_column": 1, "end_column": 21,
                 "blob_sha": "0b",
                 "blob_url": "https://api.github.com/b", "commit_sha": "1a590525",
                 "commit_url": "https://api.github.com/c"}},
            {**leaked, "number": 2, "secret_type": "github_personal_access_token",
             "html_url": "https://github.com/acme/shop/security/secret-scanning/2"},
            {**leaked, "number": 3, "secret_type": "acme_internal",
             "html_url": "https://github.com/acme/shop/security/secret-scanning/3"},
            {**leaked, "number": 4, "secret_type": "aws_access_key_id", "state": "resolved",
             "resolution": "used_in_tests", "html_url": "https://github.com/acme/docs/security/secret-scanning/4"},
            {**leaked, "number": 5, "secret_type": "openai_api_key_v2", "validity": "active",
             "html_url": "https://github.com/acme/shop/security/secret-scanning/5"},
        ]
    )  # fmt: skip
    org.rest["/repos/acme/shop/secret-scanning/alerts/5"] = {
        "number": 5, "secret_type": "openai_api_key_v2", "state": "open",
        "metadata": [{"key": name, "value": value} for name, value in (
            ("owner_email", secret), ("owner_id", "user-ada"), ("secret_id", "key_chat"), ("secret_name", secret))],
    }  # fmt: skip
    server = {"type": "http", "url": f"https://mcp.acme.example/{secret}", "headers": {"Authorization": secret},
              "tools": ["search"], "env": {"KEY": "$COPILOT_MCP_KEY", "OTHER": secret}}  # fmt: skip
    for name in repositories:
        org.rest[f"/repos/{name}/copilot/cloud-agent/configuration"] = {
            "mcp_configuration": {"mcpServers": {"tracker": server}},
            "enabled_tools": {"codeql": True, "copilot_code_review": True, "secret_scanning": True,
                              "dependency_vulnerability_checks": True},
            "require_actions_workflow_approval": True, "is_firewall_enabled": True,
            "is_firewall_recommended_allowlist_enabled": True, "custom_allowlist": ["acme.example"],
            "is_automations_enabled": False, "require_write_access_for_automation_triggers": True,
        }  # fmt: skip
    org.rest["/orgs/acme/copilot/coding-agent/permissions"] = {"enabled_repositories": "all"}
    return org


def connector(url: str, **settings: object) -> GithubConnector:
    """A connector for the fake, which retries little and at once."""
    given: dict[str, object] = {"organization": "acme", "max_attempts": 2, "backoff": 0.001}
    if "app_id" not in settings:
        given["token"] = SecretRef(env=TOKEN)
    return GithubConnector("prod", GithubSettings(endpoint_url=url, **(given | settings)))  # type: ignore[arg-type]  # any settings


class GithubEstate(Estate, frozen=True, kw_only=True):
    """Answers as the fake does, for pages of GraphQL differ by what is sent."""

    server: GithubServer
    given: dict[tuple[str, bytes], Reply]

    def healthy(self, asked: Asked) -> Reply:
        """See ``Estate``. Each answer is made once."""
        name = (asked.target, asked.body)
        if name not in self.given:
            self.given[name] = self.server(asked)
        return self.given[name]


def estate(*, max_attempts: int) -> GithubEstate:
    """For the checks of ``connectors.testing``, which ask everything two hundred times."""
    server = GithubServer(organization(second=False), token=VALUE, per_page=2)
    settings = {**EVERYTHING, "max_attempts": max_attempts}
    return GithubEstate(
        make=lambda url: connector(url, **settings),
        answers={"/": [{"name": "n"}]},
        secret=VALUE,
        patience=0.5,
        server=server,
        given={},
    )
