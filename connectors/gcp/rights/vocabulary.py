"""The relevant permissions and escalation methods: ``privilege.toml`` and ``data.toml`` (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import Literal, TypeAlias

from msgspec import Struct, structs

from scanner.catalog import read_table
from scanner.model import ConsequenceKind

Method: TypeAlias = tuple[str, ...]
Container: TypeAlias = Literal["organizations", "folders", "projects"]
MAKE_TOKENS = "iam.serviceAccounts.getAccessToken"
_EVERYTHING = "*"
_GOOGLE = ".googleapis.com"
# Services whose permissions have other names in deny policies (IAM documentation, "Permissions supported in deny
# policies").
_OTHER_NAMES = {"cloudresourcemanager": "resourcemanager"}


class Family(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A family of escalation methods; ``privilege.toml`` describes the fields."""

    name: str
    leads: Literal["accounts", "agents", "workloads", "principals", "itself"]
    methods: tuple[Method, ...]
    by: str = ""
    agents: tuple[str, ...] = ()
    things: tuple[str, ...] = ()
    attaches: bool = False
    chained: bool = False
    stored: bool = False


class Vocabulary(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``privilege.toml``."""

    running: tuple[str, ...]
    admin: Mapping[Container, tuple[str, ...]]
    family: tuple[Family, ...]
    high: Mapping[str, tuple[str, ...]]
    consequences: Mapping[ConsequenceKind, str]
    known_roles: Mapping[str, tuple[str, ...]]
    partly_known: tuple[str, ...]

    @property
    def permissions(self) -> frozenset[str]:
        """All relevant permissions."""
        in_methods = (name for family in self.family for method in family.methods for name in method)
        tables = (*self.admin.values(), *self.high.values())
        return frozenset({*self.running, *in_methods, *(name for names in tables for name in names)})

    def known_role(self, role: str) -> frozenset[str] | None:
        """The relevant permissions of a predefined role, if they are known without reading it."""
        names = self.known_roles.get(role)
        if names is None:
            return None
        return all_permissions() if _EVERYTHING in names else frozenset(names)


class _Data(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``data.toml``: permissions that read stored content, by service."""

    reads: Mapping[str, tuple[str, ...]]


READ_DATA = "read data"


@cache
def vocabulary() -> Vocabulary:
    """The shipped tables."""
    shipped = read_table("connectors.gcp.rights", "privilege.toml", Vocabulary)
    data = read_table("connectors.gcp.rights", "data.toml", _Data)
    reads = tuple(name for names in data.reads.values() for name in names)
    return structs.replace(shipped, high={**shipped.high, READ_DATA: reads})


@cache
def all_permissions() -> frozenset[str]:
    """All relevant permissions."""
    return vocabulary().permissions


@lru_cache(maxsize=4096)
def methods_met(permissions: frozenset[str]) -> Mapping[str, tuple[Method, ...]]:
    """The methods of each family, by name, that these permissions allow."""
    met = {
        family.name: tuple(method for method in family.methods if permissions.issuperset(method))
        for family in vocabulary().family
    }
    return {name: methods for name, methods in met.items() if methods}


def counted(permissions: Iterable[str]) -> frozenset[str]:
    """The relevant ones of these permissions: a predefined role may have ten thousand."""
    return all_permissions().intersection(map(canonical, permissions))


def canonical(permission: str) -> str:
    """The name of a permission in roles: ``iam.roles.update`` for ``iam.googleapis.com/roles.update``."""
    service, slash, rest = permission.partition("/")
    if not slash:
        return permission
    name = service.removesuffix(_GOOGLE)
    return f"{_OTHER_NAMES.get(name, name)}.{rest}"
