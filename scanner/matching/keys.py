"""How texts are compared: as the provider itself compares them, and never by how they look."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import TypeAlias

from scanner.catalog import known_providers
from scanner.model import Entry, Identity
from scanner.model.providers import Provider, Providers

Place: TypeAlias = tuple[str | None, str | None]
"""Provider and scope, as they are compared; None: any."""

# The Greek question mark, the oxia and the Kelvin sign: the only characters that NFC turns into ASCII ones.
BECOME_ASCII = frozenset("\u037e\u1fef\u212a")
_EMAIL = re.compile(r"[^@\s/:]+@[^@\s/:]+")
# Ids that no one is named by, with any provider: GUIDs, long hexadecimal and decimal numbers.
_OPAQUE = r"(?i:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32,}|[0-9]{15,})"
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*(?=://)", re.IGNORECASE | re.ASCII)
_QUALIFIED = re.compile(r"[@:/]")
_UNKNOWN = Provider()


class Known:
    """Providers, ready to be asked: their names by all that people call them, their forms as compiled patterns.

    A name of a provider is never another's nickname, and of two that claim one nickname the first has it.
    """

    def __init__(self, providers: Providers) -> None:
        self.providers = providers
        self.names: dict[str, str] = {}
        for name, provider in providers.items():
            for also in provider.also:
                self.names.setdefault(also, name)
        self.names |= {name: name for name in providers}
        self.forms = tuple(
            (name, re.compile(form, re.IGNORECASE | re.ASCII | re.DOTALL))
            for name, provider in providers.items()
            for form in provider.forms
        )
        self.places = tuple(
            (name, re.compile(place, re.ASCII | re.DOTALL))
            for name, provider in providers.items()
            for place in provider.places
        )
        self.opaque = re.compile(_OPAQUE, re.ASCII)
        never = (f"(?:{pattern})" for provider in providers.values() for pattern in provider.never_names)
        self.never_names = re.compile("|".join((_OPAQUE, *never)), re.ASCII | re.DOTALL)
        self.opaque_ids = frozenset(name for name, provider in providers.items() if provider.opaque_ids)


@cache
def known() -> Known:
    """The providers that the installed connectors know of, read once, when something is first compared."""
    return Known(known_providers())


def forget() -> None:
    """What was read of providers is read anew: for whoever installs a connector in a running process, as tests do."""
    for remembered in (known, provider_key, scope_key):
        remembered.cache_clear()


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
    return "://" not in text and known().never_names.fullmatch(text) is None


def is_opaque(text: str) -> bool:
    """Whether it is an id whose form tells no provider: a GUID, a long number."""
    return known().opaque.fullmatch(text) is not None and issuer_of(text) is None


def issuer_of(text: str) -> str | None:
    """The provider whose id a text is by its form: an ARN, ``AROA…``, a service account's e-mail, ``vault://…``."""
    if scheme := _SCHEME.match(text):
        provider = provider_key(scheme[0])
        return provider if provider in known().providers else None
    return next((provider for provider, form in known().forms if form.fullmatch(text)), None)


def place_in(text: str) -> tuple[str, re.Match[str]] | None:
    """The provider whose id or pattern shows where it lives, with the groups ``scope``, ``kind`` and ``credential``."""
    for provider, place in known().places:
        if found := place.fullmatch(text):
            return provider, found
    return None


def issues_opaque_ids(provider: str | None) -> bool:
    """Whether others hold its GUIDs and numbers as claims: a Vault alias is an Entra object id, too."""
    return provider in known().opaque_ids


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
    return known().names.get(name, name) or None


def habits(provider: str) -> Provider:
    """How this provider compares; one that we do not know compares exactly."""
    return known().providers.get(provider_key(provider) or "", _UNKNOWN)


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

    An id that shows its provider says whose number an entry's scope is, which a spreadsheet may have shortened.
    """
    counts_as = subject.provider
    if counts_as is None and subject.scope and isinstance(subject, Entry):
        shown = (place_in(text.strip()) for text in subject.identities)
        counts_as = next((found[0] for found in shown if found is not None), None)
    return provider_key(subject.provider), scope_key(counts_as, subject.scope)
