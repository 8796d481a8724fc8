"""Which identities only look like declared ones: by the skeletons of names, in time linear in their number.

Suspects are those that nothing exact registers. What they go by is looked up among the names that entries which count
fully declare, and among the names of identities that such entries register. The same name, also in another place or in
another case, imitates nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from scanner.matching.declared import standing
from scanner.matching.globs import is_pattern, literal
from scanner.matching.keys import fold, is_bare, is_email, provider_key
from scanner.matching.looks import disguise, skeletons
from scanner.matching.places import locate
from scanner.model import Entry, Identity, LookAlike, RegistryVerdict, Rung
from scanner.text import printable

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
    ours = (skeleton for one in suspects for text in _names(one) for skeleton in skeletons(text))
    if 2 * len(suspects) < len(identities):
        return set(ours)
    declared = {skeleton for one in _declared(live.values()) for skeleton in skeletons(one.text)}
    lending = (one.name for one in identities if verdicts[one.key].entry in live)
    declared.update(skeleton for name in lending for skeleton in skeletons(name))
    return {skeleton for skeleton in ours if skeleton in declared}


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
        for skeleton in skeletons(declared.text):
            if skeleton in self._asked and _names_somebody(declared.text):
                self._names[skeleton].add(fold(declared.text))
                by_provider = self._first[skeleton]
                likewise = sorted((*by_provider.get(declared.provider, ()), declared), reverse=True)
                by_entry = {one.entry: one for one in likewise}
                by_provider[declared.provider] = tuple(sorted(by_entry.values())[:2])

    def knows(self, text: str) -> bool:
        """Whether any declared name looks like it."""
        return any(way in self._first for way in skeletons(text))

    def holds(self, text: str) -> bool:
        """Whether it is a declared name itself, in whatever case."""
        return any(fold(text) in self._names[way] for way in skeletons(text) if way in self._names)

    def imitated(self, text: str, provider: str | None, without: str | None) -> _Declared | None:
        """The first name that the text looks like, of an entry other than ``without``."""
        places = dict.fromkeys((provider, None))
        ways = [way for way in skeletons(text) if way in self._first]
        others = (one for way in ways for place in places for one in self._first[way].get(place, ()))
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
