"""What agents inherit from their blueprint (pure).

A permission is inherited if the blueprint declares its API inheritable, and the blueprint's service principal was
granted it here. Graph lists neither as a permission of the agent: only its tokens have them. Some of the highest
permissions of Graph are blocked for agents: ``agents_blocked.csv``. Source:
https://learn.microsoft.com/entra/agent-id/concept-inheritable-permissions
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

from scanner.model import Assignment

MICROSOFT_GRAPH = "00000003-0000-0000-c000-000000000000"
Kind = Literal["application", "delegated"]
_TYPE = "microsoft.graph."
_ALL, _SOME, _NONE = ("allallowed", "enumerated", "no")
_PATTERNS = {_ALL: _ALL, _SOME: _SOME, _NONE: _NONE, "none": _NONE}


class Pattern(Struct, frozen=True, kw_only=True, rename="camel"):
    """Which permissions of an API are inheritable; by ``kind`` (``allAllowed``), or by its type."""

    odata_type: str | None = field(default=None, name="@odata.type")
    kind: str | None = None
    scopes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()

    def has(self, *names: str) -> bool | None:
        """Whether it has a permission by any of its names; None if the pattern is not understood."""
        by_type = (self.odata_type or "").removeprefix("#").removeprefix(_TYPE).lower()
        words = (self.kind or "").lower(), by_type.removesuffix("scopes").removesuffix("roles")
        match next((_PATTERNS[word] for word in words if word in _PATTERNS), None):
            case "allallowed":
                return True
            case "enumerated":
                return not {one.lower() for one in names}.isdisjoint(one.lower() for one in (*self.scopes, *self.roles))
            case "no":
                return False
        return None


class Inheritable(Struct, frozen=True, kw_only=True, rename="camel"):
    """An ``inheritablePermission``: what a blueprint hands on of one API. Some answers lack the roles."""

    resource_app_id: str
    inheritable_scopes: Pattern | None = None
    inheritable_roles: Pattern | None = None


class AzureLine(Struct, frozen=True, kw_only=True):
    """A blueprint's name, its agents' names by id, and what it declares inheritable; None if that is unknown."""

    name: str
    agents: Mapping[str, str] = {}
    declared: tuple[Inheritable, ...] | None = None

    def hands_on(self, api: str, kind: Kind, *names: str) -> bool | None:
        """Whether its agents inherit a permission; None if unknown. ``api``: its client id."""
        if api.lower() == MICROSOFT_GRAPH and any(kind in blocked().get(one.lower(), ()) for one in names):
            return False
        if self.declared is None:
            return None
        for one in self.declared:
            if one.resource_app_id.lower() == api.lower():
                pattern = one.inheritable_roles if kind == "application" else one.inheritable_scopes
                return None if pattern is None else pattern.has(*names)
        return False


@cache
def blocked() -> Mapping[str, frozenset[str]]:
    """The kinds of permissions of Graph that agents cannot have, by the permission in lower case."""
    lines = files("connectors.azure.rights").joinpath("agents_blocked.csv").read_text("utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    words = {"A": "application", "D": "delegated"}
    return {row["permission"].lower(): frozenset(words[one] for one in row["kinds"]) for row in rows}


class Heritage(Struct, frozen=True):
    """What agents inherit, as texts, and what they may inherit, by their ids in lower case."""

    inherited: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    unclear: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def of(
        self, line: AzureLine | None, right: Assignment, api: str | None, kind: Kind, *ids: str
    ) -> Iterator[Assignment]:
        """The same right of each agent that inherits it. ``ids``: other names of the permission."""
        if line is None or not line.agents:
            return
        name = right.grant.name
        text = f"{name} of {right.grant.resource or 'an API'}{' (delegated)' if kind == 'delegated' else ''}"
        is_inherited = None if api is None else line.hands_on(api, kind, name, *ids)
        for id_, shown in line.agents.items():
            if is_inherited:
                self.inherited[id_.lower()].add(text)
                yield replace(
                    right,
                    key=f"{right.key}#inherited:{id_.lower()}",
                    holder=id_,
                    holder_name=shown,
                    grant=replace(right.grant, via=f"inherited from {line.name}"),
                )
            elif is_inherited is None:
                self.unclear[id_.lower()].add(f"whether it inherits {text} from its blueprint {line.name} is not known")
