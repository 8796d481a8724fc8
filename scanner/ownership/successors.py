"""Who took over from somebody: the owner of entries that still name, in whatever column, the one who is gone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from functools import cached_property
from typing import NamedTuple

from scanner.model import Entry
from scanner.ownership.directory import Directory
from scanner.ownership.hints import named_in


class Successor(NamedTuple):
    """Who owns so many of the entries that name somebody, of which ``total`` have an owner who stays."""

    email: str
    owns: int
    total: int


class Successors:
    """Reads the entries when it is asked for the first time: where nobody has left, nobody asks."""

    def __init__(self, entries: Collection[Entry], directory: Directory) -> None:
        self._entries = entries
        self._directory = directory

    def of(self, email: str) -> Successor | None:
        """Who took over most from this person or group; None: nobody took over anything."""
        handed_over = self._handed_over.get(email)
        if handed_over is None:
            return None
        owners = Counter(owner for owned in handed_over for owner in owned)
        likeliest = min(owners, key=lambda owner: (-owners[owner], owner))
        return Successor(likeliest, owners[likeliest], len(handed_over))

    @cached_property
    def _handed_over(self) -> dict[str, list[set[str]]]:
        """For whoever is gone or about to go: the owners who stay, of each entry that names them and has such."""
        found: dict[str, list[set[str]]] = defaultdict(list)
        resolve, stays = self._directory.resolve, self._directory.stays
        for entry in self._entries:
            named = [(column, person) for column, text in named_in(entry) if (person := resolve(text)) is not None]
            owners = {person.email for column, person in named if column == "owner" and stays(person)}
            if owners:
                for email in {person.email for _, person in named if not stays(person)}:
                    found[email].append(owners)
        return found
