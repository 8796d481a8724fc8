"""The entries as the ladder looks them up: by a text and a place, each with how far it counts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Literal, TypeAlias, get_args

from msgspec import Struct

from scanner.matching.keys import Place, fold, place_of, tag_name
from scanner.model import Entry, Identity

Standing: TypeAlias = Literal["live", "expired", "suspended", "proposed", "retired"]
_STANDINGS: tuple[Standing, ...] = get_args(Standing)


def is_expired(entry: Entry, today: date) -> bool:
    """Whether its last day has passed."""
    return entry.expires is not None and entry.expires < today


def standing(entry: Entry, today: date) -> Standing:
    """Whether the entry counts fully, else why not."""
    if entry.status != "active":
        return entry.status
    return "expired" if is_expired(entry, today) else "live"


class Declared(Struct, frozen=True, kw_only=True, eq=False):
    """An entry with its standing; as text, the place where it stands and why it does not count fully."""

    entry: Entry
    standing: Standing

    def __str__(self) -> str:
        if self.standing == "live":
            return str(self.entry.origin)
        why = f"expired {self.entry.expires}" if self.standing == "expired" else self.standing
        return f"{self.entry.origin} ({why})"

    @property
    def rank(self) -> tuple[int, str]:
        """Sorts entries, the one that counts most first."""
        return _STANDINGS.index(self.standing), self.entry.id


class Index:
    """Entries by a text and the place they are for: the same name declared in thousands of scopes costs nothing."""

    def __init__(self) -> None:
        self._by_text: dict[str, dict[Place, list[Declared]]] = {}

    def add(self, text: str, declared: Declared) -> None:
        """Put the entry under this text, for the provider and scope that it names."""
        by_place = self._by_text.setdefault(text, {})
        by_place.setdefault(place_of(declared.entry), []).append(declared)

    def at(self, text: str, place: Place) -> Sequence[Declared]:
        """Those with this text that are for this place, or for any provider or scope."""
        by_place = self._by_text.get(text)
        if by_place is None:
            return ()
        provider, scope = place
        wider = dict.fromkeys((place, (provider, None), (None, scope), (None, None)))
        return [declared for asked in wider for declared in by_place.get(asked, ())]

    def everywhere(self, text: str) -> Sequence[Declared]:
        """Those with this text, whatever place they are for."""
        return [declared for found in self._by_text.get(text, {}).values() for declared in found]

    @property
    def texts(self) -> list[str]:
        """All texts there are, sorted."""
        return sorted(self._by_text)


# --- What people mean by the environments they write: ``Production (EU)`` and ``prod-eu`` are one ---

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
# In a name, "test", "live", "stage" and "acceptance" may as well be what the thing does.
_PLAIN_IN_NAMES = frozenset(
    {"prod", "production", "prd", "preprod", "nonprod", "staging", "stg", "uat", "dev", "development"}
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_QUALIFIED = re.compile(r"(?<![^\W_])(pre|non)[\W_]+(?=(?:prod|prd|production)(?![^\W_]))")
_LETTERS = re.compile(r"[^\W\d_]+")


@lru_cache(maxsize=4096)
def environments(text: str | None) -> frozenset[str]:
    """The environments that are named; none where no word is a known one: a word nobody knows may mean anything."""
    return frozenset[str]().union(*(_WORDS.get(word, ()) for word in _words(text or "")))


def environment_in_name(name: str) -> frozenset[str]:
    """The environment that a whole word of an identity's name tells; none where two words tell different ones."""
    told = {_WORDS[word] for word in _words(name) if word in _PLAIN_IN_NAMES}
    return told.pop() if len(told) == 1 else frozenset()


def environment_of(identity: Identity) -> tuple[frozenset[str], str]:
    """What the provider says, else its tags, else, where it is known to have no such tag, its name; and which did."""
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
    """Its words, with ``non-prod`` and ``pre-prod`` as one."""
    return _LETTERS.findall(_QUALIFIED.sub(r"\1", fold(_HUMP.sub("-", text))))
