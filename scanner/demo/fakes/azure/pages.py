"""Paginated lists with opaque tokens that can expire; ``$select`` is checked against the known fields."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping
from urllib.parse import quote

from scanner.demo.fakes.azure.tenant import Row
from scanner.demo.fakes.azure.wire import Call, Listing, Reply, refusal

_SIZES = {"graph": "$top", "arm": "$top", "vault": "maxresults"}
_NEXT = {"graph": "@odata.nextLink", "arm": "nextLink", "vault": "nextLink"}
_TOKENS = {"graph": "$skiptoken", "arm": "$skiptoken", "vault": "$skiptoken"}


class Pages:
    """Paginates listings. ``largest``: a page limit for all lists."""

    def __init__(self) -> None:
        self.largest: int | None = None
        self.foreign_host: str | None = None
        """Scheme and host for links to the next page, in place of this server's."""
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._open: dict[str, tuple[list[Row], int]] = {}

    def expire(self) -> None:
        """Expire all tokens."""
        with self._lock:
            self._open.clear()

    def reply(self, call: Call, listing: Listing, base: str) -> Reply:
        """A page of a listing. ``base``: the address of the service."""
        token = call.query.get(_TOKENS[call.service])
        if token is not None:
            with self._lock:
                if token not in self._open:
                    return refusal(
                        call.service,
                        400,
                        "Directory_ExpiredPageToken" if call.service == "graph" else "InvalidSkipToken",
                    )
                rows, size = self._open[token]
        else:
            asked = call.query.get(_SIZES[call.service])
            if asked is not None and not (asked.isdigit() and 0 < int(asked) <= listing.cap):
                return refusal(call.service, 400, "Request_UnsupportedQuery", f"Invalid page size {asked}.")
            selected = _selected(call, listing)
            if isinstance(selected, Reply):
                return selected
            caps = (self.largest or listing.cap, listing.at_most or listing.cap)
            rows, size = selected, min(int(asked or listing.usual), *caps)
        return Reply(body={"value": rows[:size], **self._onwards(call, rows[size:], size, base)})

    def _onwards(self, call: Call, rest: list[Row], size: int, base: str) -> Mapping[str, str]:
        if not rest:
            return {}
        with self._lock:
            token = f"opaque~{next(self._numbers)}"
            self._open[token] = (rest, size)
        kept = {name: value for name, value in call.query.items() if name != _TOKENS[call.service]}
        query = "&".join(f"{name}={quote(value)}" for name, value in {**kept, _TOKENS[call.service]: token}.items())
        return {_NEXT[call.service]: f"{self.foreign_host or base}{call.path}?{query}"}


def _selected(call: Call, listing: Listing) -> list[Row] | Reply:
    """The rows with only the fields in ``$select``, which must exist."""
    names = [name for name in call.query.get("$select", "").split(",") if name]
    if not names:
        return list(listing.rows)
    unknown = [name for name in names if listing.fields is not None and name not in listing.fields]
    if unknown:
        return refusal("graph", 400, "Request_BadRequest", f"Could not find a property named '{unknown[0]}'.")
    kept = {*names, "@odata.type", call.query.get("$expand", "").partition("(")[0]}
    return [{name: value for name, value in row.items() if name in kept} for row in listing.rows]
