"""Rows of the tables of requests and sections, which the spec and the policy are made from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from msgspec import Struct

from connectors.core.contract import Section
from scanner.model import Rung


class Request(Struct, frozen=True, kw_only=True):
    """A GET request. ``permission``: the permission that it takes, in words. ``params``: fixed parameters.

    ``turns``: the parameter for the next page. ``cursor``: the JSON pointer to its value in a response; without one,
    the next page begins after the last row. ``spanned``: it also takes a start and an end.
    """

    path: str
    permission: str
    params: Mapping[str, str | tuple[str, ...]] = {}
    turns: str = "after"
    cursor: str | None = None
    spanned: bool = False


class VendorSection(Struct, frozen=True, kw_only=True):
    """A section with its requests. ``needs``: the setting that switches it on; empty: it is always read."""

    name: str
    title: str
    without: str
    requests: tuple[Request, ...]
    kinds: tuple[str, ...] = ()
    rungs: tuple[Rung, ...] = ()
    needs: str = ""

    @property
    def permissions(self) -> tuple[str, ...]:
        """The permissions of its requests, without repetitions."""
        return tuple(dict.fromkeys(one.permission for one in self.requests))

    @property
    def section(self) -> Section:
        """The section as in the connector's contract."""
        return Section(
            name=self.name,
            title=self.title,
            permissions=self.permissions,
            without=self.without,
            kinds=self.kinds,
            rungs=self.rungs,
            optional=bool(self.needs),
        )


def policy(keys: Mapping[str, Mapping[str, str]], readings: Iterable[VendorSection]) -> str:
    """The keys to create, by setting, and the requests of each section, as JSON.

    ``keys``: by setting, how to create the key and the permissions that it needs.
    """
    sections = {
        one.name: {
            "setting": one.needs or "token",
            "permissions": list(one.permissions),
            "requests": [f"GET {request.path}" for request in one.requests],
        }
        for one in readings
    }
    return json.dumps({"keys": keys, "sections": sections}, indent=2) + "\n"
