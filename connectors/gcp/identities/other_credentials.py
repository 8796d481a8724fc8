"""Credentials besides keys of accounts: HMAC keys, and OAuth clients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from connectors.core.contract import DiscoveredRecord
from connectors.core.reading import Moment, in_utc
from connectors.gcp.client import requests as r
from connectors.gcp.client.payloads import ACTIVE
from connectors.gcp.keys import account_key, last_segment, located_key
from connectors.gcp.reader import Attached, GcpReader
from connectors.gcp.units import ProjectRef, tags_of
from scanner.model import Credential, Identity, Privilege, credential_key

# --- HMAC keys of Cloud Storage: no credentials of IAM, without expiry, and without a record of use ---

DELETED = "DELETED"


class HmacKey(Struct, kw_only=True, rename="camel"):
    """The metadata as storage.googleapis.com v1 has it. The access id is no secret."""

    access_id: str
    service_account_email: str
    state: str = ""
    time_created: Moment | None = None


def parse_hmac_key(project: str, row: HmacKey) -> Credential:
    """The key; ``project``: the id of its account's."""
    return Credential(
        key=credential_key(account_key(project, row.service_account_email), "access_key", row.access_id),
        kind="access_key",
        id=row.access_id,
        enabled=row.state == "ACTIVE",
        created_at=in_utc(row.time_created),
        never_expires=True,
        attributes={"type": "hmac"},
    )


# --- HMAC keys of one project ---

HMAC_KEYS = "storage.hmac_keys"


def read_hmac_keys(reader: GcpReader) -> Iterator[DiscoveredRecord]:
    """Put with the accounts that were listed before."""
    project = reader.place.project
    attached = Attached(reader)
    with reader.section(HMAC_KEYS) as section:
        for row in reader.rows(section, r.HMAC_KEYS, HmacKey, project=project.id):
            home = reader.home_of(row.service_account_email) or project
            if row.state != DELETED:
                attached.add(home.id, row.service_account_email, parse_hmac_key(home.id, row))
        attached.report_left_out(section)
    yield from reader.done(section)


# --- OAuth clients of workforce identity, without their credentials: that listing returns client secrets ---
#
# Source: the IAM API's OauthClient.


class OauthClient(Struct, kw_only=True, rename="camel"):
    """A client as iam.googleapis.com v1 has it."""

    name: str
    client_id: str = ""
    client_type: str | None = None
    display_name: str = ""
    description: str | None = None
    state: str = ACTIVE
    disabled: bool = False
    allowed_grant_types: list[str] = []
    allowed_scopes: list[str] = []
    allowed_redirect_uris: list[str] = []


def parse_oauth_client(source: str, project: ProjectRef, row: OauthClient) -> Identity:
    """An application that may sign people in, and act for them. Raises ValueError for a bad name."""
    facts: dict[str, Any] = {
        "client_type": row.client_type,
        "grant_types": row.allowed_grant_types,
        "scopes": row.allowed_scopes,
        "redirect_uris": row.allowed_redirect_uris,
    }
    return Identity(
        key=located_key("iam.googleapis.com", project.id, row.name),
        provider="gcp",
        source=source,
        scope=project.id,
        kind="oauth_client",
        name=last_segment(row.name),
        display_name=row.display_name or None,
        description=row.description or None,
        aliases=(row.client_id,) if row.client_id else (),
        enabled=not row.disabled and row.state == ACTIVE,
        tags=tags_of(project),
        attributes={name: fact for name, fact in facts.items() if fact},
        privilege=Privilege(level="normal"),
        consequences=(),
    )


# --- OAuth clients of one project ---

OAUTH_CLIENTS = "iam.oauth_clients"


def read_oauth_clients(reader: GcpReader) -> Iterator[DiscoveredRecord]:
    """Identities."""
    project = reader.place.project
    with reader.section(OAUTH_CLIENTS) as section:
        for row in reader.rows(section, r.OAUTH_CLIENTS, OauthClient, project=project.id):
            client = reader.parsed(section, row.name, parse_oauth_client, reader.scope.source, project, row)
            if client is not None:
                section.found()
                yield client
    yield from reader.done(section)
