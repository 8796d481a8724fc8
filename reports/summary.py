"""What a whole result says in a few sentences and counts, the caveats included."""

from __future__ import annotations

from functools import cached_property

from reports.phrases import joined
from scanner.model import Coverage, ScanResult
from scanner.model.summary import by_state
from scanner.text import counted, either

_NO_REGISTRY = "No registry was given: nothing can be called registered or unregistered. Give one with --registry FILE."
_NO_ROSTER = "No roster was given: whether owners are still there was not checked. Give one with --people FILE."


class Digest:
    """A result with what it comes to; each part is worked out when it is first asked for, and once."""

    def __init__(self, result: ScanResult) -> None:
        self.result = result

    @cached_property
    def states(self) -> dict[str, dict[str, int]]:
        """Identities by axis and state; states that nobody is in count 0."""
        return by_state(self.result.identities)

    @cached_property
    def gaps(self) -> list[Coverage]:
        """What could not be read completely, in the result's order."""
        return [coverage for coverage in self.result.coverage if coverage.is_gap]

    @cached_property
    def headline(self) -> str:
        """The one sentence to remember; it says so when it does not know all."""
        identities = len(self.result.identities)
        if not identities and self.result.only:
            return "Nothing that the scan found is asked for here."
        if not identities:
            return "No identities could be read." if self.gaps else "No identities were found."
        total = counted(identities, "identity", "identities")
        unregistered, orphaned = self.states["registry"]["unregistered"], self.states["ownership"]["orphaned"]
        if self.states["registry"]["unchecked"] == identities:
            told = f"{total} found; whether anybody declared them was not checked."
        elif not unregistered and not orphaned:
            told = f"of {total}, none is undeclared and none is orphaned."
        else:
            told = (
                f"{unregistered:,} of {total} {either(unregistered, 'is', 'are')} declared by nobody; {orphaned:,} "
                f"{either(orphaned, 'has nobody who answers for it', 'have nobody who answers for them')}."
            )
        return f"As far as could be read, {told}" if self.gaps else told[0].upper() + told[1:]

    @cached_property
    def caveats(self) -> list[str]:
        """What a reader must know before believing a number; empty where all is well."""
        no_registry, no_roster = self.states["registry"]["unchecked"], self.states["ownership"]["unchecked"]
        registry = [judged.registry for judged in self.result.identities if judged.registry.provisional]
        provisional = sum(one.state == "unregistered" for one in registry)
        contested = len(registry) - provisional
        others = counted(contested, "other identity is", "other identities are")
        stale = sum(not judged.rechecked for judged in self.result.identities)
        unread = counted(len(self.gaps), "section", "sections")
        told = (
            (self.result.only, self.result.only or ""),
            (self.gaps, f"Incomplete: {unread} could not be read in full; the numbers below are a floor."),
            (no_registry, _NO_REGISTRY),
            (no_roster and not no_registry, _NO_ROSTER),
            (provisional, f"{provisional:,} of the unregistered are provisional: a gap hides what might match them."),
            (contested, f"{others} provisional: a registry row that cannot be read names them."),
            (stale, f"{counted(stale, 'identity was', 'identities were')} not re-checked: the last verdicts stand."),
        )
        return [text for holds, text in told if holds]


def gap_text(gap: Coverage) -> str:
    """A gap without its status: the place, the permission that is missing, and what went wrong."""
    place = f"{gap.provider} {gap.scope} {gap.section}"
    why = joined(fact for fact in (gap.permission and f"needs {gap.permission}", gap.detail) if fact)
    return f"{place}: {why}" if why else place
