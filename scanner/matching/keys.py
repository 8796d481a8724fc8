"""How texts are compared: as the provider itself compares them, and never by how they look."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from importlib.resources import files
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from scanner.model import Entry, Identity

Comparison: TypeAlias = Literal["exact", "any_case"]
Place: TypeAlias = tuple[str | None, str | None]
"""Provider and scope, as they are compared; None: any."""

# The Greek question mark, the oxia and the Kelvin sign: the only characters that NFC turns into ASCII ones.
BECOME_ASCII = frozenset("\u037e\u1fef\u212a")
_EMAIL = re.compile(r"[^@\s/:]+@[^@\s/:]+")
_AWS_ID = r"A(?:BIA|CCA|GPA|IDA|IPA|KIA|NPA|NVA|PKA|ROA|SCA|SIA)[A-Z0-9]{12,}"
# Ids that no one is named by: those of AWS's users, roles and keys, GUIDs, long hexadecimal and decimal numbers.
_ID = re.compile(
    rf"{_AWS_ID}|[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}|[0-9a-f]{{32,}}|[0-9]{{15,}}",
    re.IGNORECASE | re.ASCII,
)
# Ids that tell by their form whose they are.
_FORMS = {
    provider: re.compile(form, re.IGNORECASE | re.ASCII | re.DOTALL)
    for provider, form in {
        "aws": rf"arn:aws[a-z-]*:.*|{_AWS_ID}",
        "gcp": r"[^@\s/:]+@[a-z0-9.-]+\.gserviceaccount\.com",
        "azure": r"/subscriptions/[0-9a-f-]{36}(?:/.*)?",
        "vault": r"auth/.+/(?:roles?|users?|certs|groups)/[^/]+",
    }.items()
}
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*(?=://)", re.IGNORECASE | re.ASCII)
_ARN = re.compile(r"\s*arn:")
_QUALIFIED = re.compile(r"[@:/]")


class Provider(Struct, frozen=True, forbid_unknown_fields=True):
    """One provider's habits; the file providers.toml explains the fields."""

    also: tuple[str, ...] = ()
    ids: Comparison = "exact"
    names: Comparison = "exact"
    scope_digits: int = 0


def _read_providers() -> dict[str, Provider]:
    table = files("scanner.matching").joinpath("providers.toml").read_bytes()
    return msgspec.toml.decode(table, type=dict[str, Provider])


PROVIDERS = _read_providers()
_NAMES = {also: name for name, provider in PROVIDERS.items() for also in provider.also}
_UNLISTED = Provider()


def fold(text: str) -> str:
    """The text with upper and lower case made equal, and with the two ways to write an accented letter made one.

    Nothing outside ASCII ever becomes ASCII: Cyrillic and fullwidth letters, ligatures, the Kelvin sign and
    zero-width characters stay what they are, so that a look-alike is never equal to what it imitates.
    """
    if text.isascii():
        return text.lower()
    if not BECOME_ASCII.isdisjoint(text):
        return text
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())


@lru_cache(maxsize=10_000)  # of an estate's few tag keys, each a million times
def tag_name(key: str) -> str:
    """A tag's key as it is looked up: ``example.com/Owner-Email`` and ``app:owner_email`` are both ``owneremail``."""
    return "".join(char for char in fold(key.replace("/", ":").rpartition(":")[2]) if char.isalnum())


def is_bare(text: str) -> bool:
    """Whether it is a name rather than an id: somebody may well call a user ``arn:aws:iam::…`` or ``AKIA…``."""
    return not text.startswith("arn:") and "://" not in text and _ID.fullmatch(text) is None


def is_opaque(text: str) -> bool:
    """Whether it is an id whose form tells no provider: a GUID, a long number."""
    return _ID.fullmatch(text) is not None and issuer_of(text) is None


def issuer_of(text: str) -> str | None:
    """The provider whose id a text is by its form: an ARN, ``AROA…``, a service account's e-mail, ``vault://…``."""
    if scheme := _SCHEME.match(text):
        provider = provider_key(scheme[0])
        return provider if provider in PROVIDERS else None
    return next((provider for provider, form in _FORMS.items() if form.fullmatch(text)), None)


def is_foreign(text: str, provider: str | None) -> bool:
    """Whether it is another provider's id, whoever claims it. ``provider``: as ``provider_key`` gives it."""
    return issuer_of(text) not in (None, provider)


def is_qualified(text: str) -> bool:
    """Whether it may as well be somebody's id: an e-mail, ``namespace:name``, ``app/7``."""
    return _QUALIFIED.search(text) is not None


def is_email(text: str) -> bool:
    """Whether it has the shape of an e-mail address, which is equal but for case everywhere."""
    return "@" in text and _EMAIL.fullmatch(text) is not None


@cache
def provider_key(text: str | None) -> str | None:
    """A provider under one name, whatever people call it; None for none."""
    name = fold((text or "").strip())
    return _NAMES.get(name, name) or None


def habits(provider: str) -> Provider:
    """How this provider compares; one that we do not know compares exactly."""
    return PROVIDERS.get(provider_key(provider) or "", _UNLISTED)


def as_compared(text: str, provider: str) -> str:
    """A key, unique id or alias as this provider compares it: two that come out equal are one."""
    return fold(text) if habits(provider).ids == "any_case" else text


@cache
def scope_key(provider: str | None, scope: str | None) -> str | None:
    """A scope as it is compared, with the leading zeros that a spreadsheet took from an account number."""
    text = fold((scope or "").strip())
    digits = habits(provider).scope_digits if provider else 0
    return (text.zfill(digits) if text.isdecimal() else text) or None


def place_of(subject: Identity | Entry) -> Place:
    """Provider and scope of an identity, or those that an entry names, as they are compared.

    An ARN tells whose account numbers an entry's scope is one of, which a spreadsheet may have shortened.
    """
    counts_as = subject.provider
    if isinstance(subject, Entry) and counts_as is None and any(map(_ARN.match, subject.identities)):
        counts_as = "aws"
    return provider_key(subject.provider), scope_key(counts_as, subject.scope)
