"""Entries for look-up by text and place, with their effective status."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Literal, TypeAlias, get_args

from msgspec import Struct

from scanner.matching.keys import ProviderScope, fold, place_of, tag_name
from scanner.model import Entry, Identity

EffectiveStatus: TypeAlias = Literal["live", "unknown", "expired", "suspended", "proposed", "retired"]
_ORDER: tuple[EffectiveStatus, ...] = get_args(EffectiveStatus)


def is_expired(entry: Entry, today: date) -> bool:
    """Return whether the entry's last day has passed."""
    return entry.expires is not None and entry.expires < today


def effective_status(entry: Entry, today: date) -> EffectiveStatus:
    """Return whether the entry is live, else why not; ``unknown`` if the cell that says so cannot be read."""
    if entry.status != "active":
        return entry.status
    if entry.unknown_end is not None:
        return "unknown"
    return "expired" if is_expired(entry, today) else "live"


class Declared(Struct, frozen=True, kw_only=True, eq=False):
    """An entry with its effective status. Its text is its origin, with the status unless it is live."""

    entry: Entry
    status: EffectiveStatus

    def __str__(self) -> str:
        if self.status == "live":
            return str(self.entry.origin)
        if self.status == "unknown":
            why = f"{self.entry.unknown_end} unknown"
        else:
            why = f"expired {self.entry.expires}" if self.status == "expired" else self.status
        return f"{self.entry.origin} ({why})"

    @property
    def may_be_live(self) -> bool:
        """Whether it is live, as far as its cells can be read."""
        return self.status in ("live", "unknown")

    @property
    def rank(self) -> tuple[int, str]:
        """The sort key of entries, live ones first."""
        return _ORDER.index(self.status), self.entry.id


MOST_ALIKE = 20
"""The most entries with one text and place that an identity is compared with: a row may be repeated a million times."""


class Index:
    """Entries by text and place, so that a name declared in thousands of scopes is looked up at once."""

    def __init__(self) -> None:
        self._by_text: dict[str, dict[ProviderScope, list[Declared]]] = {}
        self._first: dict[tuple[str, ProviderScope], list[Declared]] = {}

    def add(self, text: str, declared: Declared) -> None:
        """Add an entry under this text, for the provider and scope that it names."""
        by_place = self._by_text.setdefault(text, {})
        by_place.setdefault(place_of(declared.entry), []).append(declared)

    def at(self, text: str, place: ProviderScope) -> Sequence[Declared]:
        """Return the entries with this text for this place, or for any provider or scope; of very many, the first."""
        by_place = self._by_text.get(text)
        if by_place is None:
            return ()
        provider, scope = place
        wider = dict.fromkeys((place, (provider, None), (None, scope), (None, None)))
        return [
            declared
            for asked in wider
            if (found := by_place.get(asked)) is not None
            for declared in (found if len(found) <= MOST_ALIKE else self._best(text, asked, found))
        ]

    def _best(self, text: str, place: ProviderScope, found: list[Declared]) -> list[Declared]:
        """Return the first by rank: live ones."""
        if (text, place) not in self._first:
            found.sort(key=lambda declared: declared.rank)
            self._first[text, place] = found[:MOST_ALIKE]
        return self._first[text, place]

    def crowds(self) -> Iterator[tuple[Declared, Sequence[Declared]]]:
        """Yield the first of very many entries with one text and place, and those with which nothing is compared."""
        for text, by_place in self._by_text.items():
            for place, found in by_place.items():
                if len(found) > MOST_ALIKE:
                    yield self._best(text, place, found)[0], found[MOST_ALIKE:]

    def everywhere(self, text: str) -> Sequence[Declared]:
        """Return the entries with this text for any place."""
        return [declared for found in self._by_text.get(text, {}).values() for declared in found]

    @property
    def texts(self) -> list[str]:
        """All texts, sorted."""
        return sorted(self._by_text)


# --- Environments as people write them: ``Production (EU)`` and ``prod-eu`` are the same ---

_ENVIRONMENT_TAGS = frozenset({"env", "environment", "stage"})
_BEFORE_PROD = frozenset({"dev", "test", "qa", "uat", "staging", "preprod", "sandbox"})
_WORDS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("prod", "production", "prd", "live"), frozenset({"prod"})),
    **dict.fromkeys(("preprod", "preproduction", "preprd"), frozenset({"preprod"})),
    **dict.fromkeys(("nonprod", "nonproduction", "nonprd"), _BEFORE_PROD),
    **dict.fromkeys(("staging", "stage", "stg"), frozenset({"staging"})),
    **dict.fromkeys(("uat", "acceptance"), frozenset({"uat"})),
    **dict.fromkeys(("qa",), frozenset({"qa"})),
    **dict.fromkeys(("test", "testing", "tst"), frozenset({"test"})),
    **dict.fromkeys(("dev", "development"), frozenset({"dev"})),
    **dict.fromkeys(("sandbox", "sbx"), frozenset({"sandbox"})),
}
# In a name, "test", "live", "stage" and "acceptance" can also describe the function.
_PLAIN_IN_NAMES = frozenset(
    {"prod", "production", "prd", "preprod", "nonprod", "staging", "stg", "uat", "dev", "development"}
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_QUALIFIED = re.compile(r"(?<![^\W_])(pre|non)[\W_]+(?=(?:prod|prd|production)(?![^\W_]))")
_LETTERS = re.compile(r"[^\W\d_]+")


@lru_cache(maxsize=4096)
def environments(text: str | None) -> frozenset[str]:
    """Return the environments that a text names; none without a known word, because unknown words can mean anything."""
    return frozenset[str]().union(*(_WORDS.get(word, ()) for word in _words(text or "")))


def environment_in_name(name: str) -> frozenset[str]:
    """Return the environment in an identity's name, as a whole word; none if two words contradict each other."""
    found = {_WORDS[word] for word in _words(name) if word in _PLAIN_IN_NAMES}
    return found.pop() if len(found) == 1 else frozenset()


def environment_of(identity: Identity) -> tuple[frozenset[str], str]:
    """Return the environment with its evidence.

    By the provider's data, else by tags, else by the name, if the identity is known to have no such tag.
    """
    if found := environments(identity.environment):
        return found, identity.environment or ""
    tags = {key: value for key, value in sorted(identity.tags.items()) if tag_name(key) in _ENVIRONMENT_TAGS}
    if tags:
        evidence = ", ".join(f"tag {key}={value}" for key, value in tags.items())
        return frozenset[str]().union(*map(environments, tags.values())), evidence
    if identity.environment or "tags" in identity.unread:
        return frozenset(), ""
    return environment_in_name(identity.name), f"by its name, {identity.name}"


def _words(text: str) -> list[str]:
    """Return the words of a text, with ``non-prod`` and ``pre-prod`` as one."""
    return _LETTERS.findall(_QUALIFIED.sub(r"\1", fold(_HUMP.sub("-", text))))
