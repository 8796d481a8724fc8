"""Finds the scopes in which an entry's identities would be, and which of them were read completely."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from msgspec import Struct

from scanner.matching.globs import is_pattern, literal
from scanner.matching.keys import fold, place_in, place_of, provider_key, scope_key
from scanner.model import (
    ANY_KIND,
    EVERY_SCOPE,
    EXPOSURE_KIND,
    WHOLE_SCOPE,
    Coverage,
    Entry,
    Identity,
    OtherRecord,
    Rung,
    StoredSecret,
)
from scanner.model.attributes import LISTED_IN, PARTS
from scanner.text import few

_NO_IDENTITIES = frozenset(("secret", EXPOSURE_KIND))
"""Kinds of records that are no identities: stored secrets, and leaked keys."""
_REPORTS = "secrets_report"
"""The type of sources that list no identity at all, so that no entry is looked for there."""

GAPS_NAMED = 3
_KIND_OF_FORM = "kind_"
"""Groups of a form of ids that are named so say of which kind such identities are."""
_URL = re.compile(r"(?P<provider>[a-z][a-z0-9+.-]*)://(?P<path>.*)", re.DOTALL | re.IGNORECASE | re.ASCII)


class Location(Struct, frozen=True, gc=False):
    """A place as far as known; all None is everywhere. ``path``: of a ``provider://scope/…`` key."""

    provider: str | None = None
    scope: str | None = None
    kind: str | None = None
    path: str | None = None
    rung: Rung | None = None
    """The only rung that matches such an id, if its format shows that."""

    def __str__(self) -> str:
        return " ".join(part for part in (self.provider, self.path or self.scope, self.kind) if part) or "everywhere"

    def holds(self, provider: str | None, scope: str | None) -> bool:
        """Return whether the provider's scope belongs to this place."""
        if self.provider not in (None, provider):
            return False
        if self.path is not None:
            return scope is None or f"{self.path}/".startswith(f"{scope}/")
        return self.scope in (None, scope)


def locate(entry: Entry) -> tuple[Location, ...]:
    """Return the scopes of an entry's identities: by the shape of each id, else by its provider and scope."""
    return tuple(dict.fromkeys(_locate(text.strip(), entry) for text in entry.identities))


def _locate(text: str, entry: Entry) -> Location:
    provider, scope = place_of(entry)
    exact = text if is_pattern(text) else literal(text)
    if url := _URL.fullmatch(exact):
        return Location(provider=provider_key(url["provider"]), path=fold(url["path"]))
    if shown := place_in(exact):
        its_provider, found = shown
        groups = {name: value for name, value in found.groupdict().items() if value and "*" not in value}
        return Location(
            provider=its_provider,
            scope=scope_key(its_provider, groups.get("scope")) or scope,
            kind=groups.get("kind") or _kind_of_form(found),
            rung="credential" if "credential" in groups else None,
        )
    return Location(provider=provider, scope=scope)


def _kind_of_form(found: re.Match[str]) -> str | None:
    """Return the kind that the form of an id shows without naming it."""
    named = (name for name, value in found.groupdict().items() if value and name.startswith(_KIND_OF_FORM))
    return next((name.removeprefix(_KIND_OF_FORM) for name in named), None)


def agrees(entry: Entry, identity: Identity) -> bool:
    """Return whether the identity is in the place that the entry names by provider, scope and exact ids."""
    provider, scope = place_of(identity)
    return any(location.holds(provider, scope) for location in locate(entry))


class SourceRef(Struct, frozen=True, kw_only=True):
    """A configured source, scanned or not."""

    name: str
    provider: str


class Places:
    """The coverage of this scan by place. A section that names kinds lists identities of these kinds.

    If it is complete for every scope, a scope without coverage does not exist.
    """

    def __init__(self, coverage: Sequence[Coverage], sources: Sequence[SourceRef] = ()) -> None:
        self._by_scope: dict[tuple[str, str], list[Coverage]] = defaultdict(list)
        self._scopes: dict[str, set[str]] = {source.name: set() for source in sources}
        self._named: dict[tuple[str, str | None], set[str]] = defaultdict(set)
        self._providers: dict[str, set[str | None]] = defaultdict(set)
        self._unread: dict[Location, str | None] = {}
        self._read: dict[tuple[str, str, str | None], bool] = {}
        self._missing: dict[tuple[str, str, str], frozenset[Rung]] = {}
        self._connected = {provider_key(source.provider) for source in sources}
        for source in sources:
            if source.provider == _REPORTS:
                continue
            self._providers[source.name].add(provider_key(source.provider))
        self._all_listed = {one.source for one in coverage if one.scope == EVERY_SCOPE and one.kinds and not one.is_gap}
        self._says_records = {section.source for section in coverage if section.records}
        for section in coverage:
            self._by_scope[section.source, section.scope].append(section)
            self._scopes.setdefault(section.source, set()).add(section.scope)
            self._named[section.source, scope_key(section.provider, section.scope)].add(section.scope)
            if section.provider != _REPORTS:
                self._providers[section.source].add(provider_key(section.provider))

    def completely_read(self, source: str, scope: str, kind: str | None = None) -> bool:
        """Return whether all sections that list such identities were read completely (None: any kind)."""
        place = (source, scope, kind)
        if place not in self._read:
            self._read[place] = self._why_unread(source, (scope,), kind) is None
        return self._read[place]

    def rechecked(self, record: Identity | StoredSecret) -> bool:
        """Return whether this scan would have found a record of an earlier one: what lists it was all read."""
        kind = "secret" if isinstance(record, StoredSecret) else record.kind
        sections = record.attributes.get(LISTED_IN)
        read = self._by_scope.get((record.source, record.scope), ())
        if isinstance(sections, (list, tuple)) and not any(
            one.is_gap and one.section.partition(":")[0] == WHOLE_SCOPE for one in read
        ):
            listing = [one.status for one in read if one.section.partition(":")[0] in sections]
            if listing and set(listing) == {"complete"}:
                return True
        parts = (record.attributes.get(name) for name in PARTS)
        if any(isinstance(part, str) and _is_read_of(read, kind, part) for part in parts):
            return True
        return self.completely_read(record.source, record.scope, kind)

    def has_gap(self, source: str, scope: str) -> bool:
        """Return whether the scope has a gap, or was not read."""
        read = self._by_scope.get((source, scope), ())
        if not read:
            return source not in self._all_listed
        return any(one.is_gap for one in (*read, *self._by_scope.get((source, EVERY_SCOPE), ())))

    def may_hide(self, record: OtherRecord, source: str, scope: str) -> bool:
        """Return whether such records of the scope may be missing: a section that lists them is a gap, or was not read.

        Other gaps do not matter for that, unless the source does not say which sections list them: then any may hide
        workloads, and those that feed permissions or list identities may hide assignments.
        """
        read = self._by_scope.get((source, scope), ())
        if source not in self._says_records and record == "workload":
            return self.has_gap(source, scope)
        if not read:
            return source not in self._all_listed
        if source in self._says_records:
            # Such records may be in that listing; the unread rest of a scope may contain any.
            return any(
                one.is_gap and (record in one.records or one.section.partition(":")[0] == WHOLE_SCOPE) for one in read
            )
        return any(one.is_gap and ("permissions" in one.feeds or _lists(one, None)) for one in read)

    def missing_rungs(self, source: str, scope: str, kind: str) -> frozenset[Rung]:
        """Return the rungs that may lack data of such identities, because a section that feeds them is a gap."""
        place = (source, scope, kind)
        if place not in self._missing:
            self._missing[place] = frozenset(rung for gap in self._gaps(*place) for rung in gap.rungs)
        return self._missing[place]

    def uncertain(self, source: str, scope: str, kind: str) -> bool:
        """Return whether any data about such identities may be missing there: themselves, or facts.

        A section of one kind can also add facts to another, so every gap there counts.
        """
        return not self.completely_read(source, scope, kind) or self.has_gap(source, scope)

    def _gaps(self, source: str, scope: str, kind: str) -> Iterator[Coverage]:
        """Yield the gaps of sections that list such identities, and of those that add facts to them."""
        read = self._by_scope.get((source, scope), ())
        return (one for one in read if one.is_gap and (_adds_to(one, kind) if not one.kinds else _lists(one, kind)))

    def why_provisional(self, source: str, scope: str, kind: str) -> str:
        """Return the gaps that may hide the match of such an identity, as text; empty if there are none."""
        gaps = [f"{one.section} of {one.scope}: {one.status}" for one in self._gaps(source, scope, kind) if one.rungs]
        return few(gaps, GAPS_NAMED, ", ")

    def why_unread(self, location: Location) -> str | None:
        """Return why the scope was not read completely; None if it was, so what it did not list does not exist."""
        if location not in self._unread:
            self._unread[location] = self._examine(location)
        return self._unread[location]

    def _examine(self, location: Location) -> str | None:
        sources = sorted(name for name, of in self._providers.items() if location.provider in (None, *of))
        if hiding := self._may_hide(location):
            return hiding
        if not sources:
            return f"no configured source covers {location}"
        if location.scope is None and location.path is None:
            return next(
                (
                    reason
                    for reason in (
                        self._why_unread(source, self._scopes[source], location.kind, location.rung)
                        for source in sources
                    )
                    if reason is not None
                ),
                None,
            )
        held = [(source, scope) for source in sources for scope in self._held(source, location)]
        if not held:
            return None if self._all_listed.issuperset(sources) else f"no scanned source covers {location}"
        reasons = [self._why_unread(source, (scope,), location.kind, location.rung) for source, scope in held]
        return None if None in reasons else reasons[0]

    def _may_hide(self, location: Location) -> str | None:
        """Return the list that could not be read completely and may contain identities of this place; None without one.

        Providers with their own connector are complete: lists are for all others.
        """
        if location.provider is not None and location.provider in self._connected:
            return None
        gaps = (
            gap
            for (_, scope), read in sorted(self._by_scope.items())
            if scope == EVERY_SCOPE
            for gap in read
            if gap.is_gap and ANY_KIND in gap.kinds
        )
        return next((f"{gap.source} {gap.section}: {gap.status}" for gap in gaps), None)

    def _held(self, source: str, location: Location) -> list[str]:
        """Return the source's scopes that are this place; for a key's path, the longest that it begins with."""
        if location.path is None:
            return sorted(self._named.get((source, location.scope), ()))
        if any(one.is_gap for one in self._by_scope.get((source, EVERY_SCOPE), ())):
            return []  # the key may be in a deeper scope that a gap of the listing hides
        steps = location.path.split("/")
        prefixes = ("/".join(steps[:length]) for length in range(len(steps), 0, -1))
        return next((sorted(found) for prefix in prefixes if (found := self._named.get((source, prefix)))), [])

    def _why_unread(
        self, source: str, scopes: Collection[str], kind: str | None, rung: Rung | None = None
    ) -> str | None:
        if not scopes:
            return f"source {source} was not scanned"
        read = [one for scope in sorted(scopes) for one in self._by_scope.get((source, scope), ())]
        if not read and source in self._all_listed:
            return None
        listing = [one for one in read if _lists(one, kind)]
        needed = [*listing, *(one for one in read if rung in one.rungs)]
        if gap := next((one for one in needed if one.is_gap), None):
            return f"{gap.source} {gap.scope} {gap.section}: {gap.status}"
        if any(one.status == "complete" for one in listing):
            return None
        return f"source {source} lists no {kind or 'identities'} there"


def _is_read_of(read: Iterable[Coverage], kind: str, part: str) -> bool:
    """Return whether sections list such identities, and their gaps are all known to be in other parts of the scope."""
    listing = [one for one in read if _lists(one, kind)]
    gaps = [one for one in listing if one.is_gap]
    return bool(gaps) and all(one.unread_in and fold(part) not in map(fold, one.unread_in) for one in gaps)


def _adds_to(coverage: Coverage, kind: str) -> bool:
    """Return whether a section that lists no identities adds facts to those of this kind."""
    return not coverage.about or kind in coverage.about


def _lists(coverage: Coverage, kind: str | None) -> bool:
    """Return whether such identities may be in that listing; an unread list of scopes may contain any."""
    if coverage.scope == EVERY_SCOPE and coverage.is_gap:
        return True
    if ANY_KIND in coverage.kinds:
        return True
    return kind in coverage.kinds if kind else not _NO_IDENTITIES.issuperset(coverage.kinds)
