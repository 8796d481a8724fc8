"""The context of all readings: rows decoded separately, and a Coverage for each place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, cast

import msgspec
from msgspec import Raw, structs

from connectors.core.contract import Meter, Scope, SectionReading, own_words
from connectors.gcp.client.api import GcpApi, GcpPage, Query
from connectors.gcp.client.errors import decoded
from connectors.gcp.client.requests import Request
from connectors.gcp.identities.found import UnitFacts
from connectors.gcp.keys import account_key, service_agent_key
from connectors.gcp.rights.members import AGENTS, account_of
from connectors.gcp.settings import GcpSettings
from connectors.gcp.units import GcpUnit, ProjectRef
from scanner.errors import SourceError, Unreachable, with_fix
from scanner.model import Coverage, Credential

T = TypeVar("T")
NO_PROJECT = "-"
"""The placeholder in keys for an unknown project."""


class GcpReader:
    """Reads sections of one unit.

    ``gaps``: scopes by name, without qualifier, of sections that are gaps there. ``found``: facts of identities besides
    their own row.
    """

    def __init__(
        self, api: GcpApi, scope: Scope, meter: Meter, settings: GcpSettings, *, found: UnitFacts | None = None
    ) -> None:
        self.api = api
        self.scope = scope
        self.place: GcpUnit = scope.context
        self.settings = settings
        self.meter = meter
        self.gaps: defaultdict[str, set[str]] = defaultdict(set)
        self.found = found or UnitFacts()
        self._lost: defaultdict[SectionReading, list[tuple[str, SourceError]]] = defaultdict(list)
        self._projects = {name: one for one in self.place.projects for name in (one.id, one.number)}

    def of_project(self, project: ProjectRef) -> GcpReader:
        """A reader of one project below, as if it were a unit of its own; it has the gaps known so far."""
        place = GcpUnit(kind="project", name=project.name, projects=(project,), ancestors=project.ancestors)
        meter = Meter()
        api = self.api.counting(meter, own_project=(project.id, project.number))
        scope = structs.replace(self.scope, id=project.id, context=place, feeds_within=True)
        one = GcpReader(api, scope, meter, self.settings, found=self.found)
        one.gaps.update({name: {project.id} for name in self.gaps if self.lacks(project, name)})
        return one

    def take_gaps(self, other: GcpReader) -> None:
        """Those of a reader of one project below."""
        for name, scopes in other.gaps.items():
            self.gaps[name] |= scopes

    def lacks(self, project: ProjectRef, *names: str) -> bool:
        """Whether one of these sections ended as a gap, for the project or for the whole unit."""
        return any(self.gaps.get(name, set()) & {project.id, self.scope.id} for name in names)

    def wants(self, name: str) -> bool:
        """Whether a section is to be read."""
        return name in self.settings.sections

    def section(self, name: str) -> SectionReading:
        """Begin a section."""
        return self.scope.section(name, meter=self.meter)

    def project(self, name: str) -> ProjectRef | None:
        """The project by id or number, with or without ``projects/``; None for one that this unit does not read."""
        return self._projects.get(name.removeprefix("projects/"))

    def home_of(self, email: str) -> ProjectRef | None:
        """The project of a service account; None for one that this unit does not read."""
        account = account_of(email)
        return self.project(account.project or account.number or "")

    def account_key(self, email: str) -> str:
        """The key of a service account or agent, wherever it lives."""
        account, home = account_of(email), self.home_of(email)
        if account.kind in AGENTS:
            return service_agent_key(email)
        return account_key(home.id if home else account.project or NO_PROJECT, email)

    def rows(
        self, section: SectionReading, request: Request, row: type[T], query: Query | None = None, **places: str
    ) -> Iterator[T]:
        """A listing's rows. A malformed row affects no other; places that the API could not read are a gap."""
        return self.decoded(section, self.api.pages(request, query, **places), row)

    def decoded(self, section: SectionReading, pages: Iterable[GcpPage], row: type[T]) -> Iterator[T]:
        """The rows of pages."""
        for page in pages:
            for raw in page.rows:
                decoded = self.row(section, raw, row)
                if decoded is not None:
                    yield decoded
            if page.unreachable:
                why = "not reachable by the API" if self.meter.asks else "not in the files"
                section.lost(Unreachable(f"{why}: {', '.join(page.unreachable)}"), partial=True)

    def row(self, section: SectionReading, raw: Raw, row: type[T], name: str = "") -> T | None:
        """One row; None, and a gap of that row, if it is malformed."""
        try:
            return cast("T", decoded(raw, row))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            section.malformed(name or bytes(raw)[:80].decode(errors="replace"), str(error))
            return None

    def parsed(self, section: SectionReading, name: str, parse: Callable[..., T], *facts: Any) -> T | None:
        """The result of ``parse``; None, and a gap of that row, if it raises ValueError."""
        try:
            return parse(*facts)
        except ValueError as error:
            section.malformed(name, str(error))
            return None

    def lost(self, section: SectionReading, error: SourceError, place: str, *, partial: bool) -> None:
        """As ``section.lost``, of one project, by id, or of what is above the projects, by the unit's id."""
        section.lost(error, partial=partial)
        self._lost[section].append((place, error))

    def done(self, section: SectionReading, found: Mapping[str, int] | None = None) -> Iterator[Coverage]:
        """The section's coverage; of a bulk unit also one for each project below, since identities are of these.

        A project of which nothing was lost was read, whatever could not be read of others. ``found``: identities by
        project id. Requests count once, for the unit.
        """
        coverage = section.coverage
        lost = self._lost.pop(section, [])
        if coverage.status == "partial" and len(lost) == section.parts_lost:
            yield from self._by_place(section, lost, found or {})
            return
        if coverage.is_gap:
            self.gaps[coverage.section.partition(":")[0]].add(self.scope.id)
        projects = [one.id for one in self.place.projects if one.id != self.scope.id]
        counts = found or {}
        rest = coverage.identities - sum(counts.get(project, 0) for project in projects)
        yield structs.replace(coverage, identities=max(0, rest))
        for project in projects:
            found_there = counts.get(project, 0)
            yield structs.replace(coverage, scope=project, identities=found_there, calls=0, feeds_within=True)

    def _by_place(
        self, section: SectionReading, lost: Sequence[tuple[str, SourceError]], found: Mapping[str, int]
    ) -> Iterator[Coverage]:
        """The coverage of a section of which the places of all that was lost are known.

        An identity of any project may have rights in the one that was not read, so that gap is not within its project.
        """
        coverage = section.coverage
        by_place: defaultdict[str, list[SourceError]] = defaultdict(list)
        for place, error in lost:
            by_place[place].append(error)
        self.gaps[coverage.section.partition(":")[0]].update(by_place)
        projects = [one.id for one in self.place.projects if one.id != self.scope.id]
        rest = coverage.identities - sum(found.get(project, 0) for project in projects)
        whole = structs.replace(coverage, status="complete", permission=None, detail=section.notes)
        of_unit = coverage if self.scope.id in by_place else whole
        yield structs.replace(of_unit, identities=max(0, rest))
        for project in projects:
            errors = by_place.get(project, [])
            own = structs.replace(
                coverage,
                permission=next((error.permission for error in errors if error.permission), None),
                detail="; ".join(dict.fromkeys(with_fix(own_words(error), error.hint) for error in errors)),
            )
            yield structs.replace(
                own if errors else whole,
                scope=project,
                identities=found.get(project, 0),
                calls=0,
                feeds_within=not errors,
            )

    def off(self, name: str) -> Iterator[Coverage]:
        """Coverage of an optional section that is off."""
        for scope in dict.fromkeys((self.scope.id, *(one.id for one in self.place.projects))):
            yield structs.replace(self.scope.coverage(name, "off"), scope=scope)

    def skipped(self, name: str, why: str) -> Coverage:
        """A section that cannot even be tried."""
        self.gaps[name].add(self.scope.id)
        return self.scope.coverage(name, "skipped", detail=why)


# --- Credentials attached to their accounts ---


class Attached:
    """Attaches credentials to listed accounts, and counts those of other accounts."""

    def __init__(self, reader: GcpReader) -> None:
        self._reader = reader
        self._left = 0

    def add(self, project: str, email: str, credential: Credential) -> None:
        """``project``: the id of the one that the account lives in."""
        if self._reader.found.accounts.has(project, email):
            self._reader.found.accounts.facts[email].credentials.append(credential)
        else:
            self._left += 1

    def report_left_out(self, section: SectionReading) -> None:
        """Add a note with the number of credentials of unlisted accounts."""
        if self._left:
            section.note(f"{self._left} of accounts that were not listed left out")
