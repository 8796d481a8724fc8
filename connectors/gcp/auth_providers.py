"""Credentials of outside services that Google holds for agents: that they are there, never their values.

Source: the Agent Identity API's AuthProvider; its keys and client secrets can be written and not read.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from connectors.gcp.keys import last_segment, located_key
from connectors.gcp.labels import tags_of
from connectors.gcp.payloads import Moment, in_utc
from connectors.gcp.places import ProjectRef
from scanner.model import StoredSecret


class _OAuth(Struct, frozen=True, kw_only=True, rename="camel"):
    client_id: str | None = None
    token_url: str | None = None


class _Held(Struct, frozen=True):
    """That there is one."""


class _Parameters(Struct, frozen=True, kw_only=True, rename="camel"):
    api_key: _Held | None = None
    two_legged_oauth: _OAuth | None = None
    three_legged_oauth: _OAuth | None = None


class AuthProvider(Struct, kw_only=True, rename="camel"):
    """An auth provider as agentidentity.googleapis.com v1 has it, without what it keeps."""

    name: str
    state: str = ""
    deleted: bool = False
    create_time: Moment | None = None
    labels: dict[str, str] | None = None
    allowed_scopes: list[str] = []
    auth_provider_type_params: _Parameters = _Parameters()


def parse_auth_provider(source: str, project: ProjectRef, row: AuthProvider) -> StoredSecret:
    """A stored secret; when its value was last written is not told. Raises ValueError for a bad name."""
    given = row.auth_provider_type_params
    oauth = given.three_legged_oauth or given.two_legged_oauth
    sorts = (("api_key", given.api_key), ("oauth_for_users", given.three_legged_oauth), ("oauth", oauth))
    facts: dict[str, Any] = {
        "type": next((sort for sort, one in sorts if one is not None), None),
        "client_id": oauth.client_id if oauth else None,
        "token_url": oauth.token_url if oauth else None,
        "scopes": row.allowed_scopes or None,
        "held_for": "agents",
        "enabled": row.state == "ENABLED" if row.state else None,
    }
    return StoredSecret(
        key=located_key("agentidentity.googleapis.com", project.id, row.name),
        provider="gcp",
        source=source,
        scope=project.id,
        name=last_segment(row.name),
        created_at=in_utc(row.create_time),
        tags=tags_of(project, row.labels),
        attributes={name: fact for name, fact in facts.items() if fact is not None},
    )
