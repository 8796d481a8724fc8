"""What people wrote on things: labels of their own, and of the project that they are in."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.gcp.places import ProjectRef

OF_PROJECT = "project:"
"""Tags that are labels of the project begin so. It is in no label, and so in no key that registers an identity."""


def tags_of(project: ProjectRef, own: Mapping[str, str] | None = None) -> dict[str, str]:
    """The labels of a thing, and its project's: service accounts can have none, so owners are named there."""
    return {**(own or {}), **{f"{OF_PROJECT}{key}": text for key, text in project.labels.items()}}
