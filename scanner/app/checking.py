"""Wires the gate: plans, lists, the store and judging. Nothing is written to the store."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from connectors.planned import FileResources, Known
from connectors.planned.files import plan
from connectors.planned.terraform_source import TerraformSource, located
from scanner import __version__
from scanner.access.blast_radius.walk import Estate
from scanner.access.trusts import Keys
from scanner.app.cut_lists import has_no_file, without_cut_rows
from scanner.errors import MissingStore, OlderStore, UsageError
from scanner.judging.pipeline import Declared
from scanner.lifecycle.gate.judging import Surroundings, judge_plans, name_in, with_agents
from scanner.model import Assessment, Identity, ScanInfo, ScanResult
from scanner.model.planned import Plan, PlannedPlace

if TYPE_CHECKING:
    from scanner.store.store import Store

log = logging.getLogger(__name__)


class Given(Struct, frozen=True, kw_only=True):
    """The files to check, the folder of a plan's source, and the lock that agents are compared with, if given."""

    files: Sequence[FileResources]
    source: Path | None = None
    agents_lock: Path | None = None

    def plans(self, known: Known) -> tuple[Plan, ...]:
        """Return the changes in the files, with places in the source code where found."""
        plans = plan(self.files, known)
        if self.source is None:
            return plans
        source = TerraformSource(self.source)
        return tuple(located(one, source) for one in plans)


def check(given: Given, declared: Declared, store_url: str | None, *, store_given: bool) -> ScanResult:
    """Return the judged changes in the files, with the facts of the store, if there is one.

    ``store_url``: None reads none. ``store_given``: whether it was named, so that a missing one is an error.
    """
    started = datetime.now(UTC).replace(microsecond=0)
    info = ScanInfo(
        id=f"check-{started:%Y%m%dT%H%M%SZ}",
        started_at=started,
        finished_at=started,
        version=__version__,
        inputs=declared.inputs,
    )
    if store_url is None or (has_no_file(store_url) and not store_given):
        store = None
    else:
        store = _opened(store_url, store_given=store_given)
    if store is None:
        if given.agents_lock is not None:
            raise UsageError(
                "--agents-lock compares the agents of the latest scan, and there is no store",
                hint="name the store with --store",
            )
        return judge_plans(given.plans(Nothing()), declared, Surroundings(), info)
    with store, store.estate() as estate:
        declared = without_cut_rows(store, declared)
        known = StoredKnown(store, estate)
        plans = given.plans(known)
        result = judge_plans(plans, declared, known.around(plans), info)
        if given.agents_lock is None or declared.agents_lock is None:
            return result
        place = PlannedPlace(file=str(given.agents_lock), resource="agents")
        return with_agents(result, store.load(None).identities, declared, place)


def _opened(store_url: str, *, store_given: bool) -> Store | None:
    """Return the store; None if none is usable and none was named."""
    from scanner.store.store import open_store

    try:
        return open_store(store_url, create=False)
    except (MissingStore, OlderStore) as error:
        if store_given:
            raise
        if isinstance(error, OlderStore):
            log.warning("%s; it is not used", error)
        return None


class Nothing:
    """The facts that are known without a store."""

    def expect(self, keys: Collection[str]) -> None:
        """See ``connectors.planned.Known``."""
        del keys

    def identity(self, key: str) -> Identity | None:
        """See ``connectors.planned.Known``."""
        del key
        return None

    def named(self, provider: str, name: str) -> Sequence[Identity]:
        """See ``connectors.planned.Known``."""
        del provider, name
        return ()


class StoredKnown:
    """What the latest scan in the store knows, looked up as it is asked for."""

    def __init__(self, store: Store, estate: Estate) -> None:
        self._memory, self._estate = store.memory, estate
        self._found: dict[str, Assessment | None] = {}

    def expect(self, keys: Collection[str]) -> None:
        """See ``connectors.planned.Known``."""
        self._look_up(sorted(set(keys) - self._found.keys()))

    def identity(self, key: str) -> Identity | None:
        """See ``connectors.planned.Known``. Its privilege is the verdict, attack paths included."""
        if key not in self._found:
            self._look_up((key,))
        found = self._found[key]
        return None if found is None else replace(found.identity, privilege=found.privilege)

    def named(self, provider: str, name: str) -> Sequence[Identity]:
        """See ``connectors.planned.Known``."""
        keys = self._by_name.get((provider, name), ())
        return [found for key in keys if (found := self.identity(key)) is not None]

    def around(self, plans: Iterable[Plan]) -> Surroundings:
        """Return the identities that planned identities may become or trust, and the organisation's scopes."""
        identities = [one.identity for each in plans for one in each.identities]
        if not identities:
            return Surroundings(estate=self._estate)
        self._look_up(sorted({key for one in identities for key in _named_by(one)} - self._found.keys()))
        powerful = self._memory.powerful()
        for provider in sorted({one.provider for one in identities}):
            keys = Keys(provider, powerful.get(provider, ()))
            patterns = {pattern for one in identities if one.provider == provider for pattern in _may_become(one)}
            wanted = {key for pattern in patterns for key in keys.named(pattern)}
            self._look_up(sorted(wanted - self._found.keys()))
        found = (self._found[key] for key in sorted(self._found))
        return Surroundings(
            assessments=tuple(one for one in found if one is not None),
            scopes=self._memory.scopes(),
            estate=self._estate,
        )

    def _look_up(self, keys: Sequence[str]) -> None:
        found = {one.identity.key: one for one in self._estate.assessments(keys)}
        self._found |= {key: found.get(key) for key in keys}

    @cached_property
    def _by_name(self) -> dict[tuple[str, str], list[str]]:
        names: dict[tuple[str, str], list[str]] = {}
        for provider, key in self._memory.every_key():
            names.setdefault((provider, name_in(key)), []).append(key)
        return names


def _named_by(identity: Identity) -> Iterator[str]:
    yield from (link.target for link in identity.links)
    yield from (trust.principal for trust in identity.trusts)


def _may_become(identity: Identity) -> Iterator[str]:
    yield from (pattern for way in identity.reach if way.kind in ("assume", "become") for pattern in way.on)
