"""A strict stand-in for a vendor's API: its rows by path, held to the types of the vendor's published SDK.

A request that the API does not have, or an answer with a member that it does not have, fails the test.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from connectors.testing import Asked, Estate, Reply, Server
from tests.servers.trackers.described import Description, Undescribed

Json = Any
FOLDER = Path(__file__).parents[1]


class Vendor:
    """An API. ``rest``: by path, a document, or the rows of a listing. ``hidden``: paths that are not found.

    ``opens``: which paths a key opens, by their beginning. ``key_of``: the key in a request's headers.
    ``faults``: asked before every answer; what it gives is answered instead. ``wrong``: what the API would not do.
    """

    def __init__(self, name: str, key_of: Callable[[Mapping[str, str]], str | None], *, per_page: int = 100) -> None:
        self.described = Description(FOLDER / name / "published.json")
        self.rest: dict[str, Json] = {}
        self.opens: dict[str, tuple[str, ...]] = {}
        self.own: dict[str, dict[str, Json]] = {}
        self.hidden: set[str] = set()
        self.per_page = per_page
        self.faults: Callable[[Asked], Reply | None] = lambda _: None
        self.wrong: list[str] = []
        self.counted: Counter[str] = Counter()
        self._key_of = key_of
        self._lock = threading.Lock()

    def __call__(self, asked: Asked) -> Reply:
        """The answer to a request."""
        try:
            return self.faults(asked) or self._reply(asked)
        except Undescribed as error:
            self.wrong.append(str(error))
            return Reply(status=500, body=_error(str(error)))

    def _reply(self, asked: Asked) -> Reply:
        path, query = unquote(asked.path), parse_qs(asked.query)
        self.described.check_request(asked.method, path, query, None)
        headers = {name.lower(): value for name, value in asked.headers.items()}
        for name, value in self.described.operation(asked.method, path).get("x-headers", {}).items():
            if value not in headers.get(name, "").split(","):
                raise Undescribed(f"{path} was asked without {name}: {value}")
        key = self._key_of(headers)
        opened = self.opens.get(key or "")
        if opened is None:
            return Reply(status=401, body=_error("the key is not valid"))
        if not path.startswith(opened):
            return Reply(status=403, body=_error("the key may not do this"))
        with self._lock:
            self.counted[path] += 1
        found = self.own.get(key or "", {}).get(path, self.rest.get(path))
        if found is None or path in self.hidden:
            return Reply(status=404, body=_error("there is no such thing"))
        body = self._page(path, found, {name: values[-1] for name, values in query.items()})
        self.described.check_answer("GET", path, 200, body)
        return Reply(body=body)

    def _page(self, path: str, found: Json, query: Mapping[str, str]) -> Json:
        if not isinstance(found, list):
            return found
        token = query.get("page") or query.get("after") or query.get("after_id")
        ids = [row.get("id") or row.get("group_id") or str(at) for at, row in enumerate(found)]
        start = 0 if token is None else int(token) if "page" in query else ids.index(token) + 1
        end = start + min(self.per_page, int(query.get("limit", "20")))
        more = end < len(found)
        operation = self.described.operation("GET", path)  # which members its pages have
        members = operation["responses"]["200"]["content"]["application/json"]["schema"]["properties"]
        last = ids[min(end, len(ids)) - 1] if found else None
        given = {
            "has_more": more,
            "first_id": ids[start] if found[start:] else None,
            "last_id": last,
            "next": last if more else None,
            "next_page": str(end) if more else None,
        }
        page = {name: value for name, value in given.items() if name in members}
        constants = {"object": "page"} if "object" in members else {}
        refreshed = {"data_refreshed_at": "2026-11-01T00:00:00Z"} if "data_refreshed_at" in members else {}
        return {"data": found[start:end], **page, **constants, **refreshed}


class VendorEstate(Estate, frozen=True, kw_only=True):
    """Answers as the fake does; each is made once."""

    server: Vendor
    given: dict[str, Reply]

    def healthy(self, asked: Asked) -> Reply:
        """See ``Estate``."""
        if asked.target not in self.given:
            self.given[asked.target] = self.server(asked)
        return self.given[asked.target]


def _error(words: str) -> Json:
    return {"error": {"type": "error", "message": words}}


@contextmanager
def served(vendor: Vendor) -> Iterator[str]:
    """Its address. Fails where something was asked, or answered, that the API does not have."""
    with Server(vendor, most=None) as server:
        yield server.url
    assert vendor.wrong == [], vendor.wrong
