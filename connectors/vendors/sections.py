"""Requests and sections as tables, from which the spec and the policy are made."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from msgspec import Struct

from connectors.base import Section
from scanner.model import Rung


class Request(Struct, frozen=True, kw_only=True):
    """A GET. ``permission``: what it takes, for people. ``params``: what is always asked.

    ``turns``: the parameter that names the next page. ``cursor``: where an answer has its value, as a JSON pointer;
    without one, the next page begins after the last row. ``spanned``: it also takes the time that is asked for.
    """

    path: str
    permission: str
    params: Mapping[str, str | tuple[str, ...]] = {}
    turns: str = "after"
    cursor: str | None = None
    spanned: bool = False


class Reading(Struct, frozen=True, kw_only=True):
    """A section, and its requests. ``needs``: the setting that switches it on; empty: it is always read."""

    name: str
    title: str
    without: str
    requests: tuple[Request, ...]
    kinds: tuple[str, ...] = ()
    rungs: tuple[Rung, ...] = ()
    needs: str = ""

    @property
    def permissions(self) -> tuple[str, ...]:
        """All of its requests, once."""
        return tuple(dict.fromkeys(one.permission for one in self.requests))

    @property
    def section(self) -> Section:
        """As the contract knows it."""
        return Section(
            name=self.name,
            title=self.title,
            permissions=self.permissions,
            without=self.without,
            kinds=self.kinds,
            rungs=self.rungs,
            optional=bool(self.needs),
        )


def policy(keys: Mapping[str, Mapping[str, str]], readings: Iterable[Reading]) -> str:
    """The keys to make, by setting, and what each section takes, as JSON.

    ``keys``: of a setting, how the key is made and what it may do.
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
