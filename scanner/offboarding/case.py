"""One thing that is to be handed over, with all that the answers about it depend on."""

from __future__ import annotations

from msgspec import Struct

from scanner.model import Assessment, Entry, EntryAssessment
from scanner.offboarding.leaver import Leaver
from scanner.offboarding.records import ROLES, Role
from scanner.offboarding.ties import Tie


class Case(Struct, frozen=True, kw_only=True):
    """An identity (``judged``), or an entry that stands for none (``declared``), and what ties the leaver to it.

    ``named_in``: ids of the entries that name the leaver. ``entries``: those that stand for it, whoever they name.
    """

    leaver: Leaver
    ties: tuple[Tie, ...]
    named_in: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()
    judged: Assessment | None = None
    declared: EntryAssessment | None = None

    @property
    def role(self) -> Role:
        """What the leaver mostly is to it: the gravest of all roles."""
        return min((tie.role for tie in self.ties), key=ROLES.index)

    @property
    def entry_ids(self) -> tuple[str, ...]:
        """The entries to change: those that name the leaver, else those that stand for it."""
        return self.named_in or tuple(entry.id for entry in self.entries)

    @property
    def is_ambiguous(self) -> bool:
        """Whether its entries are rivals, so that only whom all of them name answers for it."""
        return self.judged is not None and self.judged.registry.state == "ambiguous"
