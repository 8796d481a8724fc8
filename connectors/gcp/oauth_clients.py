"""OAuth clients of workforce identity. Their credentials are not listed: that listing tells the client secrets.

Source: the IAM API's OauthClient.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from connectors.gcp.keys import last_segment, located_key
from connectors.gcp.labels import tags_of
from connectors.gcp.places import ProjectRef
from connectors.gcp.pools import ACTIVE
from scanner.model import Identity, Privilege


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
    )
