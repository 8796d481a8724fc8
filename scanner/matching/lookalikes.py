"""Recognises names that look like other names. Looking alike never makes two names equal.

Follows the skeletons of Unicode Technical Standard #39, and also ignores case and accents, which a reader easily
overlooks. Characters are looked up one by one, so a million names take one pass over their letters.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from msgspec import Struct

from scanner.catalog import read_table
from scanner.matching.declared import effective_status
from scanner.matching.globs import is_pattern, literal
from scanner.matching.keys import BECOME_ASCII, fold, is_bare, is_email, provider_key
from scanner.matching.places import locate
from scanner.model import Entry, Identity, LookAlike, RegistryVerdict, Rung
from scanner.text import few, printable

LONGEST = 200
"""The most characters of a name that are examined, which bounds the time on hostile names."""

# Controls, formatting, lone surrogates, private and unassigned characters are invisible; symbols, such as emoji, are
# decoration beside the letters of a name.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Me", "So", "Sk"})
# Default-ignorable characters that are letters or marks by category: Hangul fillers, variation selectors.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
_SELECTOR = ("VARIATION SELECTOR", "MONGOLIAN FREE VARIATION SELECTOR")
# Combining classes of characters that are no accents: letters, nuktas, viramas.
_SPELLING = frozenset({0, 7, 9})


class _LookalikeTable(Struct, frozen=True, forbid_unknown_fields=True):
    either: str
    ascii: Mapping[str, str]


_TABLE = read_table("scanner.matching", "look_alikes.toml", _LookalikeTable)
_ASCII = {other: seen for seen, others in _TABLE.ascii.items() for other in others} | dict.fromkeys(_TABLE.either, "I")
_SAME_SHAPE = str.maketrans({"0": "o", "1": "i", "l": "i", "|": "i"})


class _Looks(dict[int, str]):
    """By code point, the ASCII text that a character looks like, nothing for an invisible one, else the character."""

    def __missing__(self, code: int) -> str:
        self[code] = looks = "".join(_seen(chr(code)))
        return looks


def _seen(char: str) -> Iterator[str]:
    if (seen := _ASCII.get(char)) is not None:
        yield seen
    elif char.isspace():
        yield " "
    elif (parts := unicodedata.normalize("NFKD", char)) != char:
        for part in parts:
            yield from _seen(part) if part != char else part
    elif (char.isascii() and char.isprintable()) or not _is_unseen(char):
        yield char


def _is_unseen(char: str) -> bool:
    """Return whether a character is invisible, or a mark that only modifies a letter; Indic vowels are marks, too."""
    if unicodedata.category(char) in _UNSEEN or char in _BLANK or unicodedata.name(char, "").startswith(_SELECTOR):
        return True
    return unicodedata.combining(char) not in _SPELLING


_LOOKS = _Looks()


def as_it_looks(text: str) -> str:
    """Return the text as a reader sees it: look-alike letters as ASCII, without accents and invisible characters."""
    if text.isascii() and text.isprintable():
        return text
    return text.translate(_LOOKS)


@lru_cache(maxsize=2**16)
def skeleton(text: str) -> str:
    """Return what the text looks like in lower case, with i for i, l and 1. Names with the same skeleton look alike."""
    if text.isascii() and text.isprintable() and len(text) <= LONGEST and " " not in text:
        return _shape(text)  # nearly all names
    return _shape(" ".join(as_it_looks(text[:LONGEST]).split()))


def _shape(seen: str) -> str:
    if not seen.isascii():
        seen = as_it_looks(seen.casefold().lower())  # a gamma only looks like a y in lower case
    return seen.lower().translate(_SAME_SHAPE).replace("rn", "m")


def look_alike(one: str, other: str) -> bool:
    """Return whether two different names look the same to a reader.

    Names that differ only in case are not different.
    """
    return fold(one) != fold(other) and skeleton(one) == skeleton(other)


def disguised(text: str) -> frozenset[str]:
    """Return the characters that look like others or are invisible, in lower case if that is one character."""
    if text.isascii() and text.isprintable():
        return frozenset()
    given = text[:LONGEST]
    composed = {*unicodedata.normalize("NFC", given), *(BECOME_ASCII & set(given))}
    return frozenset(_lower(char) for char in composed if as_it_looks(char) != char)


def _lower(char: str) -> str:
    lower = char.lower()
    return lower if len(lower) == 1 and not lower.isascii() else char


def disguise(text: str, other: str) -> str:
    """Return how the first name differs from one that it looks like, as text."""
    if odd := sorted(disguised(text) ^ disguised(other)):
        return f"is written with {listed(map(_described, odd))}"
    if " ".join(text.split()) == " ".join(other.split()):
        return "differs in its spaces"
    return "is written with other letters of the same shape"


def _described(char: str) -> str:
    """Return the alphabet and the letter; for other characters, code and name."""
    name = unicodedata.name(char, "")
    if char.isalpha() and name:
        return f"{name.partition(' ')[0].capitalize()} {char}"
    shown = printable(char) if name else f"U+{ord(char):04X}"
    return f"{shown} ({name.lower() or _UNNAMED.get(unicodedata.category(char), 'unnamed')})"


_UNNAMED = {"Co": "private use", "Cc": "control character", "Cs": "surrogate", "Cn": "unassigned"}

NAMED = 6
"""The most words that are listed; the others are counted."""


def listed(words: Iterable[str]) -> str:
    """Return the first words, and the number of others."""
    return few(list(words), NAMED)


# --- Identities that look like declared ones: by the skeletons of names, in linear time ---
#
# Suspects are identities that no exact text registers. Their names are compared with the names in live entries, and the
# names of identities that these register. The same name, also in another place or case, is no imitation.

_WEAK: frozenset[Rung] = frozenset({"glob", "tag"})
"""Rungs that anyone can bring about by choosing a name or copying a tag."""
MOST_NAMES = 20
"""The most names of one identity that are compared."""
_QUOTED = 80


class _Declared(NamedTuple):
    """A name, its owner, and its provider (None: any)."""

    text: str
    entry: str
    origin: str
    provider: str | None


def look_alikes(
    identities: Sequence[Identity],
    verdicts: Mapping[str, RegistryVerdict],
    entries: Iterable[Entry],
    today: date,
) -> dict[str, LookAlike]:
    """Return the declared name that each identity imitates, by key; the first by text if there are several.

    ``verdicts``: of matching, by key.
    """
    suspects = [identity for identity in identities if _is_suspect(verdicts[identity.key])]
    live = {entry.id: entry for entry in entries if effective_status(entry, today) in ("live", "unknown")}
    if not suspects or not live:
        return {}
    ours = (name for one in suspects for name in _names(one))
    lent = (one.name for one in identities if verdicts[one.key].entry in live)
    theirs = chain(chain.from_iterable(map(_names_in, live.values())), lent)
    contested = _contested(*((ours, theirs) if 2 * len(suspects) < len(identities) else (theirs, ours)))
    if not contested:
        return {}
    exact, weak = _known(live, identities, verdicts, contested)
    found = {}
    for one in suspects:
        if contested.isdisjoint(map(fold, _names(one))):
            continue
        verdict = verdicts[one.key]
        allowed = (exact, weak) if verdict.state == "unregistered" else (exact,)
        if (imitated := _imitated(one, verdict, allowed)) is not None:
            found[one.key] = imitated
    return found


def _contested(few: Iterable[str], many: Iterable[str]) -> set[str]:
    """Return the names, folded, that look like a different one; nearly no name does.

    Two of ``many`` may look alike unnoticed: only how each of ``few`` looks is remembered.
    """
    first: dict[str, str] = {}
    found: set[str] = set()
    for look_up, names in ((first.setdefault, few), (first.get, many)):
        for name in names:
            other = look_up(skeleton(name), name)
            if other != name and fold(other) != fold(name):
                found |= {fold(other), fold(name)}
    return found


def _known(
    live: Mapping[str, Entry],
    identities: Iterable[Identity],
    verdicts: Mapping[str, RegistryVerdict],
    contested: Collection[str],
) -> tuple[_Known, _Known]:
    """Return the contested names of entries and of identities that these register; apart, those that anyone chooses."""
    exact, weak = _Known(), _Known()
    for entry in live.values():
        for name in _names_in(entry):
            if fold(name) in contested:
                for provider in {location.provider for location in locate(entry)} or {None}:
                    exact.add(_Declared(name, entry.id, str(entry.origin), provider))
    for identity in identities:
        verdict = verdicts[identity.key]
        if fold(identity.name) not in contested or verdict.state != "registered":
            continue
        if (its := live.get(verdict.entry or "")) is not None:
            known = weak if verdict.rung in _WEAK else exact
            known.add(_Declared(identity.name, its.id, str(its.origin), provider_key(identity.provider)))
    return exact, weak


class _Known:
    """Declared names by skeleton, a few of each, however many places have one."""

    def __init__(self) -> None:
        self._names: dict[str, set[str]] = defaultdict(set)
        self._first: dict[str, dict[str | None, tuple[_Declared, ...]]] = defaultdict(dict)

    def add(self, declared: _Declared) -> None:
        """Add a name."""
        # A text is a name or an e-mail: ids that differ in a letter and a digit are no imitation.
        if bool(declared.text.strip()) and (is_bare(declared.text) or is_email(declared.text)):
            look = skeleton(declared.text)
            self._names[look].add(fold(declared.text))
            by_provider = self._first[look]
            likewise = sorted((*by_provider.get(declared.provider, ()), declared), reverse=True)
            by_entry = {one.entry: one for one in likewise}
            by_provider[declared.provider] = tuple(sorted(by_entry.values())[:2])

    def knows(self, text: str) -> bool:
        """Return whether any declared name looks like this text."""
        return skeleton(text) in self._first

    def holds(self, text: str) -> bool:
        """Return whether the text is a declared name itself, ignoring case."""
        return fold(text) in self._names.get(skeleton(text), ())

    def imitated(self, text: str, provider: str | None, without: str | None) -> _Declared | None:
        """Return the first name that the text looks like, of an entry other than ``without``."""
        places = dict.fromkeys((provider, None))
        by_provider = self._first.get(skeleton(text), {})
        others = (one for place in places for one in by_provider.get(place, ()))
        return min((other for other in others if other.entry != without), key=lambda one: one[:3], default=None)


def _is_suspect(verdict: RegistryVerdict) -> bool:
    """Return whether only a rung matches that its creator can bring about by choosing a name or a tag."""
    return verdict.state == "unregistered" or (verdict.state == "registered" and verdict.rung in _WEAK)


def _imitated(identity: Identity, verdict: RegistryVerdict, known: Sequence[_Known]) -> LookAlike | None:
    provider = provider_key(identity.provider)
    for text in _names(identity):
        if not any(names.knows(text) for names in known) or any(names.holds(text) for names in known):
            continue  # its own name, or the declared one in another place
        found = (one for names in known if (one := names.imitated(text, provider, verdict.entry)) is not None)
        if (one := next(found, None)) is not None:
            quoted, declared, place = _quoted(text), _quoted(one.text), printable(one.origin)
            evidence = f'"{quoted}" looks like "{declared}" in {place} but {disguise(text, one.text)}'
            return LookAlike(entry=one.entry, name=one.text, evidence=evidence)
    return None


def _names(identity: Identity) -> Iterator[str]:
    """Yield its names: name, display name, aliases, and the end of its key."""
    yield _end(identity.name)
    if identity.display_name:
        yield _end(identity.display_name)
    for alias in identity.aliases[:MOST_NAMES]:
        yield _end(alias)
    if not identity.key.endswith(identity.name):
        yield _end(identity.key)


def _names_in(entry: Entry) -> Iterable[str]:
    """Return its name, and the ends of the ids that it names."""
    exact = (literal(text) for text in entry.identities if not is_pattern(text))
    return dict.fromkeys(_end(text).strip() for text in (entry.name or "", *exact))


def _end(text: str) -> str:
    """Return the text itself, or the last segment of an id."""
    return text if "/" not in text and ":" not in text else text.rstrip("/:").replace(":", "/").rpartition("/")[2]


def _quoted(text: str) -> str:
    return printable(text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…")
