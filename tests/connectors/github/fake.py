"""An organization of GitHub's behind a server whose every answer is as GitHub's published descriptions say.

REST: answers are validated against GitHub's OpenAPI description, requests against its paths and parameters. GraphQL is
executed over GitHub's schema. A request that GitHub does not have, or without its version, fails the test.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from graphql import build_schema, graphql_sync

from connectors.testing import Asked, Reply, Server
from tests.servers.trackers.described import Description, Undescribed

PUBLISHED = Path(__file__).parent / "published"
REST = Description(PUBLISHED / "rest.json")
SCHEMA = build_schema((PUBLISHED / "schema.graphql").read_text(encoding="utf-8"))
VERSION = "2022-11-28"
URL = "https://api.github.com"
TOKEN = "ghp_token"
TIME = "2026-01-02T03:04:05Z"
Json = Any
_LISTS = {  # where a listing's rows are
    "installations": "installations",
    "runner-groups": "runner_groups",
    "runners": "runners",
    "secrets": "secrets",
    "variables": "variables",
    "repositories": "repositories",
}


def user(login: str, number: int = 1, **fields: Json) -> Json:
    """An account, with all that GitHub says of one."""
    links = ("avatar", "events", "followers", "following", "gists", "html", "organizations", "received_events",
             "repos", "starred", "subscriptions")  # fmt: skip
    urls = {f"{one}_url": f"{URL}/users/{login}" for one in links}
    plain = {"login": login, "id": number, "node_id": "U_1", "gravatar_id": "", "type": "User", "site_admin": False}
    return {**urls, **plain, "url": f"{URL}/users/{login}", **fields}


class Organization:
    """What the server answers from. ``rest``: by path, a document, or the rows of a listing."""

    def __init__(self, login: str = "acme", *, plan: str = "enterprise") -> None:
        self.login, self.id = login, 4711
        self.repositories: list[Json] = []
        self.teams: list[Json] = []
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
                     "hooks"):  # fmt: skip
            self.rest[f"{org}/{path}"] = []
        self.rest[f"{org}/actions/oidc/customization/sub"] = {"include_claim_keys": ["repo", "context"]}
        self.rest[f"{org}/copilot/coding-agent/permissions"] = {"enabled_repositories": "none"}

    def rows(self, path: str) -> list[Json]:
        """The rows below ``/orgs/ORG``."""
        found: list[Json] = self.rest[f"/orgs/{self.login}/{path}"]
        return found

    def add_member(self, login: str, *, sso: str | None = None, role: str = "member", **fields: Json) -> None:
        """A member, or a collaborator from outside."""
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

    def add_repository(self, name: str, *, files: Mapping[str, str] = {}, **fields: Json) -> str:
        """A repository with its files, by path."""
        full_name = f"{self.login}/{name}"
        self.repositories.append({
            "databaseId": 7000 + len(self.repositories), "nameWithOwner": full_name, "visibility": "PRIVATE",
            "isArchived": False, "createdAt": TIME, "pushedAt": TIME, "defaultBranchRef": {"name": "main"},
            "environments": [], "files": dict(files),
            **fields,
        })  # fmt: skip
        for path in ("keys", "actions/secrets", "actions/variables", "hooks"):
            self.rest[f"/repos/{full_name}/{path}"] = []
        self.rest[f"/repos/{full_name}/actions/oidc/customization/sub"] = {"use_default": True}
        for environment in fields.get("environments", []):
            self.rest[f"/repos/{full_name}/environments/{environment}/secrets"] = []
        return full_name

    def add_key(self, full_name: str, title: str, **fields: Json) -> str:
        """A deploy key; gives its fingerprint."""
        rows = self.rest[f"/repos/{full_name}/keys"]
        body = f"public key {full_name} {title} {len(rows)}".encode()
        rows.append({
            "id": 300 + len(rows), "title": title, "key": f"ssh-ed25519 {base64.b64encode(body).decode()}",
            "url": URL, "verified": True, "created_at": TIME, "read_only": True, "added_by": "ada",
            "last_used": TIME, "enabled": True, **fields,
        })  # fmt: skip
        return "SHA256:" + base64.b64encode(hashlib.sha256(body).digest()).decode().rstrip("=")

    def add_variable(self, path: str, name: str, value: str) -> None:
        """A variable below a listing's path."""
        visibility = {"visibility": "all"} if path.startswith("/orgs/") else {}
        row = {"name": name, "value": value, "created_at": TIME, "updated_at": TIME, **visibility}
        self.rest[path].append(row)

    def add_secret(self, path: str, name: str, **fields: Json) -> None:
        """A secret below a listing's path."""
        visibility = {"visibility": "all"} if path.startswith("/orgs/") else {}
        self.rest[path].append({"name": name, "created_at": TIME, "updated_at": TIME, **visibility, **fields})


class GithubServer:
    """The organization, served. ``asked``: by path, how often; ``counted``: requests that GitHub counts.

    ``faults``: asked before every answer; what it gives is answered instead. ``wrong``: what GitHub would not do.
    """

    def __init__(self, organization: Organization, *, token: str = TOKEN, per_page: int = 100) -> None:
        self.organization = organization
        self.tokens = {token}
        self.per_page = per_page
        self.faults: Callable[[Asked], Reply | None] = lambda _: None
        self.hidden: set[str] = set()
        self.wrong: list[str] = []
        self.counted: Counter[str] = Counter()
        self.scopes: str | None = None
        self.app: Mapping[str, Json] | None = None
        self._lock = threading.Lock()

    def __call__(self, asked: Asked) -> Reply:
        try:
            return self._answer(asked)
        except Undescribed as error:
            self.wrong.append(str(error))
            return Reply(status=500, body={"message": str(error)})

    def _answer(self, asked: Asked) -> Reply:
        headers = {name.lower(): value for name, value in asked.headers.items()}
        if headers.get("x-github-api-version") != VERSION:
            raise Undescribed(f"{asked.path} was asked without the version")
        if reply := self.faults(asked) or self._of_app(asked):
            return reply
        if headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return Reply(status=401, body={"message": "Bad credentials"})
        if asked.path == "/rate_limit":
            return Reply(body={}, headers={} if self.scopes is None else {"X-OAuth-Scopes": self.scopes})
        return self._graphql(asked) if asked.path == "/graphql" else self._rest(asked, headers)

    def _of_app(self, asked: Asked) -> Reply | None:
        """What the App itself asks, with the token that its key signed."""
        if self.app is None:
            return None
        if asked.path == "/app/installations":
            # As described, an account is a user and an enterprise at once.
            both = {"slug": "acme", "name": "Acme", "created_at": TIME, "updated_at": TIME}
            row = self.app["installation"]
            return self._checked(asked, [{**row, "account": {**row["account"], **both}}])
        return self._new_token(asked) if asked.path.endswith("/access_tokens") else None

    def _rest(self, asked: Asked, headers: Mapping[str, str]) -> Reply:
        path = unquote(asked.path)
        query = {name: values[-1] for name, values in parse_qs(asked.query).items()}
        REST.check_request(asked.method, asked.path, query, None)
        found = self.organization.rest.get(path)
        if found is None or path in self.hidden:
            return self._count(asked, Reply(status=404, body={"message": "Not Found"}))
        if isinstance(found, list):
            return self._page(asked, path, found, query, headers)
        return self._conditional(asked, found, {}, headers)

    def _page(
        self, asked: Asked, path: str, rows: list[Json], query: Mapping[str, str], headers: Mapping[str, str]
    ) -> Reply:
        if query.get("role") == "admin":
            rows = [row for row in rows if self.organization.users[row["login"]]["role"] == "admin"]
        if phrase := query.get("phrase"):
            sort, _, wanted = phrase.partition(":")
            rows = [row for row in rows if wanted == (row["action"] if sort == "action" else _day(row["@timestamp"]))]
        turn = "after" if path.endswith("/audit-log") else "page"
        size, number = min(self.per_page, int(query.get("per_page", "30"))), int(query.get(turn, "1"))
        some = rows[(number - 1) * size : number * size]
        name = _LISTS.get(path.rpartition("/")[2]) if not path.endswith("/properties/values") else None
        body = some if name is None else {"total_count": len(rows), name: some}
        more = {}
        if number * size < len(rows):
            kept = "".join(f"&{key}={value}" for key, value in query.items() if key not in (turn, "per_page"))
            more["Link"] = f'<{{url}}{asked.path}?{turn}={number + 1}&per_page={size}{kept}>; rel="next"'
        return self._conditional(asked, body, more, headers)

    def _conditional(self, asked: Asked, body: Json, more: Mapping[str, str], headers: Mapping[str, str]) -> Reply:
        etag = f'W/"{hashlib.sha256(json.dumps(body).encode()).hexdigest()}"'
        if headers.get("if-none-match") == etag:
            return Reply(status=304, body=b"", headers={"ETag": etag})
        return self._count(asked, self._checked(asked, body, {**more, "ETag": etag}))

    def _checked(self, asked: Asked, body: Json, headers: Mapping[str, str] = {}, status: int = 200) -> Reply:
        REST.check_answer(asked.method, asked.path, status, body)
        return Reply(status=status, body=body, headers=headers)

    def _count(self, asked: Asked, reply: Reply) -> Reply:
        with self._lock:
            self.counted[asked.path] += 1
        return reply

    def _new_token(self, asked: Asked) -> Reply:
        assert self.app is not None
        token = f"ghs_{len(self.tokens)}"
        self.tokens.add(token)
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self.app.get("lives", 3600)))
        return self._checked(asked, {"token": token, "expires_at": ends}, status=201)

    def _graphql(self, asked: Asked) -> Reply:
        sent = json.loads(asked.body)
        done = graphql_sync(SCHEMA, sent["query"], self._root(), variable_values=sent.get("variables"))
        if done.errors:
            raise Undescribed("; ".join(map(str, done.errors)))
        return self._count(asked, Reply(body={"data": done.data}))

    def _root(self) -> Json:
        org = self.organization

        def organization(_: Any, login: str) -> Json:
            if login != org.login:
                raise Undescribed(f"organization {login}")
            linked = [
                {"user": {"login": one}, "samlIdentity": {"nameId": name}} for one, name in (org.linked or {}).items()
            ]
            sso = {"externalIdentities": lambda _, **asked: _slice(linked, asked, self.per_page)}
            return {
                "login": org.login,
                "databaseId": org.id,
                "repositories": lambda _, **asked: _slice(list(map(_node, org.repositories)), asked, self.per_page),
                "teams": lambda _, **asked: _slice(list(map(_team, org.teams)), asked, self.per_page),
                "samlIdentityProvider": None if org.linked is None else sso,
            }

        def _node(row: Json) -> Json:
            keys = org.rest[f"/repos/{row['nameWithOwner']}/keys"]
            environments = [{"name": name} for name in row["environments"]]
            return {
                **row,
                "deployKeys": lambda _, **__: {"totalCount": len(keys)},
                "environments": lambda _, **__: {"totalCount": len(environments), "nodes": environments},
                "object": lambda _, expression=None, **__: _git_object(row["files"], expression),
            }

        return {"organization": organization}


def _day(when: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(when / 1000))


def _team(row: Json) -> Json:
    edges = [{"permission": level, "node": {"nameWithOwner": name}} for name, level in row["repositories"].items()]
    return {"slug": row["slug"], "repositories": lambda _, **__: {"totalCount": len(edges), "edges": edges}}


def _git_object(files: Mapping[str, str], expression: str | None) -> Json:
    path = (expression or "").removeprefix("HEAD:")
    if path in files:
        return _blob(files[path])
    below = {name.removeprefix(f"{path}/"): text for name, text in files.items() if name.startswith(f"{path}/")}
    entries = [{"name": name, "object": _blob(text)} for name, text in below.items() if "/" not in name]
    return {"__typename": "Tree", "entries": entries} if below else None


def _blob(text: str) -> Json:
    return {"__typename": "Blob", "text": text, "isTruncated": False}


def _slice(rows: list[Json], asked: Mapping[str, Json], most: int) -> Json:
    start = int(asked.get("after") or 0)
    end = start + min(asked.get("first") or most, most)
    info = {"hasNextPage": end < len(rows), "endCursor": str(end)}
    return {"totalCount": len(rows), "pageInfo": info, "nodes": rows[start:end]}


@contextmanager
def served(organization: Organization, **facts: Json) -> Iterator[tuple[GithubServer, str]]:
    """The organization and its address. Fails where something was asked that GitHub does not have."""
    github = GithubServer(organization, **facts)
    with Server(github, most=None) as server:
        yield github, server.url
    assert github.wrong == [], github.wrong
