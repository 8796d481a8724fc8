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
    few = 2 * len(suspects) < len(identities)  # remember whichever are fewer
    asked = {skeleton for one in suspects for text in _names(one) for skeleton in skeletons(text)} if few else None
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


class _Known:
    """Declared names by their skeletons; of each few, however many places one is declared in.

    ``asked``: the only skeletons worth remembering; None: all are.
    """

    def __init__(self, asked: Collection[str] | None) -> None:
        self._asked = asked
        self._names: dict[str, set[str]] = defaultdict(set)
        self._first: dict[str, dict[str | None, tuple[_Declared, ...]]] = defaultdict(dict)

    def add(self, declared: _Declared) -> None:
        """Remember the name."""
        for skeleton in skeletons(declared.text):
            if self._asked is None or skeleton in self._asked:
                self._names[skeleton].add(fold(declared.text))
                by_provider = self._first[skeleton]
                likewise = sorted((*by_provider.get(declared.provider, ()), declared), reverse=True)
                by_entry = {one.entry: one for one in likewise}
                by_provider[declared.provider] = tuple(sorted(by_entry.values())[:2])

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
        if any(names.holds(text) for names in known):
            continue  # perhaps of another place
        found = (one for names in known if (one := names.imitated(text, provider, verdict.entry)) is not None)
        if (one := next(found, None)) is not None:
            quoted, declared, place = _quoted(text), _quoted(one.text), printable(one.origin)
            evidence = f'"{quoted}" looks like "{declared}" in {place} but {disguise(text, one.text)}'
            return LookAlike(entry=one.entry, name=one.text, evidence=evidence)
    return None


def _names(identity: Identity) -> Iterator[str]:
    """What it goes by: name, display name, aliases, and the end of its key."""
    texts = (identity.name, identity.display_name or "", *identity.aliases[:MOST_NAMES], identity.key)
    return iter(dict.fromkeys(name for text in texts for name in _ends(text)))


def _declared(entries: Iterable[Entry]) -> Iterator[_Declared]:
    for entry in entries:
        exact = [literal(text) for text in entry.identities if not is_pattern(text)]
        providers = {location.provider for location in locate(entry)} or {None}
        for name in dict.fromkeys(name for text in (entry.name or "", *exact) for name in _ends(text)):
            yield from (_Declared(name, entry.id, str(entry.origin), provider) for provider in providers)


def _ends(text: str) -> Iterator[str]:
    """The text where it is a name or an e-mail, else the last segment of an id; nothing of what no one is named by."""
    name = text if "/" not in text and ":" not in text else text.rstrip("/:").replace(":", "/").rpartition("/")[2]
    if name.strip() and (is_bare(name) or is_email(name)):
        yield name


def _quoted(text: str) -> str:
    return printable(text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…")
