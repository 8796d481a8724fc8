"""One of the two sides that are compared, identities or entries: found by the keys of its names, and by scope."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Generic, TypeVar

from msgspec import Struct

from scanner.suggestions.names import Spelled

CROWD = 8
"""Of so many subjects with one name each is considered; of more, so many in the scopes that ask, and the first."""

T = TypeVar("T")
Scopes = Collection[str | None]


class Called(Struct, Generic[T], frozen=True, gc=False):
    """A subject under one of its names."""

    id: str
    subject: T
    name: Spelled


class Side(Generic[T]):
    """Subjects, those that come first preferred where many share a name."""

    def __init__(
        self,
        subjects: Iterable[T],
        *,
        id_of: Callable[[T], str],
        names: Callable[[T], Sequence[Spelled]],
        scopes: Callable[[T], Scopes],
    ) -> None:
        by_key: dict[str, list[Called[T]]] = defaultdict(list)
        for subject in subjects:
            for name in names(subject):
                by_key[name.key].append(Called(id_of(subject), subject, name))
        self.keys = sorted(by_key)
        self._by_key = dict(by_key)
        self.scopes = scopes
        self._crowds: dict[str, dict[str | None, list[Called[T]]]] = {}

    def all(self, key: str) -> Sequence[Called[T]]:
        """Everybody with a name of that key."""
        return self._by_key[key]

    def near(self, key: str, scopes: Scopes) -> Sequence[Called[T]]:
        """Those with a name of that key that are worth a look from these scopes, of a crowd a few."""
        everybody = self._by_key[key]
        if len(everybody) <= CROWD:
            return everybody
        by_scope = self._crowd(key)
        local = (one for scope in sorted(scopes, key=str) for one in by_scope.get(scope, ()))
        return list({one.id: one for one in (*local, *everybody[:CROWD])}.values())

    def _crowd(self, key: str) -> dict[str | None, list[Called[T]]]:
        """The first few of each scope."""
        if key not in self._crowds:
            by_scope: dict[str | None, list[Called[T]]] = defaultdict(list)
            for one in self._by_key[key]:
                for scope in self.scopes(one.subject):
                    if len(by_scope[scope]) < CROWD:
                        by_scope[scope].append(one)
            self._crowds[key] = dict(by_scope)
        return self._crowds[key]
