"""Rows of a file as identities: the columns with their headings, and the fields that they give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, time, timedelta
from functools import partial
from typing import Any, Literal, TypeAlias, TypeVar, cast

import msgspec

from scanner.model import Credential, CredentialKind, Grant, Identity, Link, Privilege, Signal, Trust, credential_key
from scanner.redaction.redact import redact
from scanner.registry.tables.cells import CellError, read_list, read_text, read_yes_no, shown
from scanner.registry.tables.dates import read_moment
from scanner.registry.tables.headings import Columns, Fields, holds_secret, kept

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
        "created_by": ("creator",),
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


# --- Identities ---

T = TypeVar("T")
Says: TypeAlias = Literal["human", "machine", "agent"]

_MAX_DEPTH = 20
"""Maximum levels of an attribute."""
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
    "grants": tuple[Grant, ...],
    "links": tuple[Link, ...],
    "trusts": tuple[Trust, ...],
}
_CREDENTIAL_MOMENTS = ("created_at", "expires_at", "last_used_at")
# Shared by all identities: an empty mapping takes 64 bytes.
_NOTHING: dict[str, Any] = {}
_DEFAULTS: Mapping[str, Any] = {"kind": "unknown", "tags": _NOTHING}
# Verdicts in the output of a scan, which this scan computes itself.
_JUDGED = frozenset({
    "type", "source", "sources", "registry", "ownership", "usage", "drift", "blast_radius", "consumers", "findings",
    "not_compared", "rechecked",
})  # fmt: skip


def parse_identity(fields: Fields, source: str, provider: str, scope: str) -> Identity:
    """The identity in a row. It is valid only if ``fields`` has no errors afterwards."""
    key, name = fields.exact("key"), fields.exact("name")
    if key is None and name is None and not fields.errors:
        fields.wrong("key", "the row has neither key nor name")
    key = key or f"{provider}:{scope}:{name}"
    reported = {
        column: fact
        for column in fields.columns
        if column in _READERS and (fact := _READERS[column](fields, column)) is not None
    }
    facts = {**_DEFAULTS, **reported, "attributes": _attributes(fields), "signals": _signals(fields)}
    return Identity(
        key=key,
        provider=provider,
        source=source,
        scope=scope,
        name=name or _bare_name(key),
        credentials=_credentials(fields, key),
        **facts,
    )


def _bare_name(key: str) -> str:
    """The last part of a full id."""
    return key.rstrip("/:").replace(":", "/").rpartition("/")[2] or key


def _read_tags(cell: Any) -> Mapping[str, str] | None:
    """Tags from a JSON object, also one written into a cell, or from ``k=v; k2=v2``; None without any."""
    if not cell:
        return None
    if isinstance(cell, str) and cell.lstrip().startswith("{"):
        try:
            cell = msgspec.json.decode(cell)
        except (msgspec.DecodeError, RecursionError) as error:
            raise CellError("is not a JSON object") from error
    if isinstance(cell, dict):
        return {str(key): value if isinstance(value, str) else str(value) for key, value in cell.items()}
    pairs = (item.partition("=") for item in read_list(cell))
    return {key.strip(): value.strip() for key, _, value in pairs}


def _attributes(fields: Fields) -> dict[str, Any]:
    """The attributes column, and every column without a meaning of its own."""
    cell = fields.cell("attributes")
    own = cell if isinstance(cell, dict) else _NOTHING
    others = {heading: value for heading, value in fields.unknown() if heading not in _JUDGED}
    return _public({**others, **own}) if others or own else _NOTHING


def _public(attributes: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """The attributes as JSON, without values that are, or look like, secrets."""
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
    """Explicit signals in the file that an identity is a machine, a person or an agent."""
    nature, agent = fields.cell("nature"), fields.cell("is_agent")
    if nature is None and agent is None:
        return ()
    verdict = nature.get("verdict") if isinstance(nature, dict) else fields.text("nature")
    is_agent = agent.get("is_agent") is True if isinstance(agent, dict) else fields.yes_no("is_agent")
    said = _NATURES.get(str(verdict or "unknown").lower())
    if said is None:
        fields.wrong("nature", f"{shown(str(verdict))} is not a nature", "write human, non_human or mixed")
    says: tuple[Says, ...] = (*(said or ()), *(("agent",) if is_agent else ()))
    return tuple(Signal(says=word, sort="provider", evidence=f"listed as {word}") for word in says)


def _privilege(fields: Fields, column: str) -> Privilege | None:
    cell = fields.cell(column)
    level = cell if isinstance(cell, dict) else fields.text(column)
    if level is None:
        return None
    claimed = level if isinstance(level, dict) else {"level": level, "evidence": ["as listed in the file"]}
    return _convert(fields, column, claimed, Privilege)


def _held(fields: Fields, column: str) -> tuple[Any, ...] | None:
    """Grants, links or trusts of a nested identity; a cell of a sheet cannot hold them and is ignored."""
    cell = fields.cell(column)
    return _convert(fields, column, cell, _HELD[column]) if isinstance(cell, list) else None


def _credentials(fields: Fields, identity: str) -> tuple[Credential, ...]:
    """As _held, under the identity's key and with times in UTC."""
    cell = fields.cell("credentials")
    if not cell or not isinstance(cell, list):
        return ()
    listed = [_under(identity, item) if isinstance(item, dict) else item for item in cell]
    try:
        return tuple(map(_in_utc, _convert(fields, "credentials", listed, tuple[Credential, ...]) or ()))
    except CellError as error:
        fields.wrong("credentials", str(error))
        return ()


def _under(identity: str, item: Mapping[str, Any]) -> dict[str, Any]:
    attributes = item.get("attributes", _NOTHING)
    public = _public(attributes) if isinstance(attributes, dict) else attributes
    kind, public_id = item.get("kind"), item.get("id")  # of any type: _convert rejects what does not fit
    return {**item, "key": credential_key(identity, cast(CredentialKind, kind), str(public_id)), "attributes": public}


def _in_utc(credential: Credential) -> Credential:
    """The time in UTC. Raises CellError if UTC cannot represent it."""
    moments = ((name, getattr(credential, name)) for name in _CREDENTIAL_MOMENTS)
    other = {name: read_moment(moment) for name, moment in moments if moment is not None and moment.tzinfo is not UTC}
    return msgspec.structs.replace(credential, **other) if other else credential


def _convert(fields: Fields, column: str, cell: Any, into: type[T]) -> T | None:
    try:
        return msgspec.convert(cell, into)
    except msgspec.ValidationError as error:
        fields.wrong(column, shown(str(error)))
        return None


# A million identities share a few thousand sets of tags.
_tags = kept(_read_tags)
_enabled = kept(partial(read_yes_no, words=_ENABLED))

_READERS: Mapping[str, Callable[[Fields, str], Any]] = {
    "kind": Fields.word,
    "display_name": Fields.text,
    "description": Fields.text,
    "unique_id": Fields.exact,
    "aliases": Fields.items,
    "enabled": lambda fields, column: fields.read(column, _enabled),
    "created_by": Fields.text,
    "created_at": Fields.moment,
    "last_used_at": Fields.moment,
    "use_tracked_days": Fields.days,
    "environment": Fields.word,
    "managed_by": Fields.word,
    "tags": lambda fields, column: fields.read(column, _tags),
    "privilege": _privilege,
    "grants": _held,
    "links": _held,
    "trusts": _held,
}
"""Converters of each column to the field of the same name; None for an empty cell."""
