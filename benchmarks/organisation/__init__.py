"""A made-up organisation whose truth is known: its identities, its registry as people keep it, and its people."""

from __future__ import annotations

from random import Random

from benchmarks.organisation.draft import TAG_KEY, Draft
from benchmarks.organisation.imitations import IMITATIONS, rogue_bot
from benchmarks.organisation.scenarios import FALLBACK, RULE_PREFIX, SCENARIOS
from benchmarks.organisation.truth import CHANGES, OWNER_SIGNALS, Change, Organisation, OwnerSignal, Truth
from benchmarks.organisation.workloads import NOW, PLATFORMS
from scanner.model import Ownership, OwnershipRule

__all__ = [
    "CHANGES",
    "IMITATIONS",
    "NOW",
    "OWNER_SIGNALS",
    "PLATFORMS",
    "TAG_KEY",
    "Change",
    "Organisation",
    "OwnerSignal",
    "Truth",
    "organisation",
]


def organisation(seed: int, size: int) -> Organisation:
    """One of at least so many identities; the same seed and size give the same one, whatever came before."""
    draft = Draft(Random(seed))
    rogue_bot(draft)
    while len(draft.identities) < size:
        scenario = draft.rng.choices(list(SCENARIOS), list(SCENARIOS.values()))[0]
        scenario(draft)
    return Organisation(
        identities=tuple(sorted(draft.identities, key=lambda one: one.key)),
        entries=tuple(draft.sheet.entries),
        people=tuple(draft.roster.people),
        ownership=Ownership(
            platforms={":".join(FALLBACK): draft.roster.groups["platform"].email},
            rules=(OwnershipRule(match=f"{RULE_PREFIX}*", owner=draft.roster.groups["analytics"].email),),
        ),
        truth=draft.truth,
        states=draft.states,
    )
