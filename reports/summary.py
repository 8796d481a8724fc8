"""What a whole result says in a few sentences and counts, the caveats included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import get_args

from scanner.model import Coverage, OwnershipState, RegistryState, ScanResult, UsageState

AXES: Mapping[str, tuple[str, ...]] = {
    "registry": get_args(RegistryState),
    "ownership": get_args(OwnershipState),
    "usage": get_args(UsageState),
}
"""The three axes with their states, in the order in which they are shown."""


def count_states(result: ScanResult) -> dict[str, dict[str, int]]:
    """Identities by axis and state; states that nobody is in count 0."""
    counts = {axis: Counter(getattr(judged, axis).state for judged in result.identities) for axis in AXES}
    return {axis: {state: counts[axis][state] for state in states} for axis, states in AXES.items()}


def gaps_of(result: ScanResult) -> list[Coverage]:
    """What could not be read completely, in the result's order."""
    return [coverage for coverage in result.coverage if coverage.is_gap]


def counted(number: int, one: str, many: str) -> str:
    """``1 gap``, ``2 gaps``."""
    return f"{number} {_either(number, one, many)}"


def headline(result: ScanResult) -> str:
    """The one sentence to remember; it says so when it does not know all."""
    states = count_states(result)
    total = counted(len(result.identities), "identity", "identities")
    unregistered, orphaned = states["registry"]["unregistered"], states["ownership"]["orphaned"]
    if not result.identities:
        return "No identities could be read." if gaps_of(result) else "No identities were found."
    if states["registry"]["unchecked"] == len(result.identities):
        told = f"{total} found; whether anybody declared them was not checked."
    elif not unregistered and not orphaned:
        told = f"of {total}, none is undeclared and none is orphaned."
    else:
        told = (
            f"{unregistered} of {total} {_either(unregistered, 'is', 'are')} declared by nobody; "
            f"{orphaned} {_either(orphaned, 'has nobody who answers for it', 'have nobody who answers for them')}."
        )
    return f"As far as could be read, {told}" if gaps_of(result) else told[0].upper() + told[1:]


def caveats(result: ScanResult) -> list[str]:
    """What a reader must know before believing a number; empty where all is well."""
    states = count_states(result)
    no_registry, no_roster = states["registry"]["unchecked"], states["ownership"]["unchecked"]
    gaps = len(gaps_of(result))
    provisional = sum(judged.registry.provisional for judged in result.identities)
    stale = sum(not judged.rechecked for judged in result.identities)
    unread = counted(gaps, "section", "sections")
    told = (
        (gaps, f"Incomplete: {unread} could not be read in full; the numbers below are a floor."),
        (
            no_registry,
            "No registry was given: nothing can be called registered or unregistered. Give one with --registry FILE.",
        ),
        (
            no_roster and not no_registry,
            "No roster was given: whether owners are still there was not checked. Give one with --people FILE.",
        ),
        (provisional, f"{provisional} of the unregistered are provisional: a gap hides what might match them."),
        (stale, f"{counted(stale, 'identity was', 'identities were')} not re-checked: their last verdicts stand."),
    )
    return [text for holds, text in told if holds]


def _either(number: int, one: str, many: str) -> str:
    return one if number == 1 else many
