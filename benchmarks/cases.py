"""What is so beside what Muster says, for everything in a made-up organisation."""

from __future__ import annotations

from msgspec import Struct

from benchmarks.naive import by_likeness, by_substring
from benchmarks.organisation import NOW, TAG_KEY, Organisation, Truth
from benchmarks.organisation.written import Cell, Written
from scanner.discovery.inventory import Inventory
from scanner.judging.last_known.remembered import Remembered
from scanner.judging.pipeline import Declared, judge
from scanner.matching.places import SourceRef
from scanner.model import ANY_KIND, Assessment, Coverage, EntryAssessment, OwnershipVerdict, ScanInfo, ScanResult


class Case(Struct, frozen=True):
    """One identity: what is so, what Muster says, and which entry each naive way takes for it."""

    truth: Truth
    said: Assessment
    substring: str | None
    likeness: str | None

    @property
    def registered_to(self) -> str | None:
        """The entry that Muster registers it to."""
        return self.said.registry.entry

    @property
    def falsely_registered(self) -> bool:
        """Whether that entry does not declare it: the costly mistake."""
        return self.registered_to is not None and self.registered_to not in self.truth.entries


class Outcome(Struct, frozen=True):
    """One organisation, judged. ``states``: of each entry, what is so and what Muster says."""

    cases: tuple[Case, ...]
    states: tuple[tuple[str, str], ...]
    not_found: tuple[tuple[str, EntryAssessment], ...]
    """The key of each renamed or mistyped identity, and what became of the entry that meant it."""


def scanned(org: Organisation) -> ScanResult:
    """The organisation through the real pipeline, every place of it completely read."""
    places = sorted({(one.source, one.provider, one.scope) for one in org.identities})
    coverage = tuple(
        Coverage(source=source, provider=provider, scope=scope, section="all", status="complete", kinds=(ANY_KIND,))
        for source, provider, scope in places
    )
    return judge(
        Inventory(identities=org.identities, coverage=coverage),
        Declared(
            entries=org.entries,
            people=org.people,
            ownership=org.ownership,
            tag_keys=(TAG_KEY,),
            sources=tuple(SourceRef(name=name, provider=name) for name in sorted({place[0] for place in places})),
        ),
        Remembered(),
        ScanInfo(id="accuracy", started_at=NOW, finished_at=NOW, version="0"),
    )


def owners_said(cells: Written) -> tuple[tuple[Cell, OwnershipVerdict], ...]:
    """What is said of who answers, beside each cell that names them."""
    coverage = Coverage(
        source="saas", provider="saas", scope="all", section="all", status="complete", kinds=(ANY_KIND,)
    )
    result = judge(
        Inventory(identities=cells.identities, coverage=(coverage,)),
        Declared(entries=cells.entries, people=cells.people, sources=(SourceRef(name="saas", provider="saas"),)),
        Remembered(),
        ScanInfo(id="accuracy", started_at=NOW, finished_at=NOW, version="0"),
    )
    return tuple((cells.cells[one.identity.key], one.ownership) for one in result.identities)


def judged(org: Organisation) -> Outcome:
    """What is so and what is said of everything in it."""
    result = scanned(org)
    substring, likeness = by_substring(org.identities, org.entries), by_likeness(org.identities, org.entries)
    entries = {one.entry.id: one for one in result.entries}
    said = {one.identity.key: one for one in result.identities}
    return Outcome(
        tuple(Case(org.truth[key], one, substring.get(key), likeness.get(key)) for key, one in said.items()),
        tuple((org.states[entry], one.state) for entry, one in entries.items()),
        tuple((key, entries[truth.partner]) for key, truth in org.truth.items() if truth.partner is not None),
    )
