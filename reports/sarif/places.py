"""Locations of results: a line of the registry, and the identity as a logical location.

For the gate, the place in the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from scanner.model import Finding, Origin, ScanResult
from scanner.text import printable

ROOT = "%SRCROOT%"
_NO_REGISTRY = Origin(file="registry.csv", row=1)
"""The file for results without a registry, because hosts refuse a result without a file."""


class Places:
    """The places of a whole result's findings."""

    def __init__(self, result: ScanResult) -> None:
        self._origins: Mapping[str, Origin] = {judged.entry.id: judged.entry.origin for judged in result.entries}
        self._entries = {judged.identity.key: judged.registry.entry for judged in result.identities}
        self._names = {judged.identity.key: judged.identity.name for judged in result.identities}
        first = next(iter(self._origins.values()), _NO_REGISTRY)
        self._undeclared = Origin(file=first.file, row=1)
        self._are_planned = bool(result.plans)

    def of(self, finding: Finding) -> dict[str, Any]:
        """The line of the finding's entry; for an unregistered identity, the top of its registry.

        A file without lines of its own, such as a plan, is named by its first: hosts refuse a result without a line.
        """
        if self._are_planned:
            return self._planned(finding)
        entry = finding.entry or self._entries.get(finding.identity or "")
        origin = self._origins.get(entry or "", self._undeclared)
        return {
            "physicalLocation": {"artifactLocation": artifact(origin.file), "region": {"startLine": origin.row or 1}},
            "logicalLocations": [_logical(name, self._names) for name in _subjects(finding)],
        }

    def _planned(self, finding: Finding) -> dict[str, Any]:
        place = finding.evidence
        resource = printable(str(place["resource"]))
        declared = {"name": resource, "fullyQualifiedName": resource, "kind": "resource"}
        return {
            "physicalLocation": {
                "artifactLocation": artifact(str(place["file"])),
                "region": {"startLine": place.get("line") or 1},
            },
            "logicalLocations": [declared, *(_logical(name, self._names) for name in _subjects(finding))],
        }


def artifact(file: str) -> dict[str, str]:
    """A file by its URI: relative to the root of the sources if the registry's path is relative."""
    path = PurePath(file)
    uri = quote(path.as_posix(), safe="/", encoding="utf-8", errors="replace")
    if path.is_absolute():
        return {"uri": f"file://{uri}"}
    return {"uri": uri} if ".." in path.parts else {"uri": uri, "uriBaseId": ROOT}


def _subjects(finding: Finding) -> list[str]:
    """The subjects of a finding, the most specific last; an exemption has only a pattern, which is evidence."""
    return [name for name in (finding.entry, finding.assignment, finding.identity, finding.credential) if name]


def _logical(key: str, names: Mapping[str, str]) -> dict[str, str]:
    return {"name": printable(names.get(key, key)), "fullyQualifiedName": printable(key), "kind": "resource"}
