"""The actions we know by name, one bit each, and the tables of what can be done with them (``privilege.toml``).

The tables are checked against each other when they are loaded: a name that one of them does not know is an error
at once, not a policy that silently passes.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Literal

import msgspec
from msgspec import Struct

from connectors.aws.globs import arn_parts, compiled, has_wildcard


class Family(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Escalation methods of one sort; ``privilege.toml`` says what ``reach`` means."""

    name: str
    reach: Literal["any", "all", "first"]
    methods: tuple[tuple[str, ...], ...]
    needs_boundary: bool = False


class Tables(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``privilege.toml``."""

    iam_actions: tuple[str, ...]
    family: tuple[Family, ...]
    high: Mapping[str, tuple[str, ...]]
    acts_on: Mapping[str, tuple[str, ...]]
    iam_targets: Mapping[str, tuple[str, ...]]


class Method(Struct, frozen=True, kw_only=True):
    """One escalation method: all the actions it needs, and the first of them."""

    text: str
    needed: int
    first: int


class Vocabulary:
    """Sets of actions as bits of an integer."""

    def __init__(self, tables: Tables) -> None:
        iam = [f"iam:{name}" for name in tables.iam_actions]
        in_methods = [action for family in tables.family for method in family.methods for action in method]
        high = [action for actions in tables.high.values() for action in actions]
        self.tables = tables
        self.actions = tuple(sorted({*iam, *in_methods, *high}))
        self._bits = {action.lower(): 1 << place for place, action in enumerate(self.actions)}
        self._by_service: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for action, bit in self._bits.items():
            self._by_service[action.partition(":")[0]].append((action, bit))
        self.universe = (1 << len(self.actions)) - 1
        self.iam = self.bits(iam)
        self.dangerous_iam = self.bits(set(in_methods) & set(iam))
        self.methods = tuple((family, tuple(map(self._method, family.methods))) for family in tables.family)
        self.high = {consequence: self.bits(actions) for consequence, actions in tables.high.items()}
        self._targets = {
            kind: self.bits(f"iam:{name}" for name in names) | self._of_service("sts") * (kind == "role")
            for kind, names in tables.iam_targets.items()
        }
        unknown = sorted({action for action in in_methods if action.startswith("iam:")} - set(iam))
        if unknown:
            raise ValueError(f"privilege.toml: iam_actions lacks {', '.join(unknown)}")

    def _method(self, actions: tuple[str, ...]) -> Method:
        return Method(text=" + ".join(actions), needed=self.bits(actions), first=self.bits(actions[:1]))

    def bits(self, actions: Iterable[str]) -> int:
        """The bits of these actions. Raises KeyError for one that is not known."""
        total = 0
        for action in actions:
            total |= self._bits[action.lower()]
        return total

    @lru_cache(maxsize=65536)  # noqa: B019  # there is one vocabulary a process, and it lives as long
    def mask(self, pattern: str) -> int:
        """The bits of the known actions that a policy's action pattern covers."""
        lowered = pattern.lower()
        if not has_wildcard(lowered):
            return self._bits.get(lowered, 0)
        service = lowered.partition(":")[0]
        matches = compiled(lowered).match
        total = 0
        for action, bit in self._bits.items() if has_wildcard(service) else self._by_service.get(service, ()):
            if matches(action):
                total |= bit
        return total

    @lru_cache(maxsize=65536)  # noqa: B019  # as above
    def acting_on(self, resource: str) -> int:
        """The bits of the known actions that could act on something this resource pattern covers."""
        parts = arn_parts(resource)
        service, kind = parts[2], parts[5].partition("/")[0]
        if has_wildcard(service):
            return self.universe
        if service == "iam" and not has_wildcard(kind):
            return self._targets.get(kind, 0)
        actors = self.tables.acts_on.get(service, (service,))
        total = 0
        for actor in actors:
            total |= self._of_service(actor)
        return total

    def _of_service(self, service: str) -> int:
        return self.mask(f"{service}:*")

    def names(self, bits: int) -> tuple[str, ...]:
        """The actions with these bits, in order."""
        if not bits:
            return ()
        return tuple(action for place, action in enumerate(self.actions) if bits >> place & 1)


@cache
def vocabulary() -> Vocabulary:
    """The vocabulary of the tables that come with us."""
    data = tomllib.loads(files("connectors.aws").joinpath("privilege.toml").read_text(encoding="utf-8"))
    return Vocabulary(msgspec.convert(data, Tables))
