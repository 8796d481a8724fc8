"""What connectors discover: identities, credentials, stored secrets, workloads, exposures."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from scanner.model.reach import (
    OF_IDENTITY,
    OF_WORKLOAD,
    PUBLISHED_NAMES,
    TokenSubject,
    Way,
    names_published,
    reach_published,
)
from scanner.model.rights import UNKNOWN_PRIVILEGE, Consequence, Grant, Privilege, Trust
from scanner.model.terms import CredentialKind, Fact, Relation


class Credential(Struct, frozen=True, kw_only=True, gc=False):
    """What an identity authenticates with: its public id and its dates, never its value.

    ``key``: unique over all credentials, see :func:`credential_key`. ``use_tracked_days``: as on Identity.
    ``attributes``: public facts that rules read, such as ``period``.
    """

    key: str
    kind: CredentialKind
    id: str
    enabled: bool | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None
    never_expires: bool = False
    """The provider says that it never expires. ``expires_at`` of None alone means unknown."""
    last_used_at: datetime | None = None
    use_tracked_days: int | None = None
    attributes: Mapping[str, Any] = {}


def credential_key(identity: str, kind: CredentialKind, credential_id: str) -> str:
    """Return the key of a credential, unique over all identities."""
    return f"{identity}#{kind}:{credential_id}"


class Link(Struct, frozen=True, kw_only=True, gc=False):
    """A typed edge from the identity that has it to ``target``, the key of an identity, group or stored secret."""

    relation: Relation
    target: str
    evidence: str


class Signal(Struct, frozen=True, kw_only=True, gc=False):
    """A sign of what an identity is. ``sort``: its origin. Weak signals of two origins together count as strong."""

    says: Literal["human", "machine", "agent"]
    sort: Literal[
        "provider", "credential", "roster", "name", "tag", "path", "description", "permission", "secret", "library"
    ]
    evidence: str
    strength: Literal["strong", "weak", "suggested"] = "strong"


class Identity(Struct, frozen=True, kw_only=True, gc=False):
    """A principal as discovered by one source. ``key``: its full id at the provider, such as an ARN.

    ``scope``: account, subscription, project, cluster or namespace. ``name``: its name at the provider. ``enabled``:
    None counts as enabled. ``managed_by``: why the provider manages it, which makes it exempt. ``use_tracked_days``:
    how many days back the provider records its use; None if it keeps no record, or the record could not be read.
    ``attributes``: further facts, as JSON values. ``observed_at``: when the data was read at the provider, if that was
    before the scan; its use is known up to then.
    """

    key: str
    provider: str
    source: str
    scope: str
    kind: str
    name: str
    display_name: str | None = None
    description: str | None = None
    unique_id: str | None = None
    aliases: tuple[str, ...] = ()
    enabled: bool | None = None
    created_at: datetime | None = None
    created_by: str | None = None
    """Who created it, as the provider's records name them; kept from the first scan that could read it."""
    last_used_at: datetime | None = None
    use_tracked_days: int | None = None
    observed_at: datetime | None = None
    environment: str | None = None
    managed_by: str | None = None
    tags: Mapping[str, str] = {}
    attributes: Mapping[str, Any] = {}
    signals: tuple[Signal, ...] = ()
    privilege: Privilege = UNKNOWN_PRIVILEGE
    consequences: tuple[Consequence, ...] | None = None
    """The high-consequence actions that its own permissions allow; None: the source does not say."""
    credentials: tuple[Credential, ...] = ()
    grants: tuple[Grant, ...] = ()
    links: tuple[Link, ...] = ()
    trusts: tuple[Trust, ...] = ()
    reach: tuple[Way, ...] = ()
    """The identities that its own policies let it become, if the other side allows it."""
    token_subjects: tuple[TokenSubject, ...] = ()
    """Issuers and subjects of the tokens that it can present."""
    runs_in: tuple[str, ...] = ()
    """Of an agent: as on Workload."""
    unread: tuple[Fact, ...] = ()
    """Facts that a gap hides in this scan; their last known values are used."""
    sources: tuple[str, ...] = ()
    """All sources that discovered it; set when their records are merged."""

    @property
    def shown_name(self) -> str:
        """Its name for people, in every text: the display name, else the name at the provider."""
        return self.display_name or self.name

    @property
    def published_attributes(self) -> Mapping[str, Any]:
        """The attributes as reports show them, with ``reach``, ``token_subjects`` and ``runs_in``."""
        if not (self.reach or self.token_subjects or self.runs_in):
            return self.attributes
        typed = names_published(self.token_subjects, self.runs_in)
        return {**self.attributes, **typed, **reach_published(self.reach)}


class StoredSecret(Struct, frozen=True, kw_only=True, gc=False):
    """A secret in a secrets manager: its name and dates, never its value. It is no principal and has no registry axis.

    ``rotated_at``: when its current value was written.
    """

    key: str
    provider: str
    source: str
    scope: str
    name: str
    created_at: datetime | None = None
    rotated_at: datetime | None = None
    last_used_at: datetime | None = None
    expires_at: datetime | None = None
    rotation_enabled: bool | None = None
    tags: Mapping[str, str] = {}
    attributes: Mapping[str, Any] = {}


class Workload(Struct, frozen=True, kw_only=True, gc=False):
    """A function, task, machine or job that runs as an identity. It is no principal itself.

    ``runs_as``: keys of the identities whose permissions it has. ``uses``: keys of the stored secrets that it reads.
    ``signals``: signs of what those identities are.
    """

    key: str
    provider: str
    source: str
    scope: str
    kind: str
    name: str
    runs_as: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    created_at: datetime | None = None
    created_by: str | None = None
    tags: Mapping[str, str] = {}
    attributes: Mapping[str, Any] = {}
    signals: tuple[Signal, ...] = ()
    runs_in: tuple[str, ...] = ()
    """Keys of the clusters it runs in: a takeover of the cluster is a takeover of the workload."""
    signs_tokens_as: tuple[str, ...] = ()
    """Of a cluster: the issuers of the tokens that it gives its workloads, as trust policies name them."""

    @property
    def published_attributes(self) -> Mapping[str, Any]:
        """The attributes as reports show them, with ``runs_in`` and ``signs_tokens_as``."""
        if not (self.runs_in or self.signs_tokens_as):
            return self.attributes
        return {**self.attributes, **names_published((), self.runs_in, self.signs_tokens_as)}


EXPOSURE_KIND = "exposure"
"""The kind of sections that list exposures."""


class Exposure(Struct, frozen=True, kw_only=True, gc=False):
    """A place where a secret scanner found a key, never its value. It is no identity and has no registry axis.

    ``provider``: what the key opens. ``detector``: the scanner's name for such keys. ``key_id``: the key's public id,
    or ``sha1:`` or ``sha256:`` and a hash; ``holder``: the ARN, e-mail or unique id that the report gives for its
    identity; None for what the report does not give. ``committer``: who committed it, a candidate for an owner.
    ``verified``: whether the scanner signed in with the key; ``public``: whether anyone can read the place.

    ``identity`` and ``credential`` are the keys of what it was matched with, set when a scan is judged.
    """

    key: str
    provider: str
    source: str
    scope: str
    detector: str
    key_id: str | None = None
    holder: str | None = None
    repository: str | None = None
    file: str | None = None
    line: int | None = None
    commit: str | None = None
    committer: str | None = None
    exposed_at: datetime | None = None
    verified: bool | None = None
    public: bool | None = None
    link: str | None = None
    identity: str | None = None
    credential: str | None = None

    @property
    def place(self) -> str:
        """Where it is, such as ``acme/shop config/prod.env:12``."""
        file = self.file if self.line is None else f"{self.file or ''}:{self.line}"
        return " ".join(part for part in (self.repository, file) if part) or self.link or "an unknown place"


_Typed = TypeVar("_Typed", bound=Identity | Workload)


def with_typed(record: _Typed) -> _Typed:
    """Return the record with its reach, token subjects, clusters and issuers moved from attributes to typed fields.

    Lists, connectors of other packages and stores of earlier versions have them there. Raises ValueError if an
    attribute has another shape, because an attack path must not be lost silently.
    """
    attributes = record.attributes
    if not attributes or PUBLISHED_NAMES.isdisjoint(attributes):
        return record
    typed: dict[str, tuple[Any, ...]] = {}
    rest = dict(attributes)
    readers = OF_IDENTITY if isinstance(record, Identity) else OF_WORKLOAD
    for field, (names, read) in readers.items():
        if not names.isdisjoint(rest):
            typed[field] = tuple(dict.fromkeys((*getattr(record, field), *read(attributes))))
            rest = {name: value for name, value in rest.items() if name not in names}
    return replace(record, attributes=rest, **typed) if typed else record


def with_uncertain(record: _Typed) -> _Typed:
    """Like :func:`with_typed`, but an attribute of another shape stays, and the permissions count as unread."""
    try:
        return with_typed(record)
    except ValueError:
        if isinstance(record, Workload) or "permissions" in record.unread:
            return record
        return replace(record, unread=(*record.unread, "permissions"))
