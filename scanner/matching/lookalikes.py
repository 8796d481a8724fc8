"""How a name looks to a reader, to recognise names that only look like others. It never makes two names equal.

After the skeletons of Unicode Technical Standard #39, with case and accents dropped as well: a reader who skims a list
overlooks these, too. Every character is looked up on its own, so a million names cost one pass over their letters.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

import msgspec
from msgspec import Struct

from scanner.matching.declared import standing
from scanner.matching.globs import is_pattern, literal
from scanner.matching.keys import BECOME_ASCII, fold, is_bare, is_email, provider_key
from scanner.matching.places import locate
from scanner.model import Entry, Identity, LookAlike, RegistryVerdict, Rung
from scanner.text import printable

LONGEST = 200
"""So many characters of a name are looked at: whoever writes more wants to cost us time."""

# Nothing is seen of controls, formatting, lone surrogates, private and unassigned characters; and symbols, emoji among
# them, are decoration beside the letters of a name.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Me", "So", "Sk"})
# Default-ignorable characters that are letters or marks by their category: fillers of Hangul, variation selectors.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
_SELECTOR = ("VARIATION SELECTOR", "MONGOLIAN FREE VARIATION SELECTOR")
# Combining classes of what is no accent: letters themselves, nuktas, viramas.
_SPELLING = frozenset({0, 7, 9})


class _Table(Struct, frozen=True, forbid_unknown_fields=True):
    either: str
    ascii: Mapping[str, str]


_TABLE = msgspec.toml.decode(files("scanner.matching").joinpath("look_alikes.toml").read_bytes(), type=_Table)
_ASCII = {other: seen for seen, others in _TABLE.ascii.items() for other in others} | dict.fromkeys(_TABLE.either, "I")
_SAME_SHAPE = str.maketrans({"0": "o", "1": "i", "l": "i", "|": "i"})


class _Looks(dict[int, str]):
    """By code point, the ASCII that a character looks like, nothing for what is not seen, else the character."""

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
    """Whether nothing of it is seen, or a mark that only modifies a letter; vowels of Indic scripts are marks, too."""
    if unicodedata.category(char) in _UNSEEN or char in _BLANK or unicodedata.name(char, "").startswith(_SELECTOR):
        return True
    return unicodedata.combining(char) not in _SPELLING


_LOOKS = _Looks()


def as_it_looks(text: str) -> str:
    """The text as a reader sees it: look-alike letters made ASCII, accents and invisible characters dropped."""
    if text.isascii() and text.isprintable():
        return text
    return text.translate(_LOOKS)


@lru_cache(maxsize=2**16)
def skeleton(text: str) -> str:
    """What the text looks like in lower case, with i for i, l and 1. Names that have the same look alike."""
    if text.isascii() and text.isprintable() and len(text) <= LONGEST and " " not in text:
        return _shape(text)  # nearly all names there are
    return _shape(" ".join(as_it_looks(text[:LONGEST]).split()))


def _shape(seen: str) -> str:
    if not seen.isascii():
        seen = as_it_looks(seen.casefold().lower())  # only in lower case does a gamma look like a y
    return seen.lower().translate(_SAME_SHAPE).replace("rn", "m")


def look_alike(one: str, other: str) -> bool:
    """Whether they are two names that a reader takes for one. Case alone makes no other name."""
    return fold(one) != fold(other) and skeleton(one) == skeleton(other)


def disguised(text: str) -> frozenset[str]:
    """The characters in it that look like others, or like nothing; in lower case where that is one character."""
    if text.isascii() and text.isprintable():
        return frozenset()
    given = text[:LONGEST]
    composed = {*unicodedata.normalize("NFC", given), *(BECOME_ASCII & set(given))}
    return frozenset(_lower(char) for char in composed if as_it_looks(char) != char)


def _lower(char: str) -> str:
    lower = char.lower()
    return lower if len(lower) == 1 and not lower.isascii() else char


def disguise(text: str, other: str) -> str:
    """How the first name differs from one that it looks like, in words."""
    if odd := sorted(disguised(text) ^ disguised(other)):
        return f"is written with {listed(map(_described, odd))}"
    if " ".join(text.split()) == " ".join(other.split()):
        return "differs in its spaces"
    return "is written with other letters of the same shape"


def _described(char: str) -> str:
    """The alphabet and the letter; of what is no letter, its code and name."""
    name = unicodedata.name(char, "")
    if char.isalpha() and name:
        return f"{name.partition(' ')[0].capitalize()} {char}"
    shown = printable(char) if name else f"U+{ord(char):04X}"
    return f"{shown} ({name.lower() or _UNNAMED.get(unicodedata.category(char), 'unnamed')})"


_UNNAMED = {"Co": "private use", "Cc": "control character", "Cs": "surrogate", "Cn": "unassigned"}

NAMED = 6
"""Of more words than these the rest is only counted."""


def listed(words: Iterable[str]) -> str:
    """The first few, and how many more there are."""
    first = list(words)
    more = f" and {len(first) - NAMED} more" if len(first) > NAMED else ""
    return ", ".join(first[:NAMED]) + more


# --- Which identities only look like declared ones: by the skeletons of names, in time linear in their number ---
#
# Suspects are those that nothing exact registers. What they go by is looked up among the names that entries which
# count fully declare, and among the names of identities that such entries register. The same name, also in another
# place or in another case, imitates nobody.

_WEAK: frozenset[Rung] = frozenset({"glob", "tag"})
"""What registers whoever chooses the right name or copies a tag."""
MOST_NAMES = 20
"""Names of one identity that count."""
_QUOTED = 80


class _Declared(NamedTuple):
    """A name that counts, whose it is, and the provider that it is for (None: any)."""

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
    """By key, the declared name that each identity imitates; the first by text where there are several.

    ``verdicts``: of matching, by the identity's key.
    """
    suspects = [one for one in identities if _is_suspect(verdicts[one.key])]
    live = {entry.id: entry for entry in entries if standing(entry, today) == "live"}
    if not suspects or not live:
        return {}
    asked = _asked(suspects, identities, verdicts, live)
    if not asked:
        return {}
    exact, weak = _Known(asked), _Known(asked)
    for declared in _declared(live.values()):
        exact.add(declared)
    for one in identities:
        verdict = verdicts[one.key]
        if verdict.state == "registered" and (entry := live.get(verdict.entry or "")) is not None:
            lent = _Declared(one.name, entry.id, str(entry.origin), provider_key(one.provider))
            (weak if verdict.rung in _WEAK else exact).add(lent)
    found = {}
    for one in suspects:
        verdict = verdicts[one.key]
        known = (exact, weak) if verdict.state == "unregistered" else (exact,)
        if (imitated := _imitated(one, verdict, known)) is not None:
            found[one.key] = imitated
    return found


def _asked(
    suspects: Sequence[Identity],
    identities: Sequence[Identity],
    verdicts: Mapping[str, RegistryVerdict],
    live: Mapping[str, Entry],
) -> set[str]:
    """The skeletons of suspects' names; where most are suspects, only those that a declared name has, too."""
    ours = (skeleton(text) for one in suspects for text in _names(one))
    if 2 * len(suspects) < len(identities):
        return set(ours)
    declared = {skeleton(one.text) for one in _declared(live.values())}
    lending = (one.name for one in identities if verdicts[one.key].entry in live)
    declared.update(map(skeleton, lending))
    return {look for look in ours if look in declared}


class _Known:
    """Declared names by their skeletons; of each few, however many places one is declared in.

    ``asked``: the only skeletons worth remembering.
    """

    def __init__(self, asked: Collection[str]) -> None:
        self._asked = asked
        self._names: dict[str, set[str]] = defaultdict(set)
        self._first: dict[str, dict[str | None, tuple[_Declared, ...]]] = defaultdict(dict)

    def add(self, declared: _Declared) -> None:
        """Remember the name."""
        look = skeleton(declared.text)
        if look in self._asked and _names_somebody(declared.text):
            self._names[look].add(fold(declared.text))
            by_provider = self._first[look]
            likewise = sorted((*by_provider.get(declared.provider, ()), declared), reverse=True)
            by_entry = {one.entry: one for one in likewise}
            by_provider[declared.provider] = tuple(sorted(by_entry.values())[:2])

    def knows(self, text: str) -> bool:
        """Whether any declared name looks like it."""
        return skeleton(text) in self._first

    def holds(self, text: str) -> bool:
        """Whether it is a declared name itself, in whatever case."""
        return fold(text) in self._names.get(skeleton(text), ())

    def imitated(self, text: str, provider: str | None, without: str | None) -> _Declared | None:
        """The first name that the text looks like, of an entry other than ``without``."""
        places = dict.fromkeys((provider, None))
        by_provider = self._first.get(skeleton(text), {})
        others = (one for place in places for one in by_provider.get(place, ()))
        return min((one for one in others if one.entry != without), key=lambda one: one[:3], default=None)


def _is_suspect(verdict: RegistryVerdict) -> bool:
    """Whether nothing stands for it that its maker could not bring about by choosing a name or a tag."""
    return verdict.state == "unregistered" or (verdict.state == "registered" and verdict.rung in _WEAK)


def _imitated(identity: Identity, verdict: RegistryVerdict, known: Sequence[_Known]) -> LookAlike | None:
    provider = provider_key(identity.provider)
    for text in _names(identity):
        if not any(names.knows(text) for names in known) or any(names.holds(text) for names in known):
            continue  # a name of its own, or the declared one, perhaps in another place
        found = (one for names in known if (one := names.imitated(text, provider, verdict.entry)) is not None)
        if (one := next(found, None)) is not None:
            quoted, declared, place = _quoted(text), _quoted(one.text), printable(one.origin)
            evidence = f'"{quoted}" looks like "{declared}" in {place} but {disguise(text, one.text)}'
            return LookAlike(entry=one.entry, name=one.text, evidence=evidence)
    return None


def _names(identity: Identity) -> Iterator[str]:
    """What it goes by: name, display name, aliases, and the end of its key."""
    yield _end(identity.name)
    if identity.display_name:
        yield _end(identity.display_name)
    for alias in identity.aliases[:MOST_NAMES]:
        yield _end(alias)
    if not identity.key.endswith(identity.name):
        yield _end(identity.key)


def _declared(entries: Iterable[Entry]) -> Iterator[_Declared]:
    for entry in entries:
        exact = [literal(text) for text in entry.identities if not is_pattern(text)]
        providers = {location.provider for location in locate(entry)} or {None}
        for name in dict.fromkeys(map(_end, (entry.name or "", *exact))):
            yield from (_Declared(name, entry.id, str(entry.origin), provider) for provider in providers)


def _end(text: str) -> str:
    """The text itself, or the last segment of an id."""
    return text if "/" not in text and ":" not in text else text.rstrip("/:").replace(":", "/").rpartition("/")[2]


def _names_somebody(text: str) -> bool:
    """Whether it is a name or an e-mail: ids that differ in a letter and a digit imitate nobody."""
    return bool(text.strip()) and (is_bare(text) or is_email(text))


def _quoted(text: str) -> str:
    return printable(text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…")
