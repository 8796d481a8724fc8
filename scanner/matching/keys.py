"""Compares texts as the provider compares them, never by how they look."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import TypeAlias

from scanner.catalog import known_providers
from scanner.model import Entry, Identity
from scanner.model.providers import Provider, Providers

ProviderScope: TypeAlias = tuple[str | None, str | None]
"""Provider and scope, normalised; None: any."""

# The Greek question mark, the oxia and the Kelvin sign: the only characters that NFC turns into ASCII ones.
BECOME_ASCII = frozenset("\u037e\u1fef\u212a")
_EMAIL = re.compile(r"[^@\s/:]+@[^@\s/:]+")
# Ids that are not names, at any provider: GUIDs, long hexadecimal and decimal numbers.
_OPAQUE = r"(?i:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32,}|[0-9]{15,})"
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*(?=://)", re.IGNORECASE | re.ASCII)
_URL = re.compile(
    r"(?P<scheme>https|spiffe)://(?P<host>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)(?P<port>:[0-9]{1,5})?(?P<path>(?:[/?][^\s#]*)?)",
    re.IGNORECASE | re.ASCII,
)
_QUALIFIED = re.compile(r"[@:/]")
_UNKNOWN = Provider()


class Known:
    """The known providers: names by synonym, and formats of ids as compiled patterns.

    A provider's name is never a synonym of another; of two providers with the same synonym, the first has it.
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
        self.spelled = tuple(
            re.compile(pattern, re.ASCII | re.DOTALL) for provider in providers.values() for pattern in provider.spelled
        )
        self.opaque = re.compile(_OPAQUE, re.ASCII)
        never = (f"(?:{pattern})" for provider in providers.values() for pattern in provider.never_names)
        self.never_names = re.compile("|".join((_OPAQUE, *never)), re.ASCII | re.DOTALL)
        self.opaque_ids = frozenset(name for name, provider in providers.items() if provider.opaque_ids)


@cache
def known() -> Known:
    """Return the providers of the installed connectors, read once, on the first comparison."""
    return Known(known_providers())


def forget() -> None:
    """Read the providers again, after a connector was installed in a running process, as in tests."""
    for remembered in (known, provider_key, scope_key):
        remembered.cache_clear()


def fold(text: str) -> str:
    """Return the text with case folded and accents in one form.

    No other character ever becomes ASCII: Cyrillic and fullwidth letters, ligatures, the Kelvin sign and zero-width
    characters stay, so that a look-alike never equals what it imitates.
    """
    if text.isascii():
        return text.lower()
    if not BECOME_ASCII.isdisjoint(text):
        return text
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())


@lru_cache(maxsize=10_000)  # an estate has few tag keys, each on a million identities
def tag_name(key: str) -> str:
    """Return a tag's key for look-ups: ``example.com/Owner-Email`` and ``app:owner_email`` are both ``owneremail``."""
    return "".join(char for char in fold(key.replace("/", ":").rpartition(":")[2]) if char.isalnum())


def is_bare(text: str) -> bool:
    """Return whether a text is a name, not an id: a user can be named ``arn:aws:iam::…`` or ``AKIA…``."""
    return "://" not in text and known().never_names.fullmatch(text) is None


def is_opaque(text: str) -> bool:
    """Return whether a text is an id whose format shows no provider: a GUID, a long number."""
    return known().opaque.fullmatch(text) is not None and issuer_of(text) is None


def issuer_of(text: str) -> str | None:
    """Return the provider whose id a text is, by its format: an ARN, ``AROA…``, ``vault://…``."""
    if scheme := _SCHEME.match(text):
        provider = provider_key(scheme[0])
        return provider if provider in known().providers else None
    return next((provider for provider, form in known().forms if form.fullmatch(text)), None)


def place_in(text: str) -> tuple[str, re.Match[str]] | None:
    """Return the provider whose id shows its place, and the match: groups ``scope``, ``kind``, ``credential``."""
    for provider, place in known().places:
        if found := place.fullmatch(text):
            return provider, found
    return None


def issues_opaque_ids(provider: str | None) -> bool:
    """Return whether others have its GUIDs and numbers as claims: the alias in Vault can be an Entra object id."""
    return provider in known().opaque_ids


def is_foreign(text: str, provider: str | None) -> bool:
    """Return whether a text is another provider's id. ``provider``: as returned by ``provider_key``."""
    return issuer_of(text) not in (None, provider)


def is_qualified(text: str) -> bool:
    """Return whether a text can also be another identity's id: an e-mail, ``namespace:name``, ``app/7``."""
    return _QUALIFIED.search(text) is not None


def is_email(text: str) -> bool:
    """Return whether a text looks like an e-mail address, which ignores case at every provider."""
    return "@" in text and _EMAIL.fullmatch(text) is not None


def url_id(text: str) -> str | None:
    """Return an id that is a URL as URLs are compared; None for any other text.

    These are the address of a client-id metadata document (``https``) and SPIFFE ids. Scheme and host ignore case, the
    path does not. One with a user, a fragment or a host that is not ASCII is no id; neither is one without a host.
    """
    found = _URL.fullmatch(text)
    if found is None:
        return None
    scheme, host, port, path = found["scheme"].lower(), found["host"].lower(), found["port"], found["path"]
    if scheme == "spiffe":
        return f"spiffe://{host}{path}" if port is None and path and not set("?%") & set(path) else None
    return f"https://{host}{'' if port in (None, ':443') else port}{path or '/'}"


@cache
def provider_key(text: str | None) -> str | None:
    """Return the normalised name of a provider, with its synonyms; None for none."""
    name = fold((text or "").strip())
    return known().names.get(name, name) or None


def habits(provider: str) -> Provider:
    """Return how this provider compares ids; an unknown one compares exactly."""
    return known().providers.get(provider_key(provider) or "", _UNKNOWN)


def as_compared(text: str, provider: str) -> str:
    """Return a key, unique id or alias as this provider compares it: two equal results are the same id."""
    return fold(text) if habits(provider).ids == "any_case" else text


@cache
def scope_key(provider: str | None, scope: str | None) -> str | None:
    """Return a normalised scope, with the leading zeros that a spreadsheet removed from an account number."""
    text = fold((scope or "").strip())
    digits = habits(provider).scope_digits if provider else 0
    return (text.zfill(digits) if text.isdecimal() else text) or None


def place_of(subject: Identity | Entry) -> ProviderScope:
    """Return the normalised provider and scope of an identity, or of an entry.

    An id that shows its provider also shows whose number an entry's scope is, which a spreadsheet may have shortened.
    """
    counts_as = subject.provider
    if counts_as is None and subject.scope and isinstance(subject, Entry):
        shown = (place_in(text.strip()) for text in subject.identities)
        counts_as = next((found[0] for found in shown if found is not None), None)
    return provider_key(subject.provider), scope_key(counts_as, subject.scope)
