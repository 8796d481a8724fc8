"""The credentials that were found against those that the registry lists: ids, kinds, and how old they may get."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from importlib.resources import files

import msgspec
from msgspec import Struct

from scanner.matching.keys import fold
from scanner.model import Credential, CredentialKind, Drift, Entry, Identity

_NOT_ALNUM = re.compile(r"[\W_]+")


class _Words(Struct, frozen=True, forbid_unknown_fields=True):
    """The file credentials.toml explains the field."""

    kinds: Mapping[CredentialKind, tuple[str, ...]]


def _read_kinds() -> dict[str, frozenset[CredentialKind]]:
    table = msgspec.toml.decode(files("scanner.drift").joinpath("credentials.toml").read_bytes(), type=_Words)
    meant: dict[str, frozenset[CredentialKind]] = {"mfa": frozenset()}  # guards a credential and is none
    for kind, listed in table.kinds.items():
        for words in listed:
            word = _as_word(words)
            meant[word] = meant.get(word, frozenset()) | {kind}
    return meant


_HAS_NO_ID: frozenset[CredentialKind] = frozenset({"password", "federation"})
_ACCESS_KEY = re.compile(r"AKIA[A-Z0-9]{4,}")
_ID = re.compile(
    r"A(?:KI|CC|PK|SC)A[A-Z0-9]{4,}"  # AWS: access keys, service-specific credentials, public keys, certificates
    r"|(?i:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"  # UUIDs: Azure's key ids, Vault's accessors
    r"|(?i:(?:[0-9a-f]{2}:){7,}[0-9a-f]{2})|SHA256:\S+"  # serial numbers and fingerprints
    r"|(?=[A-Za-z]*\d)[A-Za-z0-9]{20,}"  # Google's key ids, token accessors
)
_WORD = re.compile(r"[^\s,;()]+")
_BETWEEN_KINDS = re.compile(r"[,;/+&()\n]|\b(?:and|or)\b", re.IGNORECASE)


class _Said(Struct, frozen=True):
    """What a credentials cell says. ``understood``: every text in it is a kind or holds an id."""

    ids: frozenset[str]
    kinds: frozenset[CredentialKind]
    understood: bool


def undeclared_credentials(identity: Identity, entry: Entry, now: datetime) -> Iterator[Drift]:
    """Live credentials of which the entry lists neither id nor kind.

    An id counts wherever the entry has it, among its identities too. Where ids of a kind are listed, others of that
    kind are undeclared even if the kind is named; kinds that are not listed are undeclared only where everything in
    the cell is understood: who knows what ``see wiki`` allows.
    """
    said = _said(entry.credentials)
    named = set(map(_as_compared, (*said.ids, *entry.credentials, *entry.identities)))
    listed = [one for one in identity.credentials if _as_compared(one.id) in named and one.kind not in _HAS_NO_ID]
    by_id: set[CredentialKind] = {one.kind for one in listed}
    if any(map(_ACCESS_KEY.fullmatch, (*said.ids, *entry.identities))):
        by_id.add("access_key")
    exhaustive = bool(entry.credentials) and said.understood
    for one in _live(identity.credentials, now):
        unknown = one.kind in by_id or (exhaustive and one.kind not in said.kinds)
        if unknown and _as_compared(one.id) not in named:
            other_kind = bool(said.kinds) and one.kind not in said.kinds | by_id
            yield Drift(
                aspect="credential_kind" if other_kind else "credential_id",
                declared="; ".join(entry.credentials or entry.identities),
                found=_described(one),
                credential=one.key,
            )


def overaged_credentials(identity: Identity, entry: Entry, now: datetime) -> Iterator[Drift]:
    """Live credentials that were made longer ago than the entry allows; federation holds nothing that could age."""
    days = entry.max_credential_age
    if days is None:
        return
    for one in _live(identity.credentials, now):
        if one.kind != "federation" and one.created_at is not None and (now - one.created_at) / timedelta(1) > days:
            declared = f"at most {days} days old"
            yield Drift(aspect="credential_age", declared=declared, found=_described(one), credential=one.key)


def _live(credentials: Sequence[Credential], now: datetime) -> Iterator[Credential]:
    """Those that still open something: not disabled and not expired; unknown counts as live."""
    for one in credentials:
        if one.enabled is not False and (one.expires_at is None or one.expires_at > now):
            yield one


def _described(credential: Credential) -> str:
    made = f", created {credential.created_at:%Y-%m-%d}" if credential.created_at else ""
    return f"{credential.kind.replace('_', ' ')} {credential.id}{made}"


def _as_compared(credential_id: str) -> str:
    return fold(credential_id.strip())


@lru_cache(maxsize=1024)
def _said(credentials: tuple[str, ...]) -> _Said:
    ids: set[str] = set()
    kinds: set[CredentialKind] = set()
    understood = True
    for text in credentials:
        own = set(filter(_ID.fullmatch, _WORD.findall(text)))
        ids |= own
        for words in _parts(text, own):
            meant = _KINDS.get(words, _KINDS.get(words.removesuffix("s")))
            kinds.update(meant or ())
            understood &= meant is not None or bool(own)
    return _Said(frozenset(ids), frozenset(kinds), understood)


def _parts(text: str, ids: set[str]) -> Iterator[str]:
    """What it says besides ids, one kind at a time, as kinds are looked up."""
    rest = _WORD.sub(lambda word: "," if word[0] in ids else word[0], text)
    parts = [rest] if _as_word(rest) in _KINDS else _BETWEEN_KINDS.split(rest)
    return filter(None, map(_as_word, parts))


def _as_word(text: str) -> str:
    """Without case, blanks and punctuation."""
    return _NOT_ALNUM.sub("", fold(text))


_KINDS = _read_kinds()
