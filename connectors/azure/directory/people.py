"""Owners and sponsors: people to be asked, and machines that hold a right by owning (pure).

Whoever owns an application or its service principal can add credentials to it, and so become it. Source:
https://learn.microsoft.com/entra/identity/enterprise-apps/overview-assign-app-owners
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from connectors.azure.directory.payloads import Person
from connectors.azure.spec import SPEC
from connectors.base import Scope
from scanner.model import Assignment, Grant

OWNER = "owner"
_MACHINES = frozenset({"servicePrincipal", "agentIdentity", "agentIdentityBlueprintPrincipal"})
_GUEST = "#ext#"


def told(people: Iterable[Person] | None) -> list[dict[str, str | None]] | None:
    """As ``attributes`` have them, each once; None where they could not be read."""
    if people is None:
        return None
    by_id = {one.id.lower(): one for one in people}
    return [
        {"id": one.id, "name": one.display_name, "email": _email(one), "kind": one.kind}
        for one in sorted(by_id.values(), key=lambda one: one.id)
    ]


def _email(person: Person) -> str | None:
    """A guest's sign-in name is no address."""
    name = person.user_principal_name or ""
    return person.mail or (name if "@" in name and _GUEST not in name.lower() else None)


def is_nameless(person: Person) -> bool:
    """Whether it is a user of whom we were told no more than the id: the right to read users is missing."""
    return person.kind == "user" and person.display_name is None and person.user_principal_name is None


def ownership(scope: Scope, person: Person, owned: str, name: str, *, becomes: bool) -> Assignment | None:
    """The right that a service principal has over what it owns (its key); None for people."""
    if person.kind not in _MACHINES:
        return None
    facts: dict[str, Any] = {"becomes": (owned,)} if becomes else {}
    return Assignment(
        key=f"{owned}#{OWNER}:{person.id.lower()}",
        provider=SPEC.name,
        source=scope.source,
        scope=scope.id,
        holder=person.id,
        holder_kind="ServicePrincipal",
        holder_name=person.display_name,
        gone=False,
        grant=Grant(name=OWNER, via="direct", resource=name),
        **facts,
    )
