"""Reports of leaked secrets, without the secrets.

A field that holds a secret is decoded as :class:`PublicIds`: while its text is parsed, the public ids in it are taken
out, and the text is dropped. Other fields that could hold a secret are not decoded.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from connectors.core.contract import Malformed, own_words
from scanner.model import Exposure

_AWS_KEY = re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])")
"""Long-lived access keys and bearer tokens (IAM User Guide, "Unique identifiers"). ASIA… is of a session."""
_GCP_KEY = re.compile(r'(?:private_)?key_id\\?"\s*:\s*\\?"([0-9a-f]{40})\\?"')
_GCP_ACCOUNT = re.compile(r'client_email\\?"\s*:\s*\\?"([^"\\\s@]{1,100}@[a-z0-9.-]{1,200}\.gserviceaccount\.com)\\?"')
_GITHUB_TOKEN = re.compile(r"(?<![A-Za-z0-9_])(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{36,255})")
_REDACTED = re.compile(r"REDACTED|\*{3}|\u2022{3}|^$")
_MASKED_URL = re.compile(r"(?<=://)[^/@\s]*@")
_ID = re.compile(r"[\w.:@/+-]{1,200}", re.ASCII)
_MAIL = re.compile(r"<([^<>\s]+@[^<>\s]+)>")

AWS, GCP, GITHUB, UNKNOWN = "aws", "gcp", "github", "unknown"

_PROVIDERS = (
    (AWS, re.compile(r"aws|amazon", re.IGNORECASE)),
    (GCP, re.compile(r"gcp|google", re.IGNORECASE)),
    (GITHUB, re.compile(r"github", re.IGNORECASE)),
    ("azure", re.compile(r"azure|entra|microsoft", re.IGNORECASE)),
    ("openai", re.compile(r"openai", re.IGNORECASE)),
    ("anthropic", re.compile(r"anthropic", re.IGNORECASE)),
    ("vault", re.compile(r"vault|hashicorp", re.IGNORECASE)),
    ("kubernetes", re.compile(r"kubernetes|kubeconfig", re.IGNORECASE)),
)
"""The provider of a key, by the scanner's name for the type of key; the first match counts."""
NAMELESS = "without a public id, of no known provider"
MATCHED = frozenset((AWS, GCP))
"""Providers whose keys contain a public id."""


class PublicIds:
    """The public ids in a text with a secret. ``redacted``: the scanner masked the text."""

    __slots__ = ("holder", "key_id", "provider", "redacted")

    def __init__(self, text: str) -> None:
        self.provider, self.key_id, self.holder = UNKNOWN, None, None
        self.redacted = _REDACTED.search(text) is not None
        if found := _AWS_KEY.search(text):
            self.provider, self.key_id = AWS, found[0]
        elif (key := _GCP_KEY.search(text)) is not None:
            account = _GCP_ACCOUNT.search(text)
            self.provider, self.key_id, self.holder = GCP, key[1], account[1] if account else None
        elif token := _GITHUB_TOKEN.search(text):
            digest = hashlib.sha256(token[0].encode()).digest()
            self.provider, self.key_id = GITHUB, f"sha256:{base64.b64encode(digest).decode()}"

    key_id: str | None
    holder: str | None


Ids: TypeAlias = PublicIds | None
T = TypeVar("T")


def _taken(kind: type, value: Any) -> Any:
    """Called by msgspec for each field of the type PublicIds."""
    if kind is not PublicIds:
        raise NotImplementedError  # msgspec's protocol for an unsupported type
    return PublicIds(value if isinstance(value, str) else "")


def decoder(kind: type[T]) -> Callable[[bytes | msgspec.Raw], T]:
    """Return the decoder of a report's rows. It raises Malformed without quoting the row."""
    made = msgspec.json.Decoder(kind, dec_hook=_taken)

    def decode(row: bytes | msgspec.Raw) -> T:
        try:
            return made.decode(row)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise Malformed(own_words(error)) from None

    return decode


class Leak(Struct, frozen=True, kw_only=True):
    """One row of a report: where a scanner found a key. ``ids``: those in the fields with secrets, the best first."""

    detector: str
    ids: tuple[Ids, ...] = ()
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

    @property
    def provider(self) -> str:
        """The provider of the key; ``unknown`` if neither its form nor the scanner tells."""
        by_form = (one.provider for one in self.ids if one is not None and one.provider != UNKNOWN)
        by_name = (provider for provider, pattern in _PROVIDERS if pattern.search(self.detector))
        return next(by_form, None) or next(by_name, UNKNOWN)

    @property
    def is_redacted(self) -> bool:
        """Whether the scanner masked a public id that would identify the key."""
        there = [one for one in self.ids if one is not None]
        masked = not there or any(one.redacted for one in there)
        return masked and self.provider in MATCHED and not (self.known_id or self.known_holder)

    @property
    def is_kept(self) -> bool:
        """Whether the provider of the key is known; other leaks are only counted."""
        return self.provider != UNKNOWN or self.known_id is not None or self.known_holder is not None

    @property
    def known_id(self) -> str | None:
        """The key's public id."""
        return self.key_id or next((one.key_id for one in self.ids if one is not None and one.key_id), None)

    @property
    def known_holder(self) -> str | None:
        """The identity of the key, according to the report."""
        return self.holder or next((one.holder for one in self.ids if one is not None and one.holder), None)


def exposure_of(leak: Leak, source: str, scope: str) -> Exposure:
    """Return the leak as a record. Its key consists of place and key id, and is the same in every scan."""
    repository = None if leak.repository is None else shown_url(leak.repository)
    key = leak.known_id or leak.known_holder or f"{leak.detector} {leak.link or ''}"
    parts = (source, leak.provider, key, repository, leak.file, leak.line, leak.commit)
    digest = hashlib.sha256("\0".join(map(str, parts)).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return Exposure(
        key=f"exposure:{source}:{digest}",
        provider=leak.provider,
        source=source,
        scope=scope,
        detector=leak.detector,
        key_id=leak.known_id,
        holder=leak.known_holder,
        repository=repository,
        file=leak.file,
        line=leak.line,
        commit=leak.commit,
        committer=None if leak.committer is None else _mail_of(leak.committer),
        exposed_at=leak.exposed_at,
        verified=leak.verified,
        public=leak.public,
        link=None if leak.link is None else shown_url(leak.link),
    )


def shown_url(url: str) -> str:
    """The address without the user and password in it."""
    return _MASKED_URL.sub("", url)


def _mail_of(person: str) -> str:
    """The e-mail of ``Ada Lovelace <ada@example.com>``; other texts as they are."""
    found = _MAIL.search(person)
    return found[1] if found else person


def moment_of(text: str | None) -> datetime | None:
    """Return the time of a commit or an alert, in UTC; None if invalid. A time without a zone is UTC."""
    if not text:
        return None
    for read in (datetime.fromisoformat, lambda each: datetime.strptime(each, "%Y-%m-%d %H:%M:%S %z")):
        with suppress(ValueError, OverflowError):
            moment = read(text)
            return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC)
    return None


# --- Alerts of GitHub's secret scanning: REST API, "List secret scanning alerts" ---

_VALIDITY: Mapping[str, bool] = {"active": True, "inactive": False}
_NO_LEAKS = frozenset(("false_positive", "used_in_tests", "pattern_deleted", "pattern_edited"))


class _Location(Struct, frozen=True):
    path: str | None = None
    start_line: int | None = None
    commit_sha: str | None = None


class _AlertsRepository(Struct, frozen=True):
    full_name: str | None = None
    private: bool | None = None


class Alert(Struct, frozen=True, kw_only=True):
    """An alert, without its secret, as the API gives it with ``hide_secret``."""

    secret_type: str
    number: int | None = None
    state: str | None = None
    resolution: str | None = None
    validity: str | None = None
    publicly_leaked: bool | None = None
    html_url: str | None = None
    created_at: str | None = None
    repository: _AlertsRepository | None = None
    first_location_detected: _Location | None = None

    @property
    def is_leak(self) -> bool:
        """Whether it is a leak: not closed as a false positive."""
        return self.resolution not in _NO_LEAKS

    @property
    def place(self) -> tuple[str, int]:
        """Its repository and number, which are unique."""
        named = (self.repository and self.repository.full_name) or repository_in(self.html_url)
        return named or "", self.number or 0


class ExportedAlert(Alert, frozen=True, kw_only=True):
    """An alert in a file that people exported, with the public ids of its secret."""

    secret: Ids = None


class _Learnt(Struct, frozen=True):
    key: str
    value: str


class DescribedAlert(Struct, frozen=True, kw_only=True):
    """Ids of an alert's key that GitHub received from the provider of the key (extended metadata)."""

    metadata: tuple[_Learnt, ...] | None = None

    @property
    def ids(self) -> Mapping[str, str]:
        """The ids of the key, ``secret_id``, and of who holds it, ``owner_id``."""
        learnt = {one.key.replace("-", "_"): one.value for one in self.metadata or ()}
        return {name: learnt[name] for name in ("secret_id", "owner_id") if _ID.fullmatch(learnt.get(name, ""))}


def leak_of_alert(alert: Alert, ids: Mapping[str, str] = {}) -> Leak:
    """Return the alert's leak. In a public repository, or ``publicly_leaked``, anyone can read it.

    ``ids``: see :class:`DescribedAlert`.
    """
    where, repository = alert.first_location_detected or _Location(), alert.repository or _AlertsRepository()
    is_public = repository.private is False or alert.publicly_leaked is True
    named = repository.full_name or repository_in(alert.html_url)
    return Leak(
        detector=alert.secret_type,
        ids=(alert.secret,) if isinstance(alert, ExportedAlert) else (),
        key_id=ids.get("secret_id"),
        holder=ids.get("owner_id"),
        repository=named,
        file=where.path,
        line=where.start_line,
        commit=where.commit_sha,
        exposed_at=moment_of(alert.created_at),
        verified=_VALIDITY.get(alert.validity or ""),
        public=is_public or (None if repository.private is None else False),
        link=alert.html_url,
    )


def repository_in(url: str | None) -> str | None:
    """``acme/shop`` of the address of an alert or a file there."""
    found = re.search(r"://[^/]+/([^/\s]+/[^/\s]+)/", url or "")
    return found[1] if found else None
