"""The common fields of the records of one organization."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from connectors.core.contract import Scope
from connectors.github.facts import GithubOrganization
from connectors.github.keys import root


class GithubScope(Struct, frozen=True):
    """The organization that is read, and the scope of its records."""

    scope: Scope
    organization: GithubOrganization

    @property
    def root(self) -> str:
        """Prefix of all keys."""
        return root(self.organization.host, self.organization.login)

    def facts(self, below: str, kind: str, name: str) -> dict[str, Any]:
        """The fields that every identity has. ``below``: its key, from the organization's on."""
        return {**self.of(f"{self.root}/{below}", name), "kind": kind}

    def of(self, key: str, name: str) -> dict[str, Any]:
        """The fields that every record has."""
        return {"key": key, "provider": "github", "source": self.scope.source, "scope": self.scope.id, "name": name}
