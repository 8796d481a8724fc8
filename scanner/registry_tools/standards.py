"""What entries are measured by: the day, the policy, who is there to answer, and which providers there are."""

from __future__ import annotations

from datetime import date

from msgspec import Struct

from scanner.matching.agreement import Who, as_written
from scanner.matching.keys import provider_key
from scanner.model import Policy
from scanner.ownership.machines import is_machine
from scanner.roster import Roster

KINDS = frozenset({"agent", "service", "pipeline", "integration", "application", "break_glass", "other"})


class Standard(Struct, frozen=True, kw_only=True):
    """``roster``: None where none was given, and then every name will do.

    ``providers``: those that can be scanned, as they are compared; None where lists may be of any.
    """

    today: date
    policy: Policy = Policy()
    roster: Roster | None = None
    providers: frozenset[str] | None = None
    kinds: frozenset[str] = KINDS

    def why_not_accountable(self, owner: str) -> str | None:
        """Why somebody cannot answer for anything; None: they can, or nobody can tell."""
        if self.roster is None:
            return None
        person = self.roster.resolve(owner)
        if person is None:
            return "is a machine" if is_machine(owner) else self.roster.meaning(owner).why_nobody
        if self.roster.is_active(person):
            return None
        if person.is_group:
            return "has no active member"
        return f"left on {person.left_on}" if person.left_on else "has left"

    def why_not_for_long(self, owner: str) -> str | None:
        """Why somebody who can answer for something will not for long; None: they stay, or nobody can tell."""
        person = self.roster.resolve(owner) if self.roster else None
        if self.roster is None or person is None or not self.roster.is_active(person) or self.roster.stays(person):
            return None
        if person.is_group:
            return "has active members, and all of them are leaving"
        return f"leaves on {person.left_on}" if person.left_on else "leaves"

    @property
    def who(self) -> Who:
        """Whom the name of an owner means, as a scan takes it."""
        return as_written if self.roster is None else self.roster.meant_by

    def knows_provider(self, provider: str) -> bool:
        """Whether identities could be found there."""
        return self.providers is None or provider_key(provider) in self.providers
