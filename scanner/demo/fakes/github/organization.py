"""A GitHub organization: documents and rows by path, and its repositories as in GraphQL."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

URL = "https://api.github.com"
TIME = "2026-01-02T03:04:05Z"
Json = Any


def user(login: str, number: int = 1, **fields: Json) -> Json:
    """An account, with all fields that GitHub returns."""
    links = ("avatar", "events", "followers", "following", "gists", "html", "organizations", "received_events",
             "repos", "starred", "subscriptions")  # fmt: skip
    urls = {f"{one}_url": f"{URL}/users/{login}" for one in links}
    plain = {"login": login, "id": number, "node_id": "U_1", "gravatar_id": "", "type": "User", "site_admin": False}
    return {**urls, **plain, "url": f"{URL}/users/{login}", **fields}


def repository(full_name: str, number: int = 1) -> Json:
    """A repository, with the fields that GitHub returns in other lists."""
    links = ("archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits", "compare", "contents",
             "contributors", "deployments", "downloads", "events", "forks", "git_commits", "git_refs", "git_tags",
             "hooks", "html", "issue_comment", "issue_events", "issues", "keys", "labels", "languages", "merges",
             "milestones", "notifications", "pulls", "releases", "stargazers", "statuses", "subscribers",
             "subscription", "tags", "teams", "trees")  # fmt: skip
    url = f"{URL}/repos/{full_name}"
    owner, _, name = full_name.partition("/")
    plain = {"id": number, "node_id": "R_1", "name": name, "full_name": full_name, "private": True, "fork": False}
    return {**{f"{one}_url": url for one in links}, **plain, "url": url, "owner": user(owner), "description": None}


class Organization:
    """The data of the server. ``rest``: by path, a document, or the rows of a listing."""

    def __init__(self, login: str = "acme", *, plan: str = "enterprise") -> None:
        self.login, self.id = login, 4711
        self.repositories: list[Json] = []
        self.teams: list[Json] = []
        self.rulesets: list[Json] = []
        self.linked: dict[str, str] | None = {}
        self.rest: dict[str, Json] = {}
        self.users: dict[str, Json] = {}
        org = f"/orgs/{login}"
        urls = ("repos", "hooks", "issues", "members", "public_members", "avatar", "html", "events")
        self.rest[org] = {
            **{f"{one}_url": f"{URL}{org}" for one in urls},
            **dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0),
            **dict.fromkeys(("has_organization_projects", "has_repository_projects"), True),
            "login": login, "url": f"{URL}{org}", "id": self.id, "node_id": "O_1", "description": None,
            "type": "Organization", "created_at": TIME, "updated_at": TIME, "archived_at": None,
            "plan": {"name": plan, "space": 1, "private_repos": 1},
        }  # fmt: skip
        for path in ("installations", "personal-access-tokens", "credential-authorizations", "members",
                     "outside_collaborators", "actions/runner-groups", "actions/runners", "actions/secrets",
                     "dependabot/secrets", "agents/secrets", "actions/variables", "properties/values", "audit-log",
                     "hooks", "codespaces/secrets", "actions/hosted-runners", "organization-roles",
                     "private-registries", "actions/oidc/customization/properties/repo",
                     "secret-scanning/alerts"):  # fmt: skip
            self.rest[f"{org}/{path}"] = []
        policy = f"{org}/actions/permissions"
        self.rest[policy] = {"enabled_repositories": "all", "allowed_actions": "all", "sha_pinning_required": False}
        self.rest[f"{policy}/workflow"] = {
            "default_workflow_permissions": "read", "can_approve_pull_request_reviews": False,
        }  # fmt: skip
        self.rest[f"{policy}/self-hosted-runners"] = {"enabled_repositories": "all"}
        self.rest[f"{policy}/fork-pr-contributor-approval"] = {"approval_policy": "first_time_contributors"}
        self.rest[f"{policy}/fork-pr-workflows-private-repos"] = dict.fromkeys(
            ("run_workflows_from_fork_pull_requests", "send_write_tokens_to_workflows", "send_secrets_and_variables",
             "require_approval_for_fork_pr_workflows"), False
        )  # fmt: skip
        self.rest[f"{org}/actions/oidc/customization/sub"] = {"include_claim_keys": ["repo", "context"]}
        self.rest[f"{org}/copilot/coding-agent/permissions"] = {"enabled_repositories": "none"}

    def rows(self, path: str) -> list[Json]:
        """The rows below ``/orgs/ORG``."""
        found: list[Json] = self.rest[f"/orgs/{self.login}/{path}"]
        return found

    def add_member(self, login: str, *, sso: str | None = None, role: str = "member", **fields: Json) -> None:
        """A member, or an outside collaborator."""
        row = user(login, 100 + len(self.users), **fields)
        self.users[login] = {"role": role, **row}
        self.rows("outside_collaborators" if role == "outside" else "members").append(row)
        if sso and self.linked is not None:
            self.linked[login] = sso

    def add_app(self, slug: str, permissions: Mapping[str, str], **fields: Json) -> int:
        """An installed App."""
        number = 1000 + len(self.rows("installations"))
        self.rows("installations").append({
            "id": number, "app_id": number + 5000, "app_slug": slug, "client_id": f"Iv1.{number}",
            "target_id": self.id, "target_type": "Organization", "single_file_name": None,
            "repository_selection": "all", "events": [], "permissions": dict(permissions),
            "account": user(self.login, self.id, type="Organization"), "created_at": TIME, "updated_at": TIME,
            "access_tokens_url": URL, "html_url": URL, "repositories_url": URL,
            "suspended_by": None, "suspended_at": None, **fields,
        })  # fmt: skip
        return number

    def add_token(self, login: str, number: int, permissions: Mapping[str, Mapping[str, str]], **fields: Json) -> None:
        """A fine-grained token."""
        self.rows("personal-access-tokens").append({
            "id": number + 9000, "token_id": number, "token_name": f"token {number}", "owner": user(login),
            "repository_selection": "all", "repositories_url": URL, "permissions": permissions,
            "access_granted_at": TIME, "token_expired": False, "token_expires_at": None,
            "token_last_used_at": TIME, **fields,
        })  # fmt: skip

    def add_task(self, full_name: str, login: str, when: str, agent: str | None = None) -> None:
        """A task of the coding agent in a repository, or of a custom agent."""
        own = {"custom_agent": {"id": agent}} if agent else {}
        row = {
            "id": f"task {when}", "name": "", "creator": {"id": self.users[login]["id"]}, "creator_type": "user",
            "state": "completed", "created_at": when, "updated_at": when, **own,
        }  # fmt: skip
        self.rest[f"/agents/repos/{full_name}/tasks"].insert(0, row)

    def add_role(self, name: str, *logins: str, base: str | None = None, permissions: tuple[str, ...] = ()) -> None:
        """An organization role with its accounts."""
        rows = self.rows("organization-roles")
        number = 8000 + len(rows)
        rows.append({
            "id": number, "name": name, "base_role": base, "permissions": list(permissions), "source": "Predefined",
            "organization": user(self.login, self.id, type="Organization"), "created_at": TIME, "updated_at": TIME,
        })  # fmt: skip
        self.rest[f"/orgs/{self.login}/organization-roles/{number}/users"] = [
            user(one, self.users[one]["id"], assignment="direct") for one in logins
        ]

    def add_repository(self, name: str, *, files: Mapping[str, str] = {}, **fields: Json) -> str:
        """A repository with its files, by path."""
        full_name = f"{self.login}/{name}"
        self.repositories.append({
            "databaseId": 7000 + len(self.repositories), "nameWithOwner": full_name, "visibility": "PRIVATE",
            "isArchived": False, "createdAt": TIME, "pushedAt": TIME, "defaultBranchRef": {"name": "main"},
            "environments": [], "rules": {}, "files": dict(files),
            **fields,
        })  # fmt: skip
        for path in ("keys", "actions/secrets", "actions/variables", "hooks", "dependabot/secrets", "agents/secrets"):
            self.rest[f"/repos/{full_name}/{path}"] = []
        self.rest[f"/agents/repos/{full_name}/tasks"] = []
        self.rest[f"/repos/{full_name}/actions/oidc/customization/sub"] = {"use_default": True}
        for environment in fields.get("environments", []):
            for path in ("secrets", "variables"):
                self.rest[f"/repos/{full_name}/environments/{environment}/{path}"] = []
        return full_name

    def add_key(self, full_name: str, title: str, **fields: Json) -> str:
        """A deploy key. Returns its fingerprint."""
        rows = self.rest[f"/repos/{full_name}/keys"]
        body = f"public key {full_name} {title} {len(rows)}".encode()
        rows.append({
            "id": 300 + len(rows), "title": title, "key": f"ssh-ed25519 {base64.b64encode(body).decode()}",
            "url": URL, "verified": True, "created_at": TIME, "read_only": True, "added_by": "ada",
            "last_used": TIME, "enabled": True, **fields,
        })  # fmt: skip
        return "SHA256:" + base64.b64encode(hashlib.sha256(body).digest()).decode().rstrip("=")

    def add_variable(self, path: str, name: str, value: str) -> None:
        """A variable. ``path``: of the listing."""
        visibility = {"visibility": "all"} if path.startswith("/orgs/") else {}
        row = {"name": name, "value": value, "created_at": TIME, "updated_at": TIME, **visibility}
        self.rest[path].append(row)

    def add_secret(self, path: str, name: str, **fields: Json) -> None:
        """A secret. ``path``: of the listing."""
        visibility = {"visibility": "all"} if path.startswith("/orgs/") else {}
        self.rest[path].append({"name": name, "created_at": TIME, "updated_at": TIME, **visibility, **fields})
