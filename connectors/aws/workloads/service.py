"""Reads a region: its services in parallel, the sections of a service one after the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, structs

from connectors.aws.client.payloads import AwsAccount
from connectors.aws.client.reading import read_each
from connectors.aws.client.session import AwsClient, AwsSession, valid_in
from connectors.aws.workloads.calls import Calls, Raw, filled_all
from connectors.aws.workloads.catalog import BY_SECTION, TAGS, TYPES, children, kept, mentions, wanted
from connectors.aws.workloads.declarations import Fields, ResourceType, Where
from connectors.aws.workloads.entries import ASSIGNMENTS
from connectors.aws.workloads.paths import filled, found, texts
from connectors.aws.workloads.records import Around, agent, workload
from connectors.aws.workloads.region import Region
from connectors.aws.workloads.rows import Row, cut_down
from connectors.aws.workloads.stored import stored_secret, with_tags
from connectors.aws.workloads.tools import tools_by_key
from connectors.core.budget import Pool
from connectors.core.contract import DiscoveredRecord, Scope, SectionReading
from scanner.errors import Denied, NotOffered, SourceError
from scanner.model import Coverage, StoredSecret

_SECRET_NAMES = ("{Name}", "{ARN}")


class _LeadsOn(Struct, frozen=True):
    """References of a section's rows: types that are listed under them, and paths that name rows of other types.

    Each path comes with the path to the place of the reference, if it is kept.
    """

    under: tuple[ResourceType, ...]
    paths: tuple[tuple[str, str | None], ...]


class ServiceReading:
    """The state of reading one service. Rows are reduced at once, except for what leads to other rows."""

    def __init__(self, region: Region, types: Sequence[ResourceType]) -> None:
        self._region = region
        self._types = types
        self._meter = region.session.new_meter()
        self._coverage: dict[str, Coverage] = {}
        self._rows: defaultdict[str, dict[str, Row]] = defaultdict(dict)
        self._secrets: list[StoredSecret] = []
        self._leads: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
        self._mentioned: defaultdict[str, set[str]] = defaultdict(set)
        self._met_in: defaultdict[str, set[str]] = defaultdict(set)
        self._unread: defaultdict[str, set[str]] = defaultdict(set)
        self._not_asked: set[str] = set()
        """Sections some of whose calls do not exist here: no gap, and still not known to be whole."""
        self._tools: Mapping[str, Mapping[str, Any]] = {}
        self._incomplete: set[str] = set()
        """Sections with rows that miss what a call should have returned: that is a gap already."""

    def read(self) -> Iterator[DiscoveredRecord]:
        """Read every section of the service, then yield the records of each section followed by its coverage."""
        for one in self._types:
            self._coverage[one.section] = self._read(one)
        whole = {section for section, one in self._coverage.items() if one.status == "complete"}
        self._tools = tools_by_key(self._rows, whole - self._not_asked)
        around = self._around()
        yield from _merged(self._secrets)
        for one in self._types:
            for row in self._rows[one.section].values():
                yield from self._records(one, row, around)
            yield self._coverage[one.section]

    def _read(self, one: ResourceType) -> Coverage:
        region, meter = self._region, self._meter
        with (
            region.scope.section(one.section, meter=meter) as section,
            valid_in(region.session, region.where.region, meter),
        ):
            try:
                self._read_rows(one, section)
            except SourceError as error:
                raise self._explained(error, one) from error
        return section.coverage

    def _read_rows(self, one: ResourceType, section: SectionReading) -> None:
        self._check_parents(one, [one.listing.under], section)
        calls = Calls(client=self._client(one), one=one, where=self._region.where, members=kept(one))
        rows = self._under_parents(calls, section) if one.listing.under else self._at_top(calls, section)
        self._take(one, self._detailed(calls, rows, section), section)
        if one.listing.also:
            self._check_parents(one, [source for source, _ in one.listing.also], section)
            mentioned = {each for source, _ in one.listing.also for each in self._mentioned[source]}
            further: list[Raw] = [{"id": each} for each in sorted(mentioned - set(self._rows[one.section]))]
            self._take(one, self._detailed(calls, further, section), section)

    def _check_parents(self, one: ResourceType, names: Sequence[str | None], section: SectionReading) -> None:
        """Report missing parent rows. Raises SourceError if no parents could be read."""
        for name in names:
            parent = self._coverage.get(name or "")
            if parent is None or parent.status == "complete":
                continue
            leads_nowhere = name == one.listing.under and not self._leads[one.section]
            if parent.status == "not_offered":
                if leads_nowhere:
                    raise NotOffered(f"{name} is not offered")
                continue
            kind = Denied if parent.status == "denied" else SourceError
            error = kind(f"{name} could not be read completely", permission=parent.permission)
            if leads_nowhere:
                raise error
            section.lost(error, partial=True)

    def _at_top(self, calls: Calls, section: SectionReading) -> list[Raw]:
        """The rows of a listing; if it fails, the rows before the failure."""
        rows: list[Raw] = []
        try:
            rows.extend(calls.listed({}))
        except SourceError as error:
            if not rows:
                raise
            section.lost(self._explained(error, calls.one), partial=True)
        return rows

    def _under_parents(self, calls: Calls, section: SectionReading) -> list[Raw]:
        parents = {" ".join(leads.values()): leads for leads in self._leads[calls.one.section]}
        read = read_each(
            parents,
            lambda name: list(calls.listed(parents[name])),
            of=f"answers to {calls.one.listing.operation}",
        )
        if read.error is not None:
            self._not_asked.add(calls.one.section)
        self._record_gap(section, read.error, partial=bool(read.answers))
        return [row for rows in read.answers.values() for row in rows]

    def _detailed(self, calls: Calls, rows: list[Raw], section: SectionReading) -> list[Raw]:
        for detail in calls.one.details:
            if rows:
                read, rows = calls.each(detail, rows)
                if read.error is not None:
                    self._unread[calls.one.section].add(detail.gives)
                    self._not_asked.add(calls.one.section)
                    if not isinstance(read.error, NotOffered):
                        self._incomplete.add(calls.one.section)
                # Whether rows are kept if the call fails.
                self._record_gap(section, read.error, partial=(not detail.batch) or bool(read.answers))
        return rows

    def _record_gap(self, section: SectionReading, error: SourceError | None, *, partial: bool) -> None:
        """Record a failure: a note if the call does not exist in the region, otherwise a gap."""
        if isinstance(error, NotOffered):
            section.note(str(error))
        elif error is not None:
            section.lost(error, partial=partial)

    def _take(self, one: ResourceType, rows: Sequence[Raw], section: SectionReading) -> None:
        """Count rows and keep their declared fields."""
        leads_on = _LeadsOn(under=children(one.section), paths=mentions(one.section))
        for row in rows:
            try:
                self._read_row(one, row)
                self._lead_on(one, row, leads_on)
            except ValueError as error:
                if one.section not in self._incomplete:
                    section.malformed(self._named(one, row), str(error))
                continue
            section.found()

    def _read_row(self, one: ResourceType, row: Raw) -> None:
        if one.stored is not None:
            secret = stored_secret(row, one.stored, self._region.where)
            tags = self._region.tags.get(secret.key)
            self._secrets.append(with_tags(secret, tags) if tags else secret)
        elif one.record is not None and _is_meant(one.record, row):
            taken = cut_down(row, one.record, self._region.where)
            self._rows[one.section].setdefault(taken.key, taken)

    def _lead_on(self, one: ResourceType, row: Raw, leads_on: _LeadsOn) -> None:
        for path, place in leads_on.paths:
            named = set(texts(row, path))
            self._mentioned[one.section] |= named
            for each in named if place else ():
                self._met_in[each].update(texts(row, place or ""))
        for child in leads_on.under:
            if not _is_left_out(child, row):
                self._leads[child.section].append(filled_all(child.listing.by, row, self._region.where))

    def _around(self) -> Around:
        rows = [row for section in self._rows.values() for row in section.values()]
        return Around(
            where=self._region.where,
            parents={row.key: row for row in rows if row.inherits is None},
            profiles=self._region.roles_of_profiles() if any(row.profiles for row in rows) else {},
            tags=self._region.tags,
            made_for={identity: row.key for row in rows for identity in row.acts_as},
        )

    def _records(self, one: ResourceType, row: Row, around: Around) -> Iterator[DiscoveredRecord]:
        if one.record is not None and one.record.kind:
            yield self._record(one, one.record, row, around)
        if one.assigns is not None and (assignment := ASSIGNMENTS[one.assigns](row, around)) is not None:
            yield assignment

    def _record(self, one: ResourceType, fields: Fields, row: Row, around: Around) -> DiscoveredRecord:
        make: Callable[..., Any] = agent if fields.agent else workload
        if one.listing.met_in and self._met_in[row.key]:
            facts = {**row.facts, one.listing.met_in[0]: sorted(self._met_in[row.key])}
            row = structs.replace(row, facts=facts)
        if row.key in self._tools:
            row = structs.replace(row, facts={**row.facts, **self._tools[row.key]})
        unread: Mapping[str, Any] = {"unread": frozenset(self._unread[one.section])} if fields.agent else {}
        record: DiscoveredRecord = make(row, fields, around, **unread)
        return record

    def _named(self, one: ResourceType, row: Raw) -> str:
        """The name of a row for messages."""
        templates = (one.record.name, one.record.key) if one.record else _SECRET_NAMES
        for template in templates:
            try:
                return filled(template, row, self._region.where.names)
            except ValueError:
                continue
        return "without a name"

    def _client(self, one: ResourceType) -> AwsClient:
        region = self._region
        return region.session.client(one.service, region.where.region, self._meter, patient=one.everywhere)

    def _explained(self, error: SourceError, one: ResourceType) -> SourceError:
        return error if one.everywhere else self._region.explained(error)


def _is_left_out(one: ResourceType, parent: Raw) -> bool:
    """Whether the listing skips that row."""
    path, values = one.listing.unless or ("", ())
    return bool(values) and next(found(parent, path), None) in values


def _is_meant(fields: Fields, row: Raw) -> bool:
    return fields.only_with is None or next(found(row, fields.only_with), None) is not None


def _merged(secrets: Iterable[StoredSecret]) -> Iterable[StoredSecret]:
    """Each secret once, with the facts from all sections."""
    found: dict[str, StoredSecret] = {}
    for one in secrets:
        first = found.setdefault(one.key, one)
        if first is not one:
            found[one.key] = structs.replace(first, attributes={**first.attributes, **one.attributes})
    return found.values()


# --- One region: services in parallel, the sections of a service in sequence ---

SERVICES_AT_ONCE = 8
"""Services of one region that are read in parallel."""


def read_region(
    scope: Scope, session: AwsSession, place: AwsAccount, resources: Collection[str]
) -> Iterator[DiscoveredRecord]:
    """Stored secrets, workloads and AI agents of the region ``scope.part``, and a coverage record for each section.

    ``resources`` as the settings have it, see :func:`connectors.aws.workloads.catalog.wanted`.
    """
    chosen = wanted(resources)
    for section in BY_SECTION:
        if section not in chosen:
            yield scope.coverage(section, "off")
    where = Where(source=place.source, account=place.account, partition=place.partition, region=scope.part or "")
    region = Region(scope, session, where)
    types = [one for one in TYPES if one.section in chosen]
    tagged = [one.tagged_as for one in types if one.tagged_as]
    yield region.read_tags(tagged) if tagged else scope.coverage(TAGS, "off")
    services: dict[str, list[ResourceType]] = {}
    for one in types:
        services.setdefault(one.service, []).append(one)

    def read(kinds: list[ResourceType]) -> list[DiscoveredRecord]:
        return list(ServiceReading(region, kinds).read())

    pool = Pool(SERVICES_AT_ONCE, thread_name_prefix="muster-services")
    try:
        for records in pool.map(read, services.values()):
            yield from records
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    if region.profiles_coverage is not None:
        yield region.profiles_coverage
