"""An organisation in the making: the dice, the lists as they grow, and the truth that is written beside them."""

from __future__ import annotations

from random import Random
from typing import Any

from benchmarks.organisation.owners import WAYS, Answer, Way
from benchmarks.organisation.roster import Roster
from benchmarks.organisation.rows import Sheet, texts
from benchmarks.organisation.truth import Truth
from benchmarks.organisation.workloads import PLATFORMS, STYLES, Platform, Workload, workloads
from scanner.model import Entry, EntryState, Identity, Rung

TAG_KEY = "muster:entry"


class Draft:
    """An organisation in the making."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.roster = Roster(rng)
        self.sheet = Sheet(rng)
        self.truth: dict[str, Truth] = {}
        self.states: dict[str, EntryState] = {}
        self.identities: list[Identity] = []
        self.imitations = 0
        self._workloads = workloads(rng)

    def workload(self) -> Workload:
        """One that the organisation does not have yet."""
        return next(self._workloads)

    def answer(self, way: Way, workload: Workload) -> Answer:
        """How the owner of this workload is written down."""
        return way(self.roster, self.rng, workload)

    def make(self, workload: Workload, platform: Platform | None = None, /, **facts: Any) -> Identity:
        """An identity for the workload, on some platform, in some scope, under a name in some team's style."""
        platform = platform or self.rng.choice(PLATFORMS)
        name = facts.pop("name", None) or self._name(workload, platform)
        scope = facts.pop("scope", None) or self.rng.choice(platform.scopes)
        return platform.identity(name, scope, workload.team, self.rng, **facts)

    def _name(self, workload: Workload, platform: Platform) -> str:
        name = self.rng.choice(list(STYLES.values()))(workload.words)
        return name.replace("e", "é", 1) if platform.provider == "azure" and self.rng.random() < 0.2 else name

    def add(self, identity: Identity, answer: Answer, *entries: Entry, **truth: Any) -> None:
        """The identity, and what is true of it; ``entries``: those that declare it."""
        self.identities.append(identity)
        self.truth[identity.key] = Truth(entries=tuple(one.id for one in entries), **{**answer.truth, **truth})

    def row(self, workload: Workload, *identities: str, state: EntryState = "found", **facts: Any) -> Entry:
        """A row, and the state that it should come to."""
        entry = self.sheet.add(workload, *identities, **facts)
        self.states[entry.id] = state
        return entry

    def declare(self, rung: Rung, *, placed: bool = False, **facts: Any) -> tuple[Identity, Entry, Workload]:
        """An identity with one row that represents it. ``placed``: the row names provider and scope."""
        workload = self.workload()
        way = self.rng.choices(list(WAYS), list(WAYS.values()))[0]
        answer = self.answer(way, workload)
        fitting = [one for one in PLATFORMS if _has(one, rung)]
        platform = facts.pop("platform", None) or self.rng.choice(fitting)
        identity = self.make(workload, platform, **{**answer.identity, **facts})
        place = self.sheet.place(identity, scope_needed=placed)
        entry = self.row(workload, self.sheet.hand_written(identity, rung), **place, **answer.row)
        self.add(identity, answer, entry, rung=rung)
        return identity, entry, workload


def _has(platform: Platform, rung: Rung) -> bool:
    """Whether its identities can be written in that way."""
    return rung in texts(platform.identity("any", platform.scopes[0], "any", Random(0)))
