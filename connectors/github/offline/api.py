"""Answers from files in the place of the API: what ``gh api --paginate`` wrote, a file for each endpoint.

``orgs/acme/installations.json`` has what ``gh api --paginate /orgs/acme/installations`` prints, pages one behind the
other or, with ``--slurp``, in a list. ``graphql.json``, or files in ``graphql/``, have the answers to the queries.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from connectors.core.contract import Malformed, SectionReading
from connectors.core.offline import converted, file_at, pages_in, route_of
from connectors.core.reading import decoded
from connectors.github.agent_files import FOLDER as AGENTS
from connectors.github.client import payloads as p
from connectors.github.client.api import Answered, answered
from connectors.github.client.parts import Part, parts_of
from connectors.github.client.repositories import FOLDER
from connectors.github.client.requests import METADATA, GithubPermission, GithubRequest
from scanner.errors import SourceError
from scanner.text import printable

T = TypeVar("T")

CONNECTIONS = ("samlIdentityProvider", "teams", "rulesets", "repositories")
"""Connections of an organization in queries. The first one in a query's text identifies its answers."""


class GithubFileApi:
    """See ``Api``. ``folder``: what the files are in."""

    shows_all = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def one(self, request: GithubRequest, shape: type[T], **places: str) -> T:
        """See ``Api``."""
        values = self.values(request, places)
        if not values:
            raise Malformed(f"{_route(request, places)}.json is empty")
        found: T = decoded(json.dumps(values[0]).encode(), shape)
        return found

    def rows(self, request: GithubRequest, row: type[T], section: SectionReading, **places: str) -> Iterator[T]:
        """See ``Api``."""
        name = f"{_route(request, places)}.json"

        def listed() -> Iterator[Any]:
            for page in self.values(request, places):
                rows = page.get(request.at.strip("/")) if request.at and isinstance(page, dict) else page
                if not isinstance(rows, list):
                    raise Malformed(f"{name} holds no list")
                yield from rows

        yield from converted(listed(), row, section, name)

    def query(self, text: str, variables: Mapping[str, Any], permission: GithubPermission) -> Answered:
        """See ``Api``."""
        if parts := parts_of(variables):
            return Answered(parts_asked(self, parts, text))
        if "slug" in variables:
            raise SourceError(f"no file has all repositories of the team {variables['slug']}")
        of = next(one for one in CONNECTIONS if one in text)
        pages = [one for one in self._graphql if isinstance(_organization(one).get(of, _NOTHING), dict | None)]
        if not pages and of == "repositories":
            return self._repositories(str(variables["org"]))
        if not pages:
            raise SourceError(f"no answer of GraphQL has {of}", hint="the page of the connector has the commands")
        cursor = variables.get("endCursor")
        number = (
            0 if cursor is None else 1 + next((at for at, one in enumerate(pages) if _cursor(one, of) == cursor), 0)
        )
        if number >= len(pages):
            raise SourceError(f"the last page of {of} is not in the files", hint="give gh api the option --paginate")
        page = pages[number]
        try:
            errors = msgspec.convert(page.get("errors"), _ERRORS)
        except msgspec.ValidationError as error:
            raise Malformed(f"an answer of GraphQL has unexpected errors: {error}") from None
        return answered(p.GraphqlAnswer(page["data"], errors), permission)

    def _repositories(self, org: str) -> Answered:
        """From the REST API's answers, where no answer of GraphQL has them."""
        found, without = nodes(self, org)
        lacking = SourceError(
            f"no file holds the workflows of {without} of {len(found)} repositories",
            hint="the page of the connector has the commands",
        )
        page = {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": found}
        return Answered({"organization": {"repositories": page}}, (lacking,) if without else ())

    def close(self) -> None:
        """Nothing is held."""

    @cached_property
    def _graphql(self) -> list[Mapping[str, Any]]:
        folder = self.folder / "graphql"
        files = [self.folder / "graphql.json", *(sorted(folder.glob("*.json")) if folder.is_dir() else ())]
        values = [value for file in files if file.is_file() for value in self.read(file)]
        return [value for value in values if isinstance(value, dict) and isinstance(value.get("data"), dict)]

    def values(self, request: GithubRequest, places: Mapping[str, str]) -> list[Any]:
        """The pages of an endpoint. Raises SourceError where there is no file, or it cannot be used."""
        route = _route(request, places)
        return self.read(file_at(self.folder, route, f"`gh api --paginate '/{printable(route)}'` writes it"))

    def read(self, file: Path) -> list[Any]:
        """The pages in a file. Raises SourceError."""
        pages = pages_in(file, printable(file.name))
        slurped = len(pages) == 1 and isinstance(pages[0], list) and pages[0] and _is_page(pages[0][0])
        return list(pages[0]) if slurped else pages


_ERRORS = tuple[p.GraphqlError, ...] | None


def _route(request: GithubRequest, places: Mapping[str, str]) -> str:
    return route_of(request.file or request.path, places)


def _is_page(value: Any) -> bool:
    """Whether an element of a list is a page of its own, as ``--slurp`` writes them."""
    return isinstance(value, list) or (isinstance(value, dict) and ("total_count" in value or "data" in value))


_NOTHING = object()


def _organization(page: Mapping[str, Any]) -> Mapping[str, Any]:
    found = page["data"].get("organization")
    return found if isinstance(found, dict) else {}


def _cursor(page: Mapping[str, Any], of: str) -> Any:
    found = _organization(page)[of] or {}
    found = found.get("externalIdentities", found)
    info = found.get("pageInfo") if isinstance(found, dict) else None
    return info.get("endCursor") if isinstance(info, dict) else None


# --- Repositories as GraphQL has them, from the REST API's answers ---

REPOSITORIES = GithubRequest(path="/orgs/{org}/repos", permission=METADATA)
_OWNERS = {"owners": ".github/CODEOWNERS", "ownersInRoot": "CODEOWNERS", "ownersInDocs": "docs/CODEOWNERS"}


def nodes(files: GithubFileApi, org: str) -> tuple[list[Mapping[str, Any]], int]:
    """The repositories, and of how many of them no file holds the workflows. Raises SourceError."""
    found: list[Mapping[str, Any]] = []
    without = 0
    for row in _rows(files.values(REPOSITORIES, {"org": org})):
        name = row.get("full_name")
        owner, _, own = name.partition("/") if isinstance(name, str) else ("", "", "")
        if "/" in own or not {owner, own}.isdisjoint(("", ".", "..")):
            continue
        root = _root(files, f"{owner}/{own}")
        entries = _folder(files, root, FOLDER)
        without += entries is None
        found.append(_node(files, root, row, entries or []))
    return found, without


def parts_asked(files: GithubFileApi, parts: Sequence[Part], text: str) -> Mapping[str, Any]:
    """The answer to a query for parts, as from GraphQL; None for parts that no file has. Raises SourceError."""
    part = next((read for sign, read in _PARTS if sign in text), None)
    return {f"part{number}": part and part(files, one) for number, one in enumerate(parts)}


def _root(files: GithubFileApi, full_name: str) -> Path:
    owner, _, name = full_name.partition("/")
    return files.folder / "repos" / quote(owner, safe="") / quote(name, safe="")


def _file_asked(files: GithubFileApi, part: Part) -> Mapping[str, Any]:
    path = quote(part.what.removeprefix("HEAD:"), safe="/ ")
    return {"object": _blob(files, _root(files, part.full_name) / "contents" / f"{path}.json")}


def _folder_asked(files: GithubFileApi, part: Part) -> Mapping[str, Any]:
    entries = _folder(files, _root(files, part.full_name), part.what.removeprefix("HEAD:"))
    return {"object": None if entries is None else {"entries": entries}}


def _rules_asked(files: GithubFileApi, part: Part) -> Mapping[str, Any] | None:
    """None where no file has the repository's environments."""
    file = _root(files, part.full_name) / "environments.json"
    if not file.is_file():
        return None
    for page in files.read(file):
        for one in _list(page, "environments"):
            if one.get("name") == part.what:
                rules = [
                    {
                        "type": str(rule.get("type")).upper(),
                        "timeout": rule.get("wait_timer") or 0,
                        "preventSelfReview": rule.get("prevent_self_review"),
                        "reviewers": {"totalCount": len(_list(rule, "reviewers"))},
                    }
                    for rule in _list(one, "protection_rules")
                ]
                return {"environment": {"protectionRules": {"totalCount": len(rules), "nodes": rules}}}
    return {"environment": None}


def _environments_asked(files: GithubFileApi, part: Part) -> Mapping[str, Any] | None:
    """All of them, whatever page is asked for; None where no file has the repository's environments."""
    root = _root(files, part.full_name)
    return {"environments": _environments(files, root)} if (root / "environments.json").is_file() else None


_PARTS: Sequence[tuple[str, Callable[[GithubFileApi, Part], Mapping[str, Any] | None]]] = (
    ("on Tree", _folder_asked),
    ("on Blob", _file_asked),
    ("environment(", _rules_asked),
    ("environments(", _environments_asked),
)
"""By what the query for them has."""


def _node(
    files: GithubFileApi, root: Path, row: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any]:
    branch = row.get("default_branch")
    return {
        "databaseId": row.get("id"),
        "nameWithOwner": row["full_name"],
        "visibility": row.get("visibility") or ("private" if row.get("private") else "public"),
        "isArchived": row.get("archived") is True,
        "createdAt": row.get("created_at"),
        "pushedAt": row.get("pushed_at"),
        "defaultBranchRef": {"name": branch} if branch else None,
        "environments": _environments(files, root),
        "workflows": {"entries": list(entries)},
        "agents": {"entries": _folder(files, root, AGENTS) or []},
        **{name: _blob(files, root / "contents" / f"{path}.json") for name, path in _OWNERS.items()},
    }


def _environments(files: GithubFileApi, root: Path) -> Mapping[str, Any]:
    file = root / "environments.json"
    pages = files.read(file) if file.is_file() else ()
    named = [{"name": one.get("name")} for page in pages for one in _list(page, "environments")]
    return {"totalCount": len(named), "nodes": named}


def _folder(files: GithubFileApi, root: Path, path: str) -> list[Mapping[str, Any]] | None:
    """The entries of a folder in a repository; None if no file has the folder."""
    folder = root / "contents" / path
    listing = folder.with_name(f"{folder.name}.json")
    if not folder.is_dir() and not listing.is_file():
        return None
    listed = [one.get("name") for page in (files.read(listing) if listing.is_file() else ()) for one in _rows([page])]
    there = {file.name.removesuffix(".json"): file for file in sorted(folder.glob("*.json"))} if folder.is_dir() else {}
    names = dict.fromkeys([*(one for one in listed if isinstance(one, str)), *there])
    # A file that is listed, but whose text is in none, counts as cut short.
    nothing = {"text": None, "isTruncated": True}
    return [{"name": name, "object": _blob(files, there[name]) if name in there else nothing} for name in names]


def _blob(files: GithubFileApi, file: Path) -> Mapping[str, Any] | None:
    if not file.is_file():
        return None
    for page in files.read(file):
        content = page.get("content") if isinstance(page, dict) else None
        if isinstance(content, str):
            try:
                return {"text": base64.b64decode(content).decode("utf-8", errors="replace"), "isTruncated": False}
            except (binascii.Error, ValueError):
                break
    raise SourceError(f"{file.name} holds no content in base64", hint="write it with gh api, without --jq")


def _rows(pages: Sequence[Any]) -> Iterator[Mapping[str, Any]]:
    for page in pages:
        yield from (one for one in page if isinstance(one, dict)) if isinstance(page, list) else ()


def _list(page: Any, name: str) -> list[Mapping[str, Any]]:
    rows = page.get(name) if isinstance(page, dict) else None
    return [one for one in rows if isinstance(one, dict)] if isinstance(rows, list) else []
