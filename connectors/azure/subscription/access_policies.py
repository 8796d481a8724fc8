"""Access policies of key vaults as rights: what they allow, and how much that is. Pure.

Source: https://learn.microsoft.com/azure/key-vault/general/assign-access-policy
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from connectors.azure.keys import arm_key
from connectors.azure.spec import SPEC
from connectors.azure.subscription.rows import Resource
from connectors.base import Scope
from scanner.model import Assignment, Grant, Privilege

_EVERYTHING = "all"
_GRAVE: Mapping[str, Mapping[str, str]] = {
    "secrets": {
        "get": "read every secret",
        "backup": "take every secret away, encrypted",
        "set": "replace every secret",
    },
    "keys": {
        "decrypt": "decrypt with every key",
        "sign": "sign with every key",
        "unwrapkey": "unwrap what every key protects",
        "release": "take every key that can be released",
        "backup": "take every key away, encrypted",
        "import": "replace every key",
    },
    "certificates": {
        "import": "replace every certificate and its key",
        "create": "replace every certificate and its key",
        "backup": "take every certificate away, encrypted",
    },
    "storage": {
        "get": "read keys of storage accounts",
        "getsas": "get access to storage accounts",
        "regeneratekey": "replace keys of storage accounts",
    },
}
"""What is no ordinary right, by what it is on: the values, their use, or putting others in their place."""


class AccessPolicy(Struct, frozen=True, kw_only=True, rename="camel"):
    """What somebody may do with all that a vault holds. ``application_id``: only by way of this application."""

    object_id: str
    application_id: str | None = None
    permissions: dict[str, tuple[str, ...] | None] = {}


def assignments_of(scope: Scope, vault: Resource, policies: Iterable[AccessPolicy]) -> Iterator[Assignment]:
    """Each policy as a right of its holder. Of whom there is no such identity may as well be a person or a group."""
    by_key = {_key(vault, policy): policy for policy in policies}
    for key in sorted(by_key):
        policy = by_key[key]
        yield Assignment(
            key=key,
            provider=SPEC.name,
            source=scope.source,
            scope=scope.id,
            holder=policy.object_id,
            grant=Grant(name=_named(policy), via="access policy", resource=vault.id),
            privilege=privilege_of(vault.name, policy.permissions),
            conditional=policy.application_id is not None,
            attributes={"through": policy.application_id} if policy.application_id else {},
        )


def privilege_of(vault: str, permissions: Mapping[str, Sequence[str] | None]) -> Privilege:
    """High where values can be read, used or replaced."""
    reasons = tuple(f"may {words} in the vault {vault}" for words in dict.fromkeys(_grave(permissions)))
    return Privilege(level="high", evidence=reasons) if reasons else Privilege(level="normal")


def _grave(permissions: Mapping[str, Sequence[str] | None]) -> Iterator[str]:
    for kind, words in _GRAVE.items():
        held = {verb.lower() for verb in permissions.get(kind) or ()}
        yield from (told for verb, told in words.items() if held & {verb, _EVERYTHING})


def _key(vault: Resource, policy: AccessPolicy) -> str:
    through = f"/{policy.application_id}" if policy.application_id else ""
    return f"{arm_key(vault.id)}/accesspolicies/{policy.object_id}{through}".lower()


def _named(policy: AccessPolicy) -> str:
    held = (f"{kind}: {', '.join(sorted(set(verbs)))}" for kind, verbs in sorted(policy.permissions.items()) if verbs)
    return "; ".join(held) or "nothing"
