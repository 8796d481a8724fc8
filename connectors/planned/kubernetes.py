"""Kubernetes manifests as resources: ``GROUP/Kind``, the group of ``v1`` being ``core``; lists are unfolded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.planned import Resource
from connectors.planned.documents import PlannedDocument
from scanner.model.planned import PlannedPlace, Unread


def read_manifests(file: str, documents: Sequence[PlannedDocument]) -> tuple[tuple[Resource, ...], tuple[Unread, ...]]:
    """Return the objects of all documents; a document that is no object is a problem."""
    resources: list[Resource] = []
    problems: list[Unread] = []
    for document in documents:
        for line, manifest in _objects(document):
            if is_manifest(manifest) and (wrong := _wrong(manifest)):
                problems.append(
                    Unread(place=PlannedPlace(file=file, resource=manifest["kind"], line=line), reason=wrong)
                )
            elif is_manifest(manifest):
                resources.append(_resource(file, line, manifest))
            elif manifest:
                place = PlannedPlace(file=file, resource="no apiVersion and kind", line=line)
                problems.append(Unread(place=place, reason="is not a Kubernetes object"))
    return tuple(resources), tuple(problems)


def is_manifest(document: Any) -> bool:
    """Whether the document is a Kubernetes object."""
    return isinstance(document, dict) and all(isinstance(document.get(key), str) for key in ("apiVersion", "kind"))


def _wrong(manifest: Mapping[str, Any]) -> str | None:
    """The reason why an object cannot be read; None if it can."""
    if not isinstance(manifest.get("metadata", {}), dict | None):
        return "its metadata is not a mapping"
    return "its items are no list" if manifest["kind"] == "List" else None


def _objects(document: PlannedDocument) -> Iterator[tuple[int, Any]]:
    """The objects of a document: its own, or those of the list that it is."""
    data = document.data
    if is_manifest(data) and data["kind"].endswith("List") and isinstance(data.get("items"), list):
        yield from zip(document.item_lines("items"), data["items"], strict=True)
    else:
        yield document.line, data


def _resource(file: str, line: int, manifest: Mapping[str, Any]) -> Resource:
    group = manifest["apiVersion"].rpartition("/")[0]
    kind = manifest["kind"]
    metadata = manifest.get("metadata")
    named = metadata if isinstance(metadata, dict) else {}
    parts = (kind, named.get("namespace"), named.get("name") or f"{named.get('generateName') or ''}*")
    return Resource(
        type=f"{group or 'core'}/{kind}",
        place=PlannedPlace(file=file, resource="/".join(part for part in parts if isinstance(part, str)), line=line),
        format="kubernetes",
        effect="created",
        values=manifest,
    )
