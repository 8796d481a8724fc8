"""The fields that are read from the server's answers. All others are dropped while decoding.

Go's ``null`` for an empty list or map is accepted. Times stay text until ``moment`` parses them, because an invalid
date must not make its row malformed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Raw, Struct

from scanner.redaction.named import is_secret_name
from scanner.redaction.redact import redact

T = TypeVar("T")


class Answer(Struct, Generic[T]):
    """The envelope of every answer."""

    data: T


class GivenToken(Struct):
    """The token of a sign-in. ``lease_duration``: in seconds; 0 for one without an end."""

    client_token: str
    lease_duration: int = 0


class Login(Struct):
    """The answer to a sign-in."""

    auth: GivenToken


class Keys(Struct):
    """The answer to a LIST. ``key_info`` is decoded row by row."""

    keys: list[Any] | None = None
    key_info: dict[str, Raw] | None = None


class AuditHash(Struct):
    """The hash of a text in an audit device."""

    hash: str


class AuthMount(Struct):
    """An auth method on its mount."""

    type: str
    accessor: str = ""


class SecretMount(Struct):
    """A secrets engine."""

    type: str
    options: dict[str, str] | None = None

    @property
    def version(self) -> str:
        """The version of a kv mount: "1", the default, or "2"."""
        return (self.options or {}).get("version", "1")

    @property
    def sort(self) -> str:
        """The type; the versions of kv are types of their own."""
        return f"kv {self.version}" if self.type == "kv" else self.type


class PolicyText(Struct):
    """The text of a policy."""

    policy: str


class EntityAlias(Struct):
    """A login that leads to an entity. An approle alias's ``name`` is its role_id, which is never kept."""

    name: str = ""
    mount_accessor: str = ""
    mount_type: str = ""
    mount_path: str = ""
    metadata: dict[str, Any] | None = None


class JwtConfig(Struct):
    """The issuer whose tokens a JWT mount accepts."""

    bound_issuer: str | None = None
    oidc_discovery_url: str | None = None


class KubernetesConfig(Struct):
    """The cluster that reviews the tokens of a Kubernetes mount, or whose keys verify them."""

    kubernetes_host: str = ""
    issuer: str = ""
    pem_keys: list[str] | None = None


class Entity(Struct):
    """An identity in the server's own directory."""

    id: str
    name: str
    policies: list[str] | None = None
    aliases: list[EntityAlias] | None = None
    disabled: bool = False
    creation_time: str | None = None
    metadata: dict[str, Any] | None = None
    direct_group_ids: list[str] | None = None
    inherited_group_ids: list[str] | None = None


class EntitySummary(Struct):
    """An entity in the listing."""

    name: str = ""
    aliases: list[EntityAlias] | None = None


class Group(Struct):
    """A group of entities. ``type``: ``internal``, or ``external``, whose members a login method decides."""

    id: str
    name: str
    type: str = ""
    policies: list[str] | None = None


class Token(Struct):
    """A token, looked up by its accessor. Durations are in seconds; ``creation_time`` is a Unix time."""

    accessor: str
    path: str = ""
    creation_time: int | None = None
    expire_time: str | None = None
    last_renewal: str | None = None
    ttl: int = 0
    explicit_max_ttl: int = 0
    period: int | None = None
    num_uses: int = 0
    orphan: bool | None = None
    renewable: bool | None = None
    display_name: str = ""
    entity_id: str = ""
    meta: dict[str, Any] | None = None
    policies: list[str] | None = None
    bound_cidrs: list[str] | None = None
    type: str = ""


class SecretId(Struct):
    """A secret-id, looked up by its accessor. ``secret_id_num_uses``: those remaining, 0 for no limit."""

    secret_id_accessor: str
    creation_time: str | None = None
    expiration_time: str | None = None
    last_updated_time: str | None = None
    secret_id_ttl: int = 0
    secret_id_num_uses: int = 0
    cidr_list: list[str] | None = None
    metadata: dict[str, Any] | None = None


class KvVersion(Struct):
    """One version of a secret."""

    created_time: str | None = None
    deletion_time: str | None = None
    destroyed: bool = False


class KvMetadata(Struct):
    """The metadata of a KV version 2 secret; that of a folder is empty."""

    created_time: str | None = None
    current_version: int = 0
    versions: dict[str, KvVersion] | None = None
    custom_metadata: dict[str, Any] | None = None


class SealStatus(Struct):
    """The state of the server. This answer needs no token and has no envelope."""

    sealed: bool
    initialized: bool = True
    version: str = ""


class OwnToken(Struct):
    """The token of this scan. ``ttl`` is 0 if it never expires."""

    accessor: str
    ttl: int = 0
    policies: list[str] | None = None


def moment(text: str | None) -> datetime | None:
    """The server's time in UTC; None if it is missing, Go's zero time, or invalid."""
    try:
        when = msgspec.convert(text, datetime, strict=False) if text else None
        if when is None or when.year == 1:
            return None
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        return None


# --- Free-text metadata, reduced to safe values ---

MAX_ENTRIES = 32
_SIMPLE = re.compile(r"[\w .,:@+/-]{1,200}")
_SECRETIVE = re.compile(r"(?i)secret|passw|token|api_?key|private|credential|role_?id")


def simple_strings(metadata: Mapping[str, Any] | None) -> dict[str, str]:
    """The entries with plain text, such as an owner, a team or an e-mail, sorted, without what looks like a secret."""
    kept = {
        key: value
        for key, value in sorted((metadata or {}).items())
        if _is_simple(key)
        and isinstance(value, str)
        and _is_simple(value)
        and not (is_secret_name(key) or _SECRETIVE.search(key))
    }
    return dict(list(kept.items())[:MAX_ENTRIES])


def _is_simple(text: str) -> bool:
    return _SIMPLE.fullmatch(text) is not None and redact(text) == text and text == text.strip()
