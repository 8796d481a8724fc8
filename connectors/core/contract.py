"""The connector contract, and the failures that connectors distinguish."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cached_property
from types import TracebackType
from typing import Any, ClassVar, Protocol, TypeAlias, runtime_checkable

from msgspec import Struct, structs

from connectors.core.budget import current, draw_on
from scanner.errors import SourceError, with_fix
from scanner.model import (
    UNREAD,
    Assignment,
    Coverage,
    CoverageStatus,
    Exposure,
    Fact,
    FileEnd,
    Identity,
    OtherRecord,
    Rung,
    StoredSecret,
    Workload,
)
from scanner.model.providers import Providers
from scanner.redaction.redact import redact
from scanner.text import cut


class Malformed(SourceError):
    """A response or row does not have the documented shape: a gap of that response or row."""


class NotAsked(SourceError):
    """An item that was not requested, because those before it had failed."""


# --- The connector contract ---
#
# A connector declares a :class:`Spec` and has two methods: ``scopes()`` lists units of work, ``discover(scope)``
# reads one of them as a stream of records. Optional skills are separate protocols (:class:`Preflight`,
# :class:`LeastPrivilege`). Everything a user reads about permissions (docs, ``doctor``, ``--policy``, a gap's advice)
# comes from the one spec.

DETAILS_KEPT: Mapping[str, int] = {"such rows": 3, "errors": 10, "notes": 10}
"""Maximum number of details of each kind that a section names; it counts the rest. Rows are unreadable ones."""
MAX_WORDS = 300
"""Maximum characters of a provider's message."""

DiscoveredRecord: TypeAlias = Identity | StoredSecret | Workload | Assignment | Exposure | Coverage | FileEnd


class Gone(SourceError):
    """An item has expired or been deleted since it was listed: no gap."""


def own_words(text: object) -> str:
    """A provider's message, safe to show and to keep: masked, without control characters, shortened."""
    return cut(redact(str(text)), MAX_WORDS)


class Section(Struct, frozen=True, kw_only=True):
    """One listing inside a scope, and its least permission.

    ``kinds``: identity kinds (or ``secret``) it lists, empty where it only adds facts to them.
    ``rungs``: the rungs of matching that use its data. ``feeds``: facts that it adds to identities of other scopes,
    by assignments. ``about``: the identity kinds to which it adds facts, if it lists none; empty: any. ``without``:
    what is lost when it cannot be read.
    ``optional``: off unless the source's settings enable it.
    """

    name: str
    title: str
    permissions: tuple[str, ...]
    without: str
    kinds: tuple[str, ...] = ()
    rungs: tuple[Rung, ...] = ()
    feeds: tuple[Fact, ...] = ()
    about: tuple[str, ...] = ()
    optional: bool = False


class Spec(Struct, frozen=True, kw_only=True, dict=True):
    """The declaration of a connector. ``settings`` is a Struct with ``forbid_unknown_fields=True``, decoded strictly.

    ``depends_on``: by section, the sections whose rows are its parameters or whose answer it shares; without a request
    of its own, it is as complete as they are. ``entrances``: sections that list where to read, but no identity; their
    kinds are lost if they are a gap. ``records``: the sections whose rows are workloads or assignments; without it, any
    gap of a scope may hide some. ``providers``: facts about providers by name: the form and comparison of ids,
    places, words. A file ``NAME.providers.toml`` beside its module is read instead, without importing the connector;
    then this is ``read_providers(PACKAGE, NAME)``.
    """

    name: str
    title: str
    settings: type[Struct]
    kinds: tuple[str, ...]
    sections: tuple[Section, ...]
    extra: str | None = None
    depends_on: Mapping[str, tuple[str, ...]] = {}
    entrances: tuple[str, ...] = ()
    records: Mapping[OtherRecord, tuple[str, ...]] = {}
    providers: Providers = {}

    def section(self, name: str) -> Section:
        """The section of that name; a qualifier after a colon is ignored. Raises LookupError."""
        base = name.partition(":")[0]
        for section in self.sections:
            if section.name == base:
                return section
        raise LookupError(f"{self.name} declares no section {base}")

    @cached_property
    def hides(self) -> Mapping[str, tuple[OtherRecord, ...]]:
        """By section, the records of ``records`` that are missing without it: its own, and those that depend on it."""
        hidden: defaultdict[str, set[OtherRecord]] = defaultdict(set)
        for record, names in self.records.items():
            ahead = [*names, *self.entrances]
            while ahead:
                if record not in hidden[name := ahead.pop()]:
                    hidden[name].add(record)
                    ahead += self.depends_on.get(name, ())
        return {name: tuple(sorted(records)) for name, records in hidden.items()}


class Meter:
    """Counts requests sent to the provider, from any thread. ``asks``: False if files are read instead."""

    def __init__(self, *, asks: bool = True) -> None:
        self.asks = asks
        self._lock = threading.Lock()
        self._calls = 0

    def add(self, calls: int = 1) -> None:
        """Count sent requests, including retries."""
        with self._lock:
            self._calls += calls

    @property
    def calls(self) -> int:
        """Number of requests sent so far."""
        return self._calls


class Scope(Struct, frozen=True, kw_only=True):
    """A unit of work, of failure and of memory. It can be pickled, to be read on another machine.

    ``id``: the ``scope`` of its identities. ``part``: splits a scope into several units (regions), and qualifies the
    names of their sections. ``feeds_within``: most of its assignments are for its own identities. ``provider``: of its
    identities, if that is not the connector's name.
    """

    source: str
    spec: Spec
    id: str
    part: str | None = None
    feeds_within: bool = False
    provider: str | None = None
    context: Any = None
    """Data that the connector needs for reading: a namespace's path, an account's role."""

    def section(self, name: str, *, meter: Meter | None = None) -> SectionReading:
        """Read one section: ``with scope.section("iam.users", meter=m) as s: …``, then ``yield s.coverage``.

        ``meter``: counts requests to the provider; None if there are no requests, as for a file or another section's
        answer.
        """
        return SectionReading(self, name, meter)

    def coverage(self, name: str, status: CoverageStatus, *, detail: str | None = None) -> Coverage:
        """Coverage of a section without reading it: ``off``, ``not_offered``, ``skipped``."""
        section = self.spec.section(name)
        return Coverage(
            source=self.source,
            provider=self.provider or self.spec.name,
            scope=self.id,
            section=name if self.part is None else f"{name}:{self.part}",
            status=status,
            detail=detail,
            permission=", ".join(section.permissions) if status in ("denied", "skipped") else None,
            kinds=section.kinds,
            rungs=section.rungs,
            feeds=section.feeds,
            records=self.spec.hides.get(section.name, ()),
            about=section.about,
            feeds_within=self.feeds_within,
        )


class SectionReading:
    """The reading of one section: success, denial and failure all end as exactly one Coverage record.

    A :class:`SourceError` inside the ``with`` ends the section and becomes its coverage: with the status of the error
    if nothing was read, otherwise ``partial``. Other exceptions are bugs and propagate. Requests inside the ``with``
    draw on a part of the scope's budget. A section without a request to the provider is not complete, unless it depends
    on others (see :func:`settled`).
    """

    def __init__(self, scope: Scope, name: str, meter: Meter | None) -> None:
        self._scope = scope
        self._name = name
        self._meter = meter
        self._calls_before = 0 if meter is None else meter.calls
        self._found = 0
        self._failure: CoverageStatus | None = None
        self._is_partial = False
        self._details: list[str] = []
        self._notes: list[str] = []
        self._unread_in: set[str] = set()
        self._confined = 0
        self._counts: Counter[str] = Counter()
        self._permission: str | None = None
        self._is_answered = False

    def found(self, identities: int = 1) -> None:
        """Count rows that were read."""
        self._found += identities

    def malformed(self, row: str, reason: str) -> None:
        """Record a row that could not be read: a gap of that row. Reading continues."""
        self._add("such rows", f"row {own_words(row)} could not be read: {own_words(reason)}")

    def note(self, detail: str) -> None:
        """Add a note that is no gap."""
        self._add("notes", own_words(detail))

    def shared(self) -> None:
        """Declare that another unit requested the data, so that the section may be complete without a request."""
        self._is_answered = True

    def lost(self, error: SourceError, *, partial: bool = False) -> None:
        """Record that a part of the section could not be read. Reading continues.

        ``partial``: another part was read. Not needed if it has rows, which may be counted before or after.
        """
        self._failure = error.status
        self._is_partial |= partial
        self._permission = self._permission or error.permission
        self._add("errors", with_fix(own_words(error), error.hint))

    def confine(self, parts: Iterable[str], lost: int) -> None:
        """Declare that the last ``lost`` failures or malformed rows are within these parts of the scope."""
        self._unread_in.update(parts)
        self._confined += lost

    @property
    def parts_lost(self) -> int:
        """How many parts and rows could not be read so far."""
        return self._counts["errors"] + self._counts["such rows"]

    @property
    def notes(self) -> str | None:
        """The notes so far, without what could not be read."""
        return "; ".join(self._notes) or None

    def _add(self, kind: str, detail: str) -> None:
        self._counts[kind] += 1
        if self._counts[kind] <= DETAILS_KEPT[kind]:
            self._details.append(detail)
            if kind == "notes":
                self._notes.append(detail)

    def __enter__(self) -> SectionReading:
        draw_on(current().section())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        draw_on(current().whole)
        if isinstance(error, SourceError):
            self.lost(error)
            return True
        return False

    @property
    def _status(self) -> CoverageStatus:
        if self._failure is None:
            return "partial" if self._counts["such rows"] else "complete"
        return "partial" if self._is_partial or self._found else self._failure

    @property
    def coverage(self) -> Coverage:
        """The record to yield once the section is done."""
        more = ((number - DETAILS_KEPT[kind], kind) for kind, number in sorted(self._counts.items()))
        details = [*self._details, *(f"and {number} more {kind}" for number, kind in more if number > 0)]
        calls = 0 if self._meter is None else self._meter.calls - self._calls_before
        spec, name, status = self._scope.spec, self._name.partition(":")[0], self._status
        asks = self._meter is not None and self._meter.asks and not self._is_answered
        if status == "complete" and asks and not calls and name not in spec.depends_on:
            status, details = "failed", [*details, "no request was sent"]
        empty = self._scope.coverage(self._name, status, detail="; ".join(details) or None)
        permission = self._permission or (empty.permission if status == "denied" else None)
        unread_in = tuple(sorted(self._unread_in)) if self._confined == self.parts_lost and status == "partial" else ()
        reported = structs.replace(
            empty, identities=self._found, calls=calls, permission=permission, unread_in=unread_in
        )
        if name in spec.entrances and status == "complete":
            return structs.replace(reported, kinds=(), rungs=(), feeds=())
        return reported


def settled(spec: Spec, coverage: Iterable[Coverage]) -> tuple[Coverage, ...]:
    """The coverage of one reading, in which no section is complete if it made no request because of a gap.

    A section whose parameters are the rows of others is skipped if those could not be read. A part of a scope depends
    on the same part of a section, if that has its own record.
    """
    records = list(coverage)
    sections = {(one.scope, one.section) for one in records}
    for number, one in enumerate(records):
        name, _, part = one.section.partition(":")
        needed = spec.depends_on.get(name, ())
        if one.status != "complete" or one.calls or one.identities or not needed:
            continue
        for other in records:
            base, _, its_part = other.section.partition(":")
            about = its_part == part or (not its_part and (one.scope, f"{base}:{part}") not in sections)
            if other.status in UNREAD and base in needed and other.scope == one.scope and about:
                why = f"not requested: {other.section} is {other.status}"
                detail = f"{one.detail}; {why}" if one.detail else why
                records[number] = structs.replace(one, status="skipped", detail=detail)
                break
    return tuple(records)


class Connector(Protocol):
    """A source of identities. Creating it does no I/O; it raises MissingExtra if its SDK is not installed."""

    spec: ClassVar[Spec]

    def __init__(self, source: str, settings: Any) -> None: ...

    def scopes(self) -> Iterator[Scope | Coverage]:
        """The units of work; a Coverage with scope ``*`` if they could not be listed."""
        ...

    def discover(self, scope: Scope) -> Iterator[DiscoveredRecord]:
        """Yield the records of one scope, and a Coverage for every section that was tried, including failed ones.

        A SourceError ends the reading: the records so far are kept, the rest of the scope is a gap.
        """
        ...


class Check(Struct, frozen=True, kw_only=True):
    """One line of ``muster doctor``."""

    name: str
    ok: bool
    detail: str
    fix: str | None = None


@runtime_checkable
class Preflight(Protocol):
    """A connector that can check its permissions before a scan."""

    def check(self) -> Iterator[Check]:
        """Check the connection, the credentials, and each section's permission, without scanning."""
        ...


@runtime_checkable
class LeastPrivilege(Protocol):
    """A connector that prints the least-privilege policy in the provider's own format."""

    @classmethod
    def base_policy(cls) -> str:
        """The policy that is known without calling the provider."""
        ...

    def policy(self) -> str:
        """The exact policy for this source; calls the provider if needed, as for a block per mount."""
        ...


@runtime_checkable
class LogPrivilege(Protocol):
    """A connector whose policy can include the permissions for reading logs live."""

    def policy_with_logs(self, logs: Collection[str]) -> str:
        """As ``LeastPrivilege.policy``. ``logs``: types of the logs that are read live through this source."""
        ...


@runtime_checkable
class RoleTemplates(Protocol):
    """A connector that also prints the read-only role as templates, such as for Terraform."""

    @classmethod
    def role_templates(cls) -> Mapping[str, Callable[[], str]]:
        """Functions that write each template, by format. Account, organization and the like are their parameters."""
        ...
