"""Reads who holds which right in the tenant."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.azure.reader import Reader
from connectors.azure.rights.directory import Directory
from connectors.azure.rights.reading_permissions import read_app_permissions, read_delegated_grants
from connectors.azure.rights.reading_roles import read_directory_roles
from connectors.base import DiscoveredRecord


def read_rights(reader: Reader, directory: Directory) -> Iterator[DiscoveredRecord]:
    """Each section's coverage, and an Assignment for each right that a service principal holds in the tenant.

    Rights of users are counted; those of groups are told for the service principals in them.
    """
    yield from read_directory_roles(reader, directory)
    yield from read_app_permissions(reader, directory)
    yield from read_delegated_grants(reader, directory)
