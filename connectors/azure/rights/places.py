"""Scopes of Azure role assignments (pure).

Source: https://learn.microsoft.com/azure/role-based-access-control/scope-overview
"""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct

from connectors.azure.keys import arm_key
from connectors.azure.rights.azure_role import DATA

Breadth = Literal["part", "resource", "resource_group", "subscription", "management_group"]
BREADTHS: tuple[Breadth, ...] = ("part", "resource", "resource_group", "subscription", "management_group")
"""From narrow to broad; a part is inside a resource, such as one secret of a vault."""

USER_ASSIGNED = "Microsoft.ManagedIdentity/userAssignedIdentities"
GROUPS = "/providers/microsoft.management/managementgroups/"
"""The prefix of a management group's id, in lower case."""
_SUBSCRIPTIONS = "/subscriptions/"
# Resource Manager allows no wildcard in a name, and it would be read as a pattern.
_PLAIN = re.compile(r"/[^*?\x00-\x1f]*")
_RESOURCE_GROUP_PARTS = 4


class AzureScope(Struct, frozen=True, kw_only=True):
    """A scope. ``id`` in lower case; ``within``: prefixes of the ids of resources in it, or its own id.

    A management group has a prefix for each known subscription.
    """

    id: str
    breadth: Breadth
    within: tuple[str, ...]

    @property
    def is_wide(self) -> bool:
        """Whether it is a subscription or more."""
        return self.takes("subscription")

    def takes(self, narrowest: Breadth) -> bool:
        """Whether it includes another place."""
        return BREADTHS.index(self.breadth) >= BREADTHS.index(narrowest)

    def includes(self, scope: str) -> bool:
        """Whether another scope, by its id, is this place or certainly in it."""
        key = f"{arm_key(scope)}/"
        return key.startswith((f"{self.id.rstrip('/')}/", *self.within))

    @property
    def words(self) -> str:
        """Its description in evidence."""
        if self.id == "/":
            return "the whole tenant"
        kind = self.breadth.replace("_", " ") if self.breadth != "part" else "resource"
        return f"{kind} {self.id if self.breadth in ('part', 'resource') else self.id.rpartition('/')[2]}"

    def keys_of(self, resource_type: str) -> tuple[str, ...]:
        """Patterns of the keys of resources of a type, and of what is inside them."""
        kind = resource_type.lower()
        provider, *parts = kind.split("/")
        names = "/".join((provider, *(f"{part}/*" for part in parts)))
        if self.takes("subscription"):
            return tuple(f"{start}*/providers/{names}" for start in self.within)
        if self.breadth == "resource_group":
            return (f"{self.id}/providers/{names}",)
        own = type_of(self.id)
        if own == kind or own.startswith(f"{kind}/"):
            return (self.id, f"{self.id}/*")
        return (f"{self.id}/{kind.removeprefix(own + '/')}/*",) if kind.startswith(f"{own}/") else ()

    def has(self, action: str) -> bool:
        """Whether an action can act on anything in it; a resource only has its own type."""
        if self.takes("resource_group"):
            return True
        return action.removeprefix(DATA).lower().startswith(f"{type_of(self.id)}/")

    @property
    def every_key(self) -> tuple[str, ...]:
        """Patterns of the keys of everything in it."""
        if self.takes("subscription"):
            return tuple(f"{start}*" for start in self.within)
        return (self.id, f"{self.id}/*")


def place_of(scope: str, *, holds: tuple[str, ...] = ()) -> AzureScope:
    """The place of a scope of Resource Manager; ``holds``: subscriptions in it, for a management group or ``/``.

    Raises ValueError for an invalid scope.
    """
    key = arm_key(scope) or "/"
    if not _PLAIN.fullmatch(key) or (scope.strip() and not scope.strip().startswith("/")):
        raise ValueError("not a scope of Resource Manager")
    if key == "/" or key.startswith(GROUPS):
        starts = tuple(f"{_SUBSCRIPTIONS}{one.lower()}/" for one in holds) or ((_SUBSCRIPTIONS,) if key == "/" else ())
        return AzureScope(id=key, breadth="management_group", within=starts)
    parts = key.strip("/").split("/")
    if parts[0] != "subscriptions" or len(parts) % 2:
        return AzureScope(id=key, breadth="part", within=(key,))
    if len(parts) < _RESOURCE_GROUP_PARTS:
        return AzureScope(id=key, breadth="subscription", within=(f"{key}/",))
    if len(parts) == _RESOURCE_GROUP_PARTS and parts[2] == "resourcegroups":
        return AzureScope(id=key, breadth="resource_group", within=(f"{key}/",))
    return AzureScope(id=key, breadth="resource" if type_of(key).count("/") == 1 else "part", within=(key,))


def type_of(resource_id: str) -> str:
    """The type in a resource's id: ``microsoft.web/sites/slots``; empty where there is none."""
    provider, *rest = resource_id.lower().rpartition("/providers/")[2].strip("/").split("/")
    return "/".join((provider, *rest[::2])) if "/providers/" in resource_id.lower() and rest else ""
