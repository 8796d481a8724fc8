"""Who answers for the role that something runs as: an agent is most likely theirs, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from scanner.model import Identity
from scanner.ownership.hints import SCORES, Hint


class Roles:
    """``owner_of``: the e-mail of whoever answers for an identity and stays, by its key; None where nobody does."""

    def __init__(self, owner_of: Callable[[str], str | None]) -> None:
        self._owner_of = owner_of

    def of_identity(self, identity: Identity) -> Iterator[Hint]:
        """The owners of all that it runs as."""
        for link in identity.links:
            if link.relation == "runs_as" and (owner := self._owner_of(link.target)) is not None:
                yield Hint("role", owner, SCORES.signals["role"], f"{owner} owns {link.target}, as which it runs")
