"""Reads the tenant: what Entra knows of its non-human identities."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from connectors.azure.directory.deleted import read_deleted_registrations
from connectors.azure.directory.found import Found
from connectors.azure.directory.naming import as_told_to_rights
from connectors.azure.directory.reading_agents import read_agent_users, read_agents, read_blueprints
from connectors.azure.directory.reading_lists import read_applications, read_service_principals
from connectors.azure.directory.reading_related import read_federation, read_owners
from connectors.azure.directory.telling import identities, ownerships
from connectors.azure.reader import Reader
from connectors.azure.rights.reading import read_rights
from connectors.azure.usage.reading import read_credential_use, read_sign_ins
from connectors.base import DiscoveredRecord


def read_directory(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Every identity that the tenant lists, once, with the coverage of each section.

    At least so many requests: one for 999 service principals and one for 999 applications; one for 100 of either, each,
    that tells their owners, and one for 100 applications that tells their federated credentials; one for 100 agent
    identities, blueprints and accounts of agents; one for 999 rows of each of the two reports of use.
    """
    settings, unit = reader.settings, reader.unit
    found = Found(scope=reader.scope, tenant=unit.tenant, gaps=reader.gaps, cloud=settings.cloud)
    yield from read_service_principals(reader, found)
    yield from read_applications(reader, found)
    yield from read_agents(reader, found)
    yield from read_blueprints(reader, found)
    yield from read_agent_users(reader, found)
    yield from read_owners(reader, found)
    yield from read_federation(reader, found)
    yield from read_deleted_registrations(reader, found)
    now = datetime.now(UTC)
    found.sign_ins = yield from read_sign_ins(reader, now)
    found.credential_use = yield from read_credential_use(reader, now)
    yield from identities(found)
    yield from ownerships(found)
    yield from read_rights(reader, as_told_to_rights(found))
