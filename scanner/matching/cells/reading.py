"""Reads what the cells of entries name, as a careful colleague would: several identities in a cell, spellings, notes.

A cell is tried as it stands first. Only a cell that names nothing so is respelled (``spelling``), freed of a note
(``x (do not delete)``), or split at its separators. Every reading is decided by what exists: a note falls away only if
exactly one identity has the rest as its name, and names split a cell only if all of them exist. What is less certain
makes candidates and a warning, and never registers anything.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from scanner.matching.cells.existing import Asked, Existing, Look
from scanner.matching.cells.places import NAMED, QUOTED, Places
from scanner.matching.cells.words import AND, GLUED_AND, LISTED, OR, beside, is_apart, unlisted
from scanner.matching.globs import is_pattern, names_something
from scanner.matching.keys import ProviderScope, fold, is_bare, is_qualified, place_of
from scanner.matching.spelling import account_in_domain, bare_id, guid, has_form, same_id, unquoted
from scanner.model import Entry, Identity, IdentityCandidate, MatchCandidate
from scanner.text import counted, cut, few

LONGEST, MOST_PARTS = 10_000, 100
"""The most characters and parts of a cell that is examined, which bounds the time on hostile ones."""
SCORE = 0.85
"""Of a candidate that a cell names beside something that does not exist, or with a note that may mean another one."""
MENTIONED = 0.6
"""Of a candidate that a cell mentions somewhere."""
MOST_WARNINGS = 200

_BARS = r"[\n|\uff5c]"
_COMMAS = r"[,\u3001\uff0c]"
_SPACED = rf"(?<!\s)\s+(?:[/&+\uff0f\uff06]|(?i:{AND}))\s+"
_TIGHT = r"[/&\uff0f\uff06\u30fb]"
_GLUED = rf"(?<=[!-~])(?:{GLUED_AND})(?=[!-~])"
_SEPARATORS = tuple(
    re.compile("|".join(kinds))
    for kinds in (
        (_BARS, _SPACED),
        (_BARS, _COMMAS),
        (_BARS, _COMMAS, _SPACED, _GLUED),
        (_BARS, _COMMAS, _SPACED, _GLUED, _TIGHT),
    )
)
"""In the order of trial: a distinguished name has commas, and many ids have slashes."""
_SEVERAL = re.compile(rf"{_BARS}|{_COMMAS}\s|{_SPACED}")
"""A text with this may be several identities, and is no single pattern."""
_ODD = re.compile(
    f"{_BARS}|{_COMMAS}|{_SPACED}|{_GLUED}|{_TIGHT}|{LISTED}"
    r"|[\"'`()\[\]{}\\=\uff08\uff09\u201c\u201e\u00ab\u300c]|\s[-\u2013\u2014#/]|:\s|:[^\s/:]*@"
    r"|(?i:urn:)|[A-Fa-f0-9]{32}|[0-9A-F]{8}-[0-9A-F]{4}-"
    r"|(?i:\s[0-9a-f]{8}-[0-9a-f]{4}-|[0-9a-f]{4}-[0-9a-f]{12}\s)"
    rf"|\s(?i:{OR})\s|[-=]>|\u2192|[;.]$"
)

_JOINED = re.compile(f"{_BARS}|{_COMMAS}|{_GLUED}")
_BRACKETS = re.compile(r"[(\[\uff08][^()\[\]\uff08\uff09]*[)\]\uff09]")
_TOKEN = re.compile(r"[^\s()\[\]{}<>\"'`,;|\uff08\uff09\u3001]+")

_ANYWHERE: ProviderScope = (None, None)

_Keys: TypeAlias = tuple[str, ...]
_Together: TypeAlias = Mapping[str, Sequence[frozenset[str]]]
_Candidate = TypeVar("_Candidate", MatchCandidate, IdentityCandidate)


class Cells(Struct, frozen=True, kw_only=True):
    """``entries``: with each identity in a text of its own, and provider and scope as they are compared.

    ``for_identities``: candidates by key, ``for_entries``: by entry; pairs that a cell names without certainty.
    """

    entries: tuple[Entry, ...]
    for_identities: Mapping[str, tuple[MatchCandidate, ...]] = {}
    for_entries: Mapping[str, tuple[IdentityCandidate, ...]] = {}
    warnings: tuple[str, ...] = ()

    def only(self, entries: Collection[str]) -> Cells:
        """Return them with candidates for these entries alone: a row that is set aside has none to confirm."""
        kept = {key: tuple(one for one in found if one.entry in entries) for key, found in self.for_identities.items()}
        return replace(
            self,
            for_identities={key: found for key, found in kept.items() if found},
            for_entries={entry: found for entry, found in self.for_entries.items() if entry in entries},
        )


def read_cells(
    entries: Sequence[Entry],
    identities: Sequence[Identity],
    before: Iterable[Sequence[str]] = (),
    providers: Iterable[str] = (),
) -> Cells:
    """Return the entries as their cells are meant.

    ``identities``: all that are known, those of unread places as last known. ``before``: the identities of each
    entry of the last scan: a cell that was split stays split when one of its identities is deleted. ``providers``:
    those of the configured sources, read or not.
    """
    places = Places(identities, providers)
    placed = [places.placed(entry) for entry in entries]
    warnings = [warning for _, warning in placed if warning is not None]
    asked = Asked()
    odd = [
        at for at, (entry, _) in enumerate(placed) if len(entry.identities) > 1 or any(map(_is_odd, entry.identities))
    ]
    for at in odd:
        _read(placed[at][0], asked, {})
        _missing(placed[at][0], asked)
    found, together = Existing(asked, identities), _together(before) if odd else {}
    read = [entry for entry, _ in placed]
    pairs: list[tuple[Entry, _Candidacy]] = []
    for at in odd:
        entry = read[at]
        reading = _read(entry, found, together)
        warnings += reading.warnings or _missing(entry, found)
        pairs += [(entry, candidate) for candidate in reading.candidates]
        if reading.texts != entry.identities:
            read[at] = replace(entry, identities=reading.texts)
    return Cells(
        entries=tuple(read),
        for_identities=_grouped(
            (one.key, MatchCandidate(entry=entry.id, score=one.score, evidence=one.evidence)) for entry, one in pairs
        ),
        for_entries=_grouped(
            (entry.id, IdentityCandidate(identity=one.key, score=one.score, evidence=one.evidence))
            for entry, one in pairs
        ),
        warnings=_first(warnings),
    )


def _first(warnings: Sequence[str]) -> tuple[str, ...]:
    """Return the first warnings, and the number of the others: every row of a list may have one."""
    more = len(warnings) - MOST_WARNINGS
    rest = (
        [f"{counted(more, 'more cell of a registry is', 'more cells of registries are')} unclear"] if more > 0 else []
    )
    return (*warnings[:MOST_WARNINGS], *rest)


def may_be_several(text: str) -> tuple[str, ...]:
    """Return the names that a cell may be split into once a scan finds all of them; empty if what it names is clear."""
    if len(text) > LONGEST or _SEVERAL.search(text) is None or has_form(text):
        return ()
    for separator in _SEPARATORS[-2::-1]:
        parts = tuple(part for one in separator.split(text) if (part := one.strip()))
        names = [found.name if (found := beside(part)) else part for part in parts]
        if 1 < len(parts) <= MOST_PARTS and all(has_form(name) or " " not in name for name in names):
            return () if all(map(has_form, names)) else parts
    return ()


def _grouped(pairs: Iterable[tuple[str, _Candidate]]) -> dict[str, tuple[_Candidate, ...]]:
    found: dict[str, dict[_Candidate, None]] = defaultdict(dict)
    for name, candidate in pairs:
        found[name][candidate] = None
    return {name: tuple(candidates) for name, candidates in found.items()}


def _is_odd(text: str) -> bool:
    """Return whether a text may mean something else than what is written; an id and a plain name do not."""
    if len(text) > LONGEST or _ODD.search(text) is None:
        return False
    if _JOINED.search(text) is None and has_form(text) and same_id(text) is None and bare_id(text) == text:
        return False  # nearly all: an ARN has slashes
    return " " in text or _SEVERAL.search(text) is not None or not is_pattern(text)


# --- One cell ---


class _Meant(NamedTuple):
    """What a text means: the text to match, whether that is a full key or id; or only candidates, by key."""

    text: str
    by_id: bool
    candidates: _Keys = ()


class _Candidacy(NamedTuple):
    """An identity that a cell may name, by key."""

    key: str
    score: float
    evidence: str


class _Reading(NamedTuple):
    texts: tuple[str, ...]
    candidates: tuple[_Candidacy, ...] = ()
    warnings: tuple[str, ...] = ()


def _together(before: Iterable[Sequence[str]]) -> _Together:
    """Return the identities of entries with several, by each of them; folded."""
    found: dict[str, list[frozenset[str]]] = defaultdict(list)
    for texts in before:
        if len(texts) > 1:
            group = frozenset(map(fold, texts))
            for text in group:
                found[text].append(group)
    return found


def _read(entry: Entry, look: Look, before: _Together) -> _Reading:
    """Return what all cells of one entry mean."""
    place = place_of(entry)
    read = [_read_text(text, entry, place, look, before) for text in entry.identities]
    return _Reading(
        tuple(dict.fromkeys(text for one in read for text in one.texts)),
        tuple(pair for one in read for pair in one.candidates),
        tuple(warning for one in read for warning in one.warnings),
    )


def _missing(entry: Entry, look: Look) -> tuple[str, ...]:
    """Return a warning about names of a list that were not found beside others that were; ids may be elsewhere."""
    if len(entry.identities) == 1:
        return ()
    place = place_of(entry)
    found = {text: bool(look.hits(text, place)) for text in entry.identities}
    missing = [text for text, is_there in found.items() if not is_there and _is_plain_name(text)]
    if not missing or not any(found.values()):
        return ()
    return (f"{entry.origin}: {_named(missing)} was not found, beside {_named(text for text in found if found[text])}",)


def _is_plain_name(text: str) -> bool:
    return not (is_pattern(text) or _is_odd(text) or is_qualified(text)) and is_bare(text)


def _read_text(text: str, entry: Entry, place: ProviderScope, look: Look, before: _Together) -> _Reading:
    if not _is_odd(text) or look.hits(text, place):
        return _Reading((text,))
    splits = list(_splits(text, place, look))
    meant = _meant(text, place, look)
    if (
        ids := next((split for split in splits if all(part and part.by_id for part in split.values())), None)
    ) is not None:
        return _Reading(_texts(ids))
    if meant is not None and not meant.candidates:
        return _Reading((meant.text,))
    if (names := next((split for split in splits if all(split.values())), None)) is not None:
        return _Reading(_texts(names))
    if (parts := next((tuple(split) for split in splits if _were_together(split, before)), None)) is not None:
        return _Reading(parts)
    return _partly(text, splits, entry, place, look) if meant is None else _doubtful(text, meant, entry)


def _were_together(parts: Iterable[str], before: _Together) -> bool:
    first, *others = map(fold, parts)
    return any(group.issuperset(others) for group in before.get(first, ()))


def _texts(split: Mapping[str, _Meant | None]) -> tuple[str, ...]:
    return tuple(part.text for part in split.values() if part is not None)


def _doubtful(text: str, meant: _Meant, entry: Entry) -> _Reading:
    cell = cut(text, QUOTED)
    evidence = f'"{cell}" in {entry.origin} may mean it, or another identity'
    warning = f'{entry.origin}: "{cell}" may mean {cut(meant.text, QUOTED)}, or another identity: write its id'
    return _Reading((text,), tuple(_Candidacy(key, SCORE, evidence) for key in meant.candidates), (warning,))


def _mentioning(text: str, entry: Entry, place: ProviderScope, look: Look) -> _Reading:
    """Return what a text mentions that names nothing: ``x or y``, ``old: x, new: y``, ``x-* (but not x-03)``."""
    bare = bare_id(unquoted(text))
    words = dict.fromkeys(_TOKEN.findall(text))
    found = {word: hits for word in words if _is_technical(word) and (hits := look.hits(word, place))}
    if len(words) == 1 or not (found or is_pattern(text)):
        return _Reading((bare,))
    cell = cut(text, QUOTED)
    mentioned = f"mentions {_named(found)}" if found else "is no pattern with a note"
    warning = (
        f'{entry.origin}: "{cell}" {mentioned}, and what it declares is unclear: write one identity, or several with ;'
    )
    evidence = f'"{cell}" in {entry.origin} mentions it'
    keys = dict.fromkeys(hit.key for hits in found.values() for hit in hits)
    return _Reading((bare,), tuple(_Candidacy(key, MENTIONED, evidence) for key in keys), (warning,))


def _is_technical(word: str) -> bool:
    """Return whether a word looks like a name of an account: any word of a language may be one, too."""
    return any(map(str.isalpha, word)) and (not word.isalpha() or word[1:] != word[1:].lower())


def _partly(
    text: str, splits: Sequence[Mapping[str, _Meant | None]], entry: Entry, place: ProviderScope, look: Look
) -> _Reading:
    """Return the parts that are full ids; the names beside them are candidates, because the cell may be one name."""
    named = [split for split in splits if any(split.values())]
    if not named:
        return _mentioning(text, entry, place, look)
    split = min(named, key=lambda split: sum(len(part) for part, meant in split.items() if meant is None))
    ids = tuple(part.text for part in split.values() if part is not None and part.by_id)
    names = [part.text for part in split.values() if part is not None and not part.by_id]
    cell, missing = cut(text, QUOTED), _named(part for part, meant in split.items() if meant is None)
    found = (f"{_named(ids)} counts" if ids else "", f"{_named(names)} may be meant" if names else "")
    warning = (
        f'{entry.origin}: of "{cell}", {", ".join(filter(None, found))}; {missing} was not found: '
        "correct it, or separate the identities with ;"
    )
    evidence = f'"{cell}" in {entry.origin} names it beside {missing}, which was not found'
    keys = dict.fromkeys(hit.key for name in names for hit in look.hits(name, place))
    return _Reading(ids or (text,), tuple(_Candidacy(key, SCORE, evidence) for key in keys), (warning,))


def _named(texts: Iterable[str]) -> str:
    return few([cut(text, QUOTED) for text in texts], NAMED)


def _splits(text: str, place: ProviderScope, look: Look) -> Iterator[Mapping[str, _Meant | None]]:
    """Yield the parts of a text for each kind of separator, with what they mean; None for what does not exist."""
    tried = set()
    for separator in _SEPARATORS:
        parts = tuple(dict.fromkeys(part for one in separator.split(text) if (part := one.strip())))
        if 1 < len(parts) <= MOST_PARTS and parts not in tried:
            tried.add(parts)
            yield {part: _part(part, place, look) for part in parts}


def _part(part: str, place: ProviderScope, look: Look) -> _Meant | None:
    meant = _meant(part, place, look)
    if meant is not None:
        return None if meant.candidates else meant
    if is_pattern(part) and names_something(part) and " " not in part:
        return _Meant(part, by_id=True)
    return None


def _meant(text: str, place: ProviderScope, look: Look) -> _Meant | None:
    """Return the identity that a text means: as it stands, by a spelling of its id, or beside a note."""
    plain = _plain(text, place, look)
    return plain if plain is not None else _noted(text, place, look)


def _named_in(note: str, look: Look) -> frozenset[str | None]:
    """Return the keys of what a note names; None for an id that nothing has, which is that of something gone."""
    ids = [word for word in _TOKEN.findall(note) if has_form(word) or guid(word)]
    found: set[str | None] = {hit.key for hit in look.hits(note, _ANYWHERE)}
    for word in ids:
        named = _plain(word, _ANYWHERE, look)
        hits = () if named is None else look.hits(named.text, _ANYWHERE)
        found.update([hit.key for hit in hits] or [None])
    return frozenset(found)


def _plain(text: str, place: ProviderScope, look: Look) -> _Meant | None:
    bare = bare_id(unquoted(unlisted(text)))
    for written in dict.fromkeys((text, bare)):
        if hits := look.hits(written, place):
            return _Meant(written, by_id=guid(written) is not None or any(hit.by_id for hit in hits))
    if (form := same_id(bare)) is not None:
        return _Meant(look.spelled(form, place) or (guid(bare) if "-" in bare else None) or bare, by_id=True)
    if (account := account_in_domain(bare)) is not None and (key := look.account(account, place)) is not None:
        return _Meant(key, by_id=True)
    if has_form(bare):
        return _Meant(bare, by_id=True)
    return _Meant(key, by_id=True) if "/" in bare and (key := look.ending(bare, place)) is not None else None


def _noted(text: str, place: ProviderScope, look: Look) -> _Meant | None:
    """Return the identity beside a note; only candidates if the note may say that another one is meant."""
    if (found := beside(text)) is not None:
        named, others = _plain(found.name, place, look), _named_in(found.note, look)
        if named is not None:
            keys = tuple(dict.fromkeys(hit.key for hit in look.hits(named.text, place)))
            is_sure = named.by_id or (found.in_brackets and len(keys) == 1)
            if is_sure and others.issubset(keys) and not is_apart(found.note, by_id=named.by_id):
                return named
            return named._replace(candidates=keys) if keys else None
    if _SEVERAL.search(_BRACKETS.sub("", text)):
        return None
    words = _TOKEN.findall(text)
    ids = dict.fromkeys(word for word in words if has_form(word) or guid(word))
    if len(ids) != 1 or len(words) == 1 or is_apart(" ".join(word for word in words if word not in ids), by_id=True):
        return None
    return _plain(next(iter(ids)), place, look)
