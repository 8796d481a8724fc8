"""Answers from files in the place of the API: what ``gh api --paginate`` wrote, a file for each endpoint.

``orgs/acme/installations.json`` has what ``gh api --paginate /orgs/acme/installations`` prints, pages one behind the
other or, with ``--slurp``, in a list. ``graphql.json``, or files in ``graphql/``, have the answers to the queries.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from connectors.core.contract import Malformed, SectionReading
from connectors.core.offline import converted, file_at, pages_in, route_of
from connectors.core.reading import decoded
from connectors.github.client import payloads as p
from connectors.github.client.api import Answered, answered
from connectors.github.client.parts import parts_of
from connectors.github.client.requests import Permission, Request
from connectors.github.offline.repositories import nodes, parts_asked
from scanner.errors import SourceError
from scanner.text import printable

T = TypeVar("T")

CONNECTIONS = ("samlIdentityProvider", "teams", "rulesets", "repositories")
"""Connections of an organization in queries. The first one in a query's text identifies its answers."""


class FileApi:
    """See ``Api``. ``folder``: what the files are in."""

    shows_all = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def one(self, request: Request, shape: type[T], **places: str) -> T:
        """See ``Api``."""
        values = self.values(request, places)
        if not values:
            raise Malformed(f"{_route(request, places)}.json is empty")
        found: T = decoded(json.dumps(values[0]).encode(), shape)
        return found

    def rows(self, request: Request, row: type[T], section: SectionReading, **places: str) -> Iterator[T]:
        """See ``Api``."""
        name = f"{_route(request, places)}.json"

        def listed() -> Iterator[Any]:
            for page in self.values(request, places):
                rows = page.get(request.at.strip("/")) if request.at and isinstance(page, dict) else page
                if not isinstance(rows, list):
                    raise Malformed(f"{name} holds no list")
                yield from rows

        yield from converted(listed(), row, section, name)

    def query(self, text: str, variables: Mapping[str, Any], permission: Permission) -> Answered:
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

    def values(self, request: Request, places: Mapping[str, str]) -> list[Any]:
        """The pages of an endpoint. Raises SourceError where there is no file, or it cannot be used."""
        route = _route(request, places)
        return self.read(file_at(self.folder, route, f"`gh api --paginate '/{printable(route)}'` writes it"))

    def read(self, file: Path) -> list[Any]:
        """The pages in a file. Raises SourceError."""
        pages = pages_in(file, printable(file.name))
        slurped = len(pages) == 1 and isinstance(pages[0], list) and pages[0] and _is_page(pages[0][0])
        return list(pages[0]) if slurped else pages


_ERRORS = tuple[p.GraphqlError, ...] | None


def _route(request: Request, places: Mapping[str, str]) -> str:
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
