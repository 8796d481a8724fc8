"""Reads what is related to applications: who owns them, and whose tokens they take."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.azure import sections as s
from connectors.azure.directory.found import Found
from connectors.azure.directory.listings import related
from connectors.azure.directory.payloads import FederatedCredential
from connectors.azure.directory.people import is_nameless
from connectors.azure.directory.reading_agents import PEOPLE, people
from connectors.azure.reader import Reader
from connectors.base import SectionReading
from scanner.errors import Denied, SourceError
from scanner.model import Coverage


def read_owners(reader: Reader, found: Found) -> Iterator[Coverage]:
    """Owners of both faces. Managed identities are not asked about: owning one gives no way to become it."""
    principals = [one.id for key, one in found.principals.items() if key not in found.left_out and not one.is_managed]
    applications = [one.id for one in found.applications.values()]
    wanted = {
        "/servicePrincipals": (principals, len(found.principals)),
        "/applications": (applications, len(applications)),
    }
    nameless = 0
    with reader.section(s.OWNERS) as section:
        for path, (ids, among) in wanted.items():
            expand = f"owners($select={PEOPLE})"
            for id_, rows in related(reader, section, path, "owners", ids, expand=expand, among=among):
                found.owners[id_.lower()] = owners = people(reader, section, rows)
                nameless += sum(map(is_nameless, owners))
                section.found(len(owners))
        if nameless:
            section.lost(Denied(f"{nameless} owners are known by id alone", permission="User.Read.All"), partial=True)
    yield reader.done(section)


def read_federation(reader: Reader, found: Found) -> Iterator[Coverage]:
    """Federated credentials of registrations; those of managed identities are read where they live."""
    ids = [one.id for one in found.applications.values()]
    relation = "federatedIdentityCredentials"
    with reader.section(s.FEDERATED_CREDENTIALS) as section:
        found_rows = related(reader, section, "/applications", relation, ids, expand=relation, among=len(ids))
        for id_, rows in found_rows:
            credentials = tuple(reader.rows(section, [rows], FederatedCredential))
            if any(one.names_nobody for one in credentials):
                credentials = _with_expressions(reader, section, id_, credentials)
            found.federated[id_.lower()] = credentials
            section.found(len(credentials))
    yield reader.done(section)


def _with_expressions(
    reader: Reader, section: SectionReading, id_: str, credentials: tuple[FederatedCredential, ...]
) -> tuple[FederatedCredential, ...]:
    """The credentials of one application, with the expressions that only the preview of the API tells of."""
    try:
        pages = list(reader.api.graph_pages(f"/applications/{id_}/federatedIdentityCredentials", beta=True))
    except SourceError as error:
        section.note(f"whom a credential of application {id_} lets in by an expression is not known: {error}")
        return credentials
    told = {one.id: one for one in reader.rows(section, pages, FederatedCredential) if not one.names_nobody}
    return tuple(told.get(one.id, one) if one.names_nobody else one for one in credentials)
