"""What Microsoft publishes by now and no one has judged: `python -m tests.connectors.azure.published.unjudged FILE`.

FILE is what one of these writes, in any tenant:
  az ad sp show --id 00000003-0000-0000-c000-000000000000
  az rest --url https://graph.microsoft.com/v1.0/roleManagement/directory/roleDefinitions
Prints the permissions of Graph that `connectors/azure/rights/graph_permissions.csv` does not judge yet, with their
kinds and what Microsoft says of them, or the built-in roles that `directory_builtin.csv` does not know, and those that
are gone. Exit code 1 where there are any.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from connectors.azure.rights.api_permissions import graph_permissions
from connectors.azure.rights.directory_roles import built_in_roles


def published(graph: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Kinds and description by name: application permissions (A) and delegated ones (D)."""
    found: dict[str, tuple[str, str]] = {}
    for kind, rows, words in (
        ("A", "appRoles", "description"),
        ("D", "oauth2PermissionScopes", "adminConsentDescription"),
    ):
        for row in graph[rows]:
            kinds, said = found.get(row["value"], ("", row[words]))
            found[row["value"]] = (kinds + kind, said)
    return found


def differences(reported: Mapping[str, Any]) -> Iterator[str]:
    """A line for each permission, or built-in role, that is new, or gone."""
    yield from _of_roles(reported["value"]) if "value" in reported else _of_permissions(reported)


def _of_permissions(graph: Mapping[str, Any]) -> Iterator[str]:
    now, judged = published(graph), graph_permissions()
    for name, (kinds, said) in sorted(now.items()):
        if name.lower() not in judged:
            yield f"new {name},{kinds}: {said}"
    for name in sorted(judged.keys() - {name.lower() for name in now}):
        yield f"gone {name}"


def _of_roles(definitions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Some are published and not reported by any tenant: what is gone may be one of those."""
    now, judged = {one["templateId"]: one for one in definitions if one["isBuiltIn"]}, built_in_roles()
    for template, one in sorted(now.items()):
        if template not in judged:
            yield f"new {template},{one['displayName']}: {one['description']}"
    for template in sorted(judged.keys() - now.keys()):
        yield f"gone {template},{judged[template].role}"


if __name__ == "__main__":
    lines = list(differences(msgspec.json.decode(Path(sys.argv[1]).read_bytes())))
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.exit(bool(lines))
