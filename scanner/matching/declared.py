"""The entries as the ladder looks them up: by a text and a place, each with how far it counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal, TypeAlias, get_args

from msgspec import Struct

from scanner.matching.keys import Place, place_of
from scanner.model import Entry

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
