"""What Microsoft Graph publishes by now: `python -m tests.connectors.azure.published.graph_permissions FILE`.

FILE is what `az ad sp show --id 00000003-0000-0000-c000-000000000000` writes, in any tenant. Prints the permissions
that `connectors/azure/rights/graph_permissions.csv` does not judge yet, with their kinds and what Microsoft says of
them, and those that are gone. Exit code 1 where there are any.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from connectors.azure.rights.api_permissions import graph_permissions


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


def differences(graph: Mapping[str, Any]) -> Iterator[str]:
    """A line for each permission that is new, or gone."""
    now, judged = published(graph), graph_permissions()
    for name, (kinds, said) in sorted(now.items()):
        if name.lower() not in judged:
            yield f"new {name},{kinds}: {said}"
    for name in sorted(judged.keys() - {name.lower() for name in now}):
        yield f"gone {name}"


if __name__ == "__main__":
    lines = list(differences(msgspec.json.decode(Path(sys.argv[1]).read_bytes())))
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.exit(bool(lines))
