"""What a name says about people, once for all names that are the same but for numbers which say nothing."""

from __future__ import annotations

from functools import lru_cache

from scanner.model import Identity
from scanner.ownership.directory import REMEMBERED
from scanner.ownership.hints import Hint
from scanner.ownership.neighbours import LEAST_WORDS, Neighbours
from scanner.ownership.words import NamedAfter, words, zeros_for_digits


class Alike:
    """Who stands in a name, and who answers for those of similar names: ``svc-etl-0041`` says what ``-0042`` says."""

    def __init__(self, named_after: NamedAfter, neighbours: Neighbours) -> None:
        self._named_after = named_after
        self._neighbours = neighbours
        self._told = lru_cache(maxsize=REMEMBERED)(self._hints)
        self._numbers_tell = lru_cache(maxsize=REMEMBERED)(self._may_numbers_tell)

    def of_identity(self, identity: Identity) -> tuple[Hint, ...]:
        """From its name, and what is named like it in its scope and provider."""
        alike = zeros_for_digits(identity.name)
        name = identity.name if self._numbers_tell(alike) else alike
        return self._told(identity.provider, identity.scope, name)

    def _hints(self, provider: str, scope: str, name: str) -> tuple[Hint, ...]:
        told = words(name)
        return self._named_after.of_name(told) + self._neighbours.of_name(provider, scope, told)

    def _may_numbers_tell(self, alike: str) -> bool:
        """Whether they may be somebody's, or are part of an id or of what neighbours share."""
        told = words(alike)
        has_id = not all(word.isalpha() or word.isdecimal() for word in told)
        return has_id or any(map(str.isdecimal, told[:LEAST_WORDS])) or self._named_after.may_have_numbers(told)
