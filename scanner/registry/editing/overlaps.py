"""Finds entries that overlap: identities named twice, and patterns within patterns; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice, product
from typing import TypeAlias

from scanner.matching.decision import differences
from scanner.matching.declared import Declared, effective_status
from scanner.matching.globs import GlobIndex, is_pattern, literal, pieces
from scanner.matching.keys import ProviderScope, fold, is_bare, is_email, place_of
from scanner.model import Entry
from scanner.registry.editing.quality import Standard
from scanner.registry.tables.cells import shown

_SOMETHING = "\ue000"
"""A character that occurs in no name: only a wildcard matches it."""

_Shape: TypeAlias = tuple[bool, bool]
"""Return which of provider and scope an entry names."""
_SHAPES: tuple[_Shape, ...] = ((True, True), (True, False), (False, True), (False, False))

Remark: TypeAlias = tuple[str, str, str | None]
"""The column, the message and the fix."""


class _Neighbours:
    """Entries by text and by place, so that a name in thousands of scopes is looked up at once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, _Shape, ProviderScope], list[Entry]] = defaultdict(list)

    def add(self, text: str, entry: Entry) -> None:
        place = place_of(entry)
        for asked in {_reduced(place, shape) for shape in _SHAPES}:
            self._found[text, _shape(place), asked].append(entry)

    def of(self, entry: Entry, text: str) -> Iterator[Entry]:
        """Yield other entries with this text whose place may be the same."""
        place = place_of(entry)
        for shape in _SHAPES:
            yield from (one for one in self._found.get((text, shape, _reduced(place, shape)), ()) if one is not entry)


def _shape(place: ProviderScope) -> _Shape:
    provider, scope = place
    return provider is not None, scope is not None


def _reduced(place: ProviderScope, shape: _Shape) -> ProviderScope:
    provider, scope = place
    return provider if shape[0] else None, scope if shape[1] else None


_SAMPLE = 5_000


def twins(entries: Sequence[Entry], standard: Standard) -> Iterator[tuple[Entry, Remark]]:
    """Yield identities that two entries name for the same place, each at the later entry.

    Two entries of one registry conflict in any case. Those of two registries are one declaration, unless they
    contradict each other.
    """
    seen = _Neighbours()
    for entry in entries:
        for text in entry.identities:
            # Text as matching compares it: e-mails and names ignore case.
            exact = text if is_pattern(text) else literal(text)
            compared = fold(exact) if is_email(exact) or is_bare(exact) else exact
            contradictions = (_contradiction(text, entry, other, standard) for other in seen.of(entry, compared))
            if said := next(filter(None, contradictions), None):
                yield entry, said
            seen.add(compared, entry)


def _contradiction(text: str, entry: Entry, other: Entry, standard: Standard) -> Remark | None:
    message = f"{shown(text)} is declared at {other.origin}, too"
    if entry.registry == other.registry:
        return "identities", message, "keep one of them"
    one, another = (Declared(entry=each, status=effective_status(each, standard.today)) for each in (entry, other))
    differing = differences(one, another, standard.who)
    return ("identities", f"{message}, and differs in {', '.join(differing)}", "make them agree") if differing else None


def covered(entries: Sequence[Entry]) -> Iterator[tuple[Entry, Remark]]:
    """Yield patterns that match nothing besides what a wider pattern of another entry matches."""
    holders: dict[str, list[Entry]] = defaultdict(list)
    neighbours = _Neighbours()
    for entry in entries:
        for text in filter(is_pattern, entry.identities):
            holders[text].append(entry)
            neighbours.add(text, entry)
    sample = [_example(text) for text in islice(holders, _SAMPLE)]  # without one, a prefix of all counts as rare
    globs = GlobIndex(((text, text) for text in holders), sample=sample)
    for text, held_by in holders.items():
        wider = [one for one in globs.hits(_example(text)) if one != text]
        for entry, one in product(held_by, wider):
            if other := next(neighbours.of(entry, one), None):
                message = f"the pattern {shown(text)} is covered by {shown(one)} at {other.origin}"
                yield entry, ("identities", message, "the narrower one counts; is it still needed?")


def _example(pattern: str) -> str:
    """Return a text that only patterns at least as wide match."""
    across = f"{_SOMETHING}/{_SOMETHING}:{_SOMETHING}"
    fillings = {"": "", "*": _SOMETHING, "**": across}
    return "".join(fillings[piece.wild] + piece.literal for piece in pieces(pattern))
