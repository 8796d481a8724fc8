"""The organization over HTTP."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, unquote

from graphql import build_schema, graphql_sync
from msgspec import Struct

from scanner.demo.fakes.github.organization import TIME, Json, Organization


def _handler(answers: Answers) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # send headers and body in one packet, otherwise each response waits for an acknowledgement

        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

        def _answer(self, body: bytes) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            found = answers.answer(self.path, headers, body)
            content = b"" if found.body is None else json.dumps(found.body).encode()
            self.send_response(found.status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            for name, value in found.headers.items():
                self.send_header(name, value.replace("{url}", f"http://{self.headers['Host']}"))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    return Handler


@contextmanager
def github_server(organization: Organization, token: str) -> Iterator[str]:
    """Run the server and yield its address. ``token``: the token that requests must have."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(Answers(organization, token=token)))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# --- GitHub's responses about an organization. GraphQL is executed over the types of GitHub's published schema ---

SCHEMA = build_schema(files("scanner.demo.fakes.github").joinpath("schema.graphql").read_text(encoding="utf-8"))
LINK = "Link"
_LISTS = {  # the JSON pointer to a listing's rows
    "installations": "installations",
    "runner-groups": "runner_groups",
    "runners": "runners",
    "secrets": "secrets",
    "variables": "variables",
    "repositories": "repositories",
    "hosted-runners": "runners",
    "organization-roles": "roles",
    "private-registries": "configurations",
    "tasks": "tasks",
}


class FakeAnswer(Struct, frozen=True):
    """A response: status, document and headers; ``{url}`` in headers is the server's own address."""

    body: Json
    status: int = 200
    headers: Mapping[str, str] = {}


NOT_FOUND = FakeAnswer({"message": "Not Found"}, 404)


class WrongQuery(Exception):
    """A query that does not match GitHub's schema."""


class Answers:
    """Responds from an organization. ``per_page``: the most rows of a page; ``per_list``: of a nested list in GraphQL.

    ``hidden``: paths that are not found. ``app``: for sign-in as an App: its ``installation``, and the lifetime of its
    tokens in seconds (``lives``).
    """

    def __init__(self, organization: Organization, *, token: str, per_page: int = 100) -> None:
        self.organization = organization
        self.tokens = {token}
        self.per_page = per_page
        self.per_list = 100
        self.hidden: set[str] = set()
        self.app: Mapping[str, Json] | None = None

    def answer(self, target: str, headers: Mapping[str, str], body: bytes) -> FakeAnswer:
        """The response to a request. ``headers``: by name in lower case. Raises WrongQuery."""
        path, _, query = target.partition("?")
        if self.app is not None and path.startswith("/app/"):
            return self._of_app(path)
        if headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return FakeAnswer({"message": "Bad credentials"}, 401)
        if path == "/graphql":
            return self._graphql(json.loads(body))
        asked = {name: values[-1] for name, values in parse_qs(query).items()}
        name = unquote(path)
        found = self.organization.rest.get(name)
        if found is None or name in self.hidden:
            return NOT_FOUND
        answer = self._page(path, found, asked) if isinstance(found, list) else FakeAnswer(found)
        etag = self.etag_of(headers, json.dumps(answer.body))
        if headers.get("if-none-match") == etag:
            return FakeAnswer(None, 304, {"ETag": etag})
        return FakeAnswer(answer.body, 200, {**answer.headers, "ETag": etag})

    def etag_of(self, headers: Mapping[str, str], body: str) -> str:
        """The ETag as GitHub computes it: from the content and the credentials of the request."""
        made_of = ":".join((headers.get("accept", ""), headers["authorization"], body))
        return f'W/"{hashlib.sha256(made_of.encode()).hexdigest()}"'

    def _of_app(self, path: str) -> FakeAnswer:
        """The response to requests of the App itself, which have a token signed with its key."""
        assert self.app is not None
        if path == "/app/installations":
            # In GitHub's description, an account is a user and an enterprise at once.
            both = {"slug": "acme", "name": "Acme", "created_at": TIME, "updated_at": TIME}
            row = self.app["installation"]
            return FakeAnswer([{**row, "account": {**row["account"], **both}}])
        token = f"ghs_{len(self.tokens)}"
        self.tokens.add(token)
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self.app.get("lives", 3600)))
        return FakeAnswer({"token": token, "expires_at": ends}, 201)

    def _page(self, path: str, rows: list[Json], query: Mapping[str, str]) -> FakeAnswer:
        if query.get("role") == "admin":
            rows = [row for row in rows if self.organization.users[row["login"]]["role"] == "admin"]
        if phrase := query.get("phrase"):
            sort, _, wanted = phrase.partition(":")
            rows = [row for row in rows if wanted == (row["action"] if sort == "action" else _day(row["@timestamp"]))]
        if learnt := query.get("included_metadata"):
            rows = [row for row in rows if learnt.replace("-", "_") in self._learnt(row)]
        turn = "after" if path.endswith("/audit-log") else "page"
        asked = len(rows) if path.endswith("/organization-roles") else self.per_page
        size, number = min(asked, int(query.get("per_page", "30"))), int(query.get(turn, "1"))
        some = rows[(number - 1) * size : number * size]
        is_bare = path.endswith("/properties/values") or "/personal-access-tokens/" in path
        name = None if is_bare else _LISTS.get(path.rpartition("/")[2])
        body = some if name is None else {"total_count": len(rows), name: some}
        if number * size >= len(rows):
            return FakeAnswer(body)
        kept = "".join(f"&{key}={value}" for key, value in query.items() if key not in (turn, "per_page"))
        return FakeAnswer(body, 200, {LINK: f'<{{url}}{path}?{turn}={number + 1}&per_page={size}{kept}>; rel="next"'})

    def _learnt(self, alert: Json) -> set[str]:
        """The metadata of an alert."""
        repository = "/".join(alert["html_url"].split("/")[3:5])
        path = f"/repos/{repository}/secret-scanning/alerts/{alert['number']}"
        return {one["key"] for one in self.organization.rest.get(path, {}).get("metadata", ())}

    def _graphql(self, sent: Mapping[str, Any]) -> FakeAnswer:
        done = graphql_sync(SCHEMA, sent["query"], self._root(), variable_values=sent.get("variables"))
        if done.errors:
            raise WrongQuery("; ".join(map(str, done.errors)))
        return FakeAnswer({"data": done.data})

    def _root(self) -> Json:
        org = self.organization

        def organization(_: Any, login: str) -> Json:
            if login != org.login:
                raise WrongQuery(f"organization {login}")
            linked = [
                {"user": {"login": one}, "samlIdentity": {"nameId": name}} for one, name in (org.linked or {}).items()
            ]
            sso = {"externalIdentities": lambda _, **asked: _slice(linked, asked, self.per_page)}
            return {
                "login": org.login,
                "databaseId": org.id,
                "repositories": lambda _, **asked: _slice(list(map(_node, org.repositories)), asked, self.per_page),
                "teams": lambda _, **asked: _slice(list(map(_team, org.teams)), asked, self.per_page),
                "team": lambda _, slug: next((_team(one) for one in org.teams if one["slug"] == slug), None),
                "rulesets": lambda _, **asked: _slice(list(map(_ruleset, org.rulesets)), asked, self.per_page),
                "samlIdentityProvider": None if org.linked is None else sso,
            }

        def _node(row: Json) -> Json:
            keys = org.rest[f"/repos/{row['nameWithOwner']}/keys"]
            environments = [{"name": name} for name in row["environments"]]
            branch = row["defaultBranchRef"]
            return {
                **row,
                "defaultBranchRef": branch and {**branch, "target": _head(row)},
                "deployKeys": lambda _, **__: {"totalCount": len(keys)},
                "environment": lambda _, name: _environment(row, name),
                "environments": lambda _, **asked: _slice(environments, asked, self.per_list),
                "object": lambda _, expression=None, **__: _git_object(row["files"], expression),
            }

        def _team(row: Json) -> Json:
            given = row["repositories"].items()
            edges = [{"permission": level, "node": {"nameWithOwner": name}} for name, level in given]

            def repositories(_: Any, **asked: Any) -> Json:
                page = _slice(edges, asked, self.per_list)
                return {**page, "edges": page.pop("nodes")}

            return {"slug": row["slug"], "repositories": repositories}

        def repository(_: Any, owner: str, name: str, **__: Any) -> Json:
            wanted = f"{owner}/{name}"
            return next((_node(row) for row in org.repositories if row["nameWithOwner"] == wanted), None)

        return {"organization": organization, "repository": repository}


def _day(when: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(when / 1000))


def _head(row: Json) -> Json:
    """The last commit. ``changes``: by file, the author of the last commit that changed it."""

    def history(_: Any, path: str | None = None, **__: Any) -> Json:
        by = row.get("changes", {}).get(path)
        return {"nodes": [{"author": {"email": "x@users.noreply.github.com", "user": {"login": by}}}] if by else []}

    return {"__typename": "Commit", "history": history}


def _ruleset(row: Json) -> Json:
    """A ruleset. ``bypasses``: None if they are not shown."""
    apps = {one: None if one == "deploy keys" else {"__typename": "App", "slug": one} for one in row["bypasses"] or ()}
    actors = [{"deployKey": app is None, "actor": app} for app in apps.values()]
    shown = None if row["bypasses"] is None else {"nodes": actors}
    return {"name": row["name"], "enforcement": row["enforcement"], "bypassActors": lambda _, **__: shown}


def _environment(row: Json, name: str) -> Json:
    """An environment with its rules; ``reviewers`` of a rule is a number."""
    if name not in row["environments"]:
        return None
    rules = [_rule(**one) for one in row["rules"].get(name, ())]
    return {"name": name, "protectionRules": lambda _, **__: {"totalCount": len(rules), "nodes": rules}}


def _rule(*, reviewers: int = 0, **rule: Json) -> Json:
    plain = {"timeout": 0, "preventSelfReview": None, **rule}
    return {**plain, "reviewers": lambda _, **__: {"totalCount": reviewers}}


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
