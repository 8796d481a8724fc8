"""A row of a listed file as an identity: the headings that are understood, and what their cells mean."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Literal, TypeAlias, TypeVar

import msgspec

from scanner.model import (
    UNKNOWN_PRIVILEGE,
    Credential,
    Grant,
    Identity,
    Link,
    Privilege,
    Signal,
    Trust,
    credential_key,
)
from scanner.redact import redact
from scanner.tables.cells import CellError, read_moment, read_text, shown
from scanner.tables.headings import Columns, Fields, holds_secret

T = TypeVar("T")
Says: TypeAlias = Literal["human", "machine", "agent"]

COLUMNS = Columns(
    {
        "key": ("identity key", "arn", "full id", "resource id"),
        "provider": ("cloud", "cloud provider", "platform"),
        "scope": ("account id", "subscription id", "project id", "tenant id"),
        "kind": ("identity type", "account type"),
        "name": ("identity", "user name", "login", "account name", "service account", "bot name"),
        "display_name": ("full name", "title"),
        "description": ("purpose",),
        "unique_id": ("object id", "uuid", "immutable id"),
        "aliases": ("alias", "email", "mail", "client id", "app id", "application id", "other ids"),
        "enabled": ("is enabled", "active", "is active"),
        "created_at": ("created", "created on", "creation date", "created date", "creation time"),
        "last_used_at": (
            "last used", "last used on", "last use", "last activity", "last active", "last login", "last sign in",
            "last seen", "last access",
        ),
        "use_tracked_days": ("use tracked", "log retention days"),
        "environment": ("env",),
        "managed_by": (),
        "tags": ("labels",),
        "attributes": (),
        "nature": (),
        "is_agent": ("agent", "ai agent"),
        "privilege": ("privilege level",),
        "credentials": (),
        "grants": (),
        "links": (),
        "trusts": (),
    },
    lists={"aliases"},
    fallbacks={
        "scope": ("subscription", "project", "tenant", "namespace"),
        "kind": ("type",),
        "enabled": ("status", "state"),
        "unique_id": ("id",),
    },
)  # fmt: skip


class _ListedCredential(Credential, frozen=True, kw_only=True, gc=False):
    """A credential as a list has it: its key is made from its identity's."""

    key: str = ""


_MAX_DEPTH = 20
"""Levels of an attribute; what is nested deeper was not made by people or tools."""
_TEXTS = ("display_name", "description", "environment", "managed_by")
_MOMENTS = ("created_at", "last_used_at")
_ENABLED = {
    **dict.fromkeys(("enabled", "active", "live"), True),
    **dict.fromkeys(("disabled", "inactive", "suspended", "deactivated", "deleted", "locked", "blocked"), False),
}
_NATURES: dict[str, tuple[Says, ...]] = {
    **dict.fromkeys(("human", "person", "people"), ("human",)),
    **dict.fromkeys(("non_human", "non-human", "nonhuman", "machine", "bot", "service"), ("machine",)),
    "mixed": ("human", "machine"),
    "unknown": (),
}
_HELD: dict[str, Any] = {
    "credentials": tuple[_ListedCredential, ...],
    "grants": tuple[Grant, ...],
    "links": tuple[Link, ...],
    "trusts": tuple[Trust, ...],
}
# What a scan's own output says about an identity beyond what was discovered: this scan judges for itself.
_JUDGED = frozenset({"type", "source", "sources", "registry", "ownership", "usage", "findings", "rechecked"})


def parse_identity(fields: Fields, source: str, provider: str, scope: str) -> Identity:
    """The identity in a row; it is worth something only if ``fields`` has no errors then."""
    key, name = fields.exact("key"), fields.exact("name")
    if key is None and name is None and not fields.errors:
        fields.wrong("key", "the row has neither key nor name")
    key = key or f"{provider}:{scope}:{name}"
    facts: dict[str, Any] = {
        **{column: fields.text(column) for column in _TEXTS},
        **{column: fields.moment(column) for column in _MOMENTS},
        **{column: _held(fields, column, key) for column in _HELD},
    }
    return Identity(
        key=key,
        provider=provider,
        source=source,
        scope=scope,
        kind=fields.text("kind") or "unknown",
        unique_id=fields.exact("unique_id"),
        name=name or _bare_name(key),
        aliases=fields.items("aliases"),
        enabled=fields.yes_no("enabled", _ENABLED),
        use_tracked_days=fields.days("use_tracked_days"),
        tags=_tags(fields),
        attributes=_attributes(fields),
        signals=_signals(fields),
        privilege=_privilege(fields),
        **facts,
    )


def _bare_name(key: str) -> str:
    """The last part of a full id."""
    return key.rstrip("/:").replace(":", "/").rpartition("/")[2] or key


def _tags(fields: Fields) -> dict[str, str]:
    """Tags from a JSON object, also one written into a cell, or from ``k=v; k2=v2``."""
    cell = fields.cell("tags")
    if isinstance(cell, str) and cell.lstrip().startswith("{"):
        try:
            cell = msgspec.json.decode(cell)
        except (msgspec.DecodeError, RecursionError):
            fields.wrong("tags", "is not a JSON object")
            return {}
    if isinstance(cell, dict):
        return {str(key): value if isinstance(value, str) else str(value) for key, value in cell.items()}
    pairs = (item.partition("=") for item in fields.items("tags"))
    return {key.strip(): value.strip() for key, _, value in pairs}


def _attributes(fields: Fields) -> dict[str, Any]:
    """The attributes column, and every column that means nothing else."""
    cell = fields.cell("attributes")
    own = cell if isinstance(cell, dict) else {}
    others = {heading: value for heading, value in fields.unknown() if heading not in _JUDGED}
    return _public({**others, **own})


def _public(attributes: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """The attributes as JSON can hold them, without what is, or has the shape of, a secret."""
    return {str(key): _as_json(value, depth + 1) for key, value in attributes.items() if not holds_secret(str(key))}


def _as_json(value: Any, depth: int) -> Any:
    match value:
        case dict() | list() if depth > _MAX_DEPTH:
            return "…"
        case dict():
            return _public(value, depth)
        case list():
            return [_as_json(item, depth + 1) for item in value]
        case str():
            return redact(value)
        case float():
            return int(value) if value.is_integer() else value
    return read_text(value) if isinstance(value, (date, time, timedelta)) else value


def _signals(fields: Fields) -> tuple[Signal, ...]:
    """What the file says outright about an identity being a machine, a person or an agent."""
    nature, agent = fields.cell("nature"), fields.cell("is_agent")
    verdict = nature.get("verdict") if isinstance(nature, dict) else fields.text("nature")
    is_agent = agent.get("is_agent") is True if isinstance(agent, dict) else fields.yes_no("is_agent")
    said = _NATURES.get(str(verdict or "unknown").lower())
    if said is None:
        fields.wrong("nature", f"{shown(str(verdict))} is no nature", "write human, non_human or mixed")
    says: tuple[Says, ...] = (*(said or ()), *(("agent",) if is_agent else ()))
    return tuple(Signal(says=word, sort="provider", evidence=f"listed as {word}") for word in says)


def _privilege(fields: Fields) -> Privilege:
    cell = fields.cell("privilege")
    level = cell if isinstance(cell, dict) else fields.text("privilege")
    if level is None:
        return UNKNOWN_PRIVILEGE
    claimed = level if isinstance(level, dict) else {"level": level, "evidence": ["listed so in the file"]}
    return _convert(fields, "privilege", claimed, Privilege) or UNKNOWN_PRIVILEGE


def _held(fields: Fields, column: str, key: str) -> tuple[Any, ...]:
    """Credentials, grants, links or trusts of a nested identity; a sheet's cell cannot hold them and is left out."""
    cell = fields.cell(column)
    if not isinstance(cell, list):
        return ()
    records: tuple[Any, ...] = _convert(fields, column, cell, _HELD[column]) or ()
    try:
        return tuple(_own_credential(one, key) if isinstance(one, _ListedCredential) else one for one in records)
    except CellError as error:
        fields.wrong(column, str(error))
        return ()


def _own_credential(listed: _ListedCredential, identity: str) -> Credential:
    """The credential under its identity's key, its times in UTC. Raises CellError for a time that UTC has not."""
    facts = msgspec.structs.asdict(listed)
    moments = {name: read_moment(value) for name, value in facts.items() if isinstance(value, datetime)}
    own = {"key": credential_key(identity, listed.kind, listed.id), "attributes": _public(listed.attributes)}
    return Credential(**{**facts, **moments, **own})


def _convert(fields: Fields, column: str, cell: Any, into: type[T]) -> T | None:
    try:
        return msgspec.convert(cell, into)
    except msgspec.ValidationError as error:
        fields.wrong(column, shown(str(error)))
        return None
