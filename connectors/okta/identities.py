"""Service apps, API tokens and AI agents of Okta as identities (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from connectors.agents.documents import agent_signals, host_of
from connectors.core.contract import Scope, own_words
from connectors.core.reading import in_utc
from connectors.okta import payloads as p
from connectors.okta.spec import AGENT, API_TOKEN, SERVICE_APP
from scanner.model import Credential, CredentialKind, Fact, Grant, Identity, Privilege, PrivilegeLevel, credential_key
from scanner.model.attributes import MCP_SERVERS, OWNERS

PROVIDER: Final = "okta"
_ACTIVE: Final = "ACTIVE"
_ROOT: Final = "SUPER_ADMIN"
_READ_ONLY: Final = frozenset({"READ_ONLY_ADMIN", "REPORT_ADMIN"})
_TAKES_OVER: Final = frozenset(
    {"okta.roles.manage", "okta.users.manage", "okta.apps.manage", "okta.clients.manage", "okta.groups.manage",
     "okta.policies.manage", "okta.idps.manage", "okta.authenticators.manage", "okta.appGrants.manage"}
)  # fmt: skip
"""Scopes with which a super administrator gives itself, or takes from others, any right."""
_MCP: Final = ("MCP",)
_LONGEST: Final = 200


def service_app(
    scope: Scope, app: p.App, secrets: Sequence[p.Secret] | None, rights: tuple[list[p.Role], list[str]] | None
) -> Identity:
    """A service app. ``secrets``: None if unread; ``rights``: roles and scopes, None if unread."""
    key = f"okta:{scope.id}/apps/{app.id}"
    level, evidence = _level(rights)
    roles, scopes = rights or ([], [])
    return Identity(
        key=key,
        provider=PROVIDER,
        source=scope.source,
        scope=scope.id,
        kind=SERVICE_APP,
        name=app.label.strip() or app.id,
        unique_id=app.id,
        aliases=(app.client_id,) if app.client_id != app.id else (),
        enabled=None if app.status is None else app.status == _ACTIVE,
        created_at=in_utc(app.created),
        attributes={"signs_in_by": app.signs_in_by} if app.signs_in_by else {},
        credentials=tuple(_credentials(key, secrets or ())),
        privilege=Privilege(level=level, evidence=evidence),
        consequences=None,
        grants=(
            *(Grant(name=one.type or one.label, via="role", admin=one.type == _ROOT) for one in roles),
            *(Grant(name=name, via="scope", resource="Okta API") for name in scopes),
        ),
        unread=(*(("credentials",) if secrets is None else ()), *(("permissions",) if rights is None else ())),
    )


def _level(rights: tuple[list[p.Role], list[str]] | None) -> tuple[PrivilegeLevel, tuple[str, ...]]:
    """A token of an app has what both its roles and its scopes allow."""
    if rights is None:
        return "unknown", ("its roles and scopes could not be read",)
    roles, scopes = rights
    changes = sorted(name for name in scopes if name.endswith(".manage"))
    if not changes or all(one.type in _READ_ONLY for one in roles):
        return "normal", ()
    takes_over = sorted(_TAKES_OVER.intersection(changes))
    if takes_over and any(one.type == _ROOT for one in roles):
        return "admin", (f"super administrator with {', '.join(takes_over)}",)
    names = ", ".join(sorted({one.label or one.type for one in roles}))
    return "high", (f"{names} with {', '.join(changes[:5])}",)


def _credentials(key: str, secrets: Iterable[p.Secret]) -> Iterator[Credential]:
    seen: set[str] = set()
    for one in secrets:
        id_ = one.kid or one.id
        kind: CredentialKind = "access_key" if one.kid else "client_secret"
        if id_ and id_ not in seen:
            seen.add(id_)
            yield Credential(
                key=credential_key(key, kind, id_),
                kind=kind,
                id=id_,
                enabled=None if one.status is None else one.status == _ACTIVE,
                created_at=in_utc(one.created),
            )


def api_token(scope: Scope, token: p.ApiToken) -> Identity:
    """A token as an identity of its own: whoever has it is its user."""
    key = f"okta:{scope.id}/api-tokens/{token.id}"
    owner = {"id": token.user_id, "name": None, "email": None} if token.user_id else None
    attributes = {"client": _word(token.client_name or "") or None, OWNERS: [owner] if owner else None}
    credential = Credential(
        key=credential_key(key, "token", token.id),
        kind="token",
        id=token.id,
        created_at=in_utc(token.created),
        expires_at=in_utc(token.expires_at),
    )
    return Identity(
        key=key,
        provider=PROVIDER,
        source=scope.source,
        scope=scope.id,
        kind=API_TOKEN,
        name=token.name.strip() or token.id,
        unique_id=token.id,
        created_at=in_utc(token.created),
        attributes={name: value for name, value in attributes.items() if value is not None},
        credentials=(credential,),
        privilege=Privilege(level="unknown", evidence=("it has the rights of its user, which are not read",)),
        consequences=None,
    )


def ai_agent(
    scope: Scope,
    agent: p.Agent,
    keys: Sequence[p.Secret] | None,
    connections: Sequence[p.Connection] | None,
    owners: Sequence[p.Principal] | None,
) -> Identity:
    """An AI agent. None: unread."""
    key = f"okta:{scope.id}/ai-agents/{agent.id}"
    active = [one for one in connections or () if one.status in (None, _ACTIVE)]
    servers = [one for one in active if _is_mcp(one)]
    attributes: dict[str, Any] = {
        "platform": _word(agent.platform or "") or None,
        "app": agent.app_id,
        "connections": sorted({_shown(one) for one in active}) if connections is not None else None,
        MCP_SERVERS: [dict(_server(one)) for one in servers] or None,
        OWNERS: sorted((_owner(one) for one in owners), key=lambda one: str(one["id"])) if owners is not None else None,
    }
    unread: tuple[tuple[Fact, object], ...] = (("credentials", keys), ("permissions", connections))
    return Identity(
        key=key,
        provider=PROVIDER,
        source=scope.source,
        scope=scope.id,
        kind=AGENT,
        name=agent.profile.name.strip() or agent.id,
        description=_word(agent.profile.description or "", 500) or None,
        unique_id=agent.id,
        aliases=(agent.orn,) if agent.orn else (),
        enabled=None if agent.status is None else agent.status == _ACTIVE,
        created_at=in_utc(agent.created),
        attributes={name: value for name, value in attributes.items() if value is not None},
        signals=agent_signals("Okta has it as an AI agent"),
        credentials=tuple(_credentials(key, keys or ())),
        privilege=Privilege(level="unknown", evidence=("what its connections allow is decided by what they lead to",)),
        consequences=None,
        unread=tuple(fact for fact, value in unread if value is None),
    )


def _is_mcp(one: p.Connection) -> bool:
    return "MCP" in one.connection_type or (one.resource is not None and bool(one.resource.endpoint_url))


def _server(one: p.Connection) -> Iterator[tuple[str, Any]]:
    """See ``MCP_SERVERS``."""
    yield "name", _word(one.name)
    yield "type", "http"
    host = host_of((one.resource.endpoint_url if one.resource else None) or one.resource_indicator)
    if host is not None:
        yield "host", host


def _shown(one: p.Connection) -> str:
    scopes = f" ({', '.join(sorted(map(_word, one.scopes))[:20])})" if one.scopes else ""
    return f"{_word(one.connection_type)} {_word(one.name)}{scopes}"


def _owner(one: p.Principal) -> dict[str, str | None]:
    profile = one.profile or {}
    name, email = (value if isinstance(value := profile.get(field), str) else None for field in ("name", "email"))
    return {"id": one.id, "name": name or None, "email": email or None, "kind": one.type}


def _word(text: str, longest: int = _LONGEST) -> str:
    return own_words(text.strip())[:longest]
