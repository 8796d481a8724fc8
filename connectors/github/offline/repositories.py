"""Repositories from the REST API's answers in files, in the form that the query of GraphQL gives them.

``orgs/ORG/repos.json`` lists them; ``repos/ORG/REPO/environments.json`` and the files of
``repos/ORG/REPO/contents/.github/workflows/`` have the rest, each as ``gh api`` prints it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from connectors.github.agent_files import FOLDER as AGENTS
from connectors.github.client.parts import Part
from connectors.github.client.repositories import FOLDER
from connectors.github.client.requests import METADATA, Request
from scanner.errors import SourceError

REPOSITORIES = Request(path="/orgs/{org}/repos", permission=METADATA)
_OWNERS = {"owners": ".github/CODEOWNERS", "ownersInRoot": "CODEOWNERS", "ownersInDocs": "docs/CODEOWNERS"}


class Files(Protocol):
    """The paths of the files."""

    folder: Path

    def values(self, request: Request, places: Mapping[str, str]) -> Sequence[Any]:
        """The pages of an endpoint. Raises SourceError."""
        ...

    def read(self, file: Path) -> Sequence[Any]:
        """The JSON values of a file. Raises SourceError."""
        ...


def nodes(files: Files, org: str) -> tuple[list[Mapping[str, Any]], int]:
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


def parts_asked(files: Files, parts: Sequence[Part], text: str) -> Mapping[str, Any]:
    """The answer to a query for parts, as from GraphQL; None for parts that no file has. Raises SourceError."""
    part = next((read for sign, read in _PARTS if sign in text), None)
    return {f"part{number}": part and part(files, one) for number, one in enumerate(parts)}


def _root(files: Files, full_name: str) -> Path:
    owner, _, name = full_name.partition("/")
    return files.folder / "repos" / quote(owner, safe="") / quote(name, safe="")


def _file_asked(files: Files, part: Part) -> Mapping[str, Any]:
    path = quote(part.what.removeprefix("HEAD:"), safe="/ ")
    return {"object": _blob(files, _root(files, part.full_name) / "contents" / f"{path}.json")}


def _folder_asked(files: Files, part: Part) -> Mapping[str, Any]:
    entries = _folder(files, _root(files, part.full_name), part.what.removeprefix("HEAD:"))
    return {"object": None if entries is None else {"entries": entries}}


def _rules_asked(files: Files, part: Part) -> Mapping[str, Any] | None:
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


def _environments_asked(files: Files, part: Part) -> Mapping[str, Any] | None:
    """All of them, whatever page is asked for; None where no file has the repository's environments."""
    root = _root(files, part.full_name)
    return {"environments": _environments(files, root)} if (root / "environments.json").is_file() else None


_PARTS: Sequence[tuple[str, Callable[[Files, Part], Mapping[str, Any] | None]]] = (
    ("on Tree", _folder_asked),
    ("on Blob", _file_asked),
    ("environment(", _rules_asked),
    ("environments(", _environments_asked),
)
"""By what the query for them has."""


def _node(files: Files, root: Path, row: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
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


def _environments(files: Files, root: Path) -> Mapping[str, Any]:
    file = root / "environments.json"
    pages = files.read(file) if file.is_file() else ()
    named = [{"name": one.get("name")} for page in pages for one in _list(page, "environments")]
    return {"totalCount": len(named), "nodes": named}


def _folder(files: Files, root: Path, path: str) -> list[Mapping[str, Any]] | None:
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


def _blob(files: Files, file: Path) -> Mapping[str, Any] | None:
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
