"""Estates of many scopes, read without any network, and the same split into shards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from msgspec import Struct, structs

from connectors.core.contract import DiscoveredRecord, Meter, Scope, Section, Spec
from scanner.discovery.engine import LIVE, Observer, Source, job_here, run
from scanner.discovery.inventory import ScopeReading
from scanner.discovery.shards.files import head_of, write_shard
from scanner.discovery.shards.lines import Shard, Unit
from scanner.errors import Denied
from scanner.model import Assignment, Coverage, Grant, StoredSecret, Workload
from tests.factories import NOW, make_credential, make_identity


class Plan(Struct, frozen=True, forbid_unknown_fields=True):
    """By scope: how many users it has, or None where it refuses. ``unlisted``: the listing is incomplete."""

    scopes: tuple[tuple[str, int | None], ...] = ()
    unlisted: bool = False


SPEC = Spec(
    name="planned",
    title="What a plan says",
    settings=Plan,
    kinds=("user",),
    sections=(
        Section(name="all", title="Scopes", permissions=("planned:List",), without="scopes"),
        Section(
            name="users",
            title="Users",
            permissions=("planned:Users",),
            without="users",
            kinds=("user",),
            feeds=("permissions",),
        ),
    ),
)


class PlannedConnector:
    """Finds what its plan says, each scope in two parts."""

    spec: ClassVar[Spec] = SPEC

    def __init__(self, source: str, settings: Plan) -> None:
        self._source = source
        self._plan = settings

    def scopes(self) -> Iterator[Scope | Coverage]:
        """Both parts of each."""
        listing = Scope(source=self._source, spec=SPEC, id="*")
        with listing.section("all") as section:
            if self._plan.unlisted:
                raise Denied("no more than this", permission="planned:List")
        yield structs.replace(section.coverage, scope="*" if self._plan.unlisted else "root")
        for name, _ in self._plan.scopes:
            yield Scope(source=self._source, spec=SPEC, id=name)
            yield Scope(source=self._source, spec=SPEC, id=name, part="far")

    def discover(self, scope: Scope) -> Iterator[DiscoveredRecord]:
        """Its users, with a key each; a user of the same name is in every scope of the same source."""
        count = dict(self._plan.scopes)[scope.id]
        meter = Meter()
        with scope.section("users", meter=meter) as section:
            if count is None:
                raise Denied("not here", permission="planned:Users")
            for number in range(count):
                meter.add()
                section.found()
                user = make_identity(
                    f"u{number}", key=f"{scope.id}/{scope.part}/u{number}", source=scope.source, scope=scope.id,
                    provider="planned", tags={"z": "1", "a": "é\u202e"}, attributes={"deep": [1, {"x": None}]},
                )  # fmt: skip
                yield structs.replace(user, credentials=(make_credential(user),))
                yield structs.replace(user, key="shared", description=f"as {scope.id} {scope.part} has it")
        yield section.coverage
        facts: dict[str, Any] = {"provider": "planned", "source": scope.source, "scope": scope.id}
        yield StoredSecret(key=f"{scope.id}/s", name="s", rotated_at=NOW, **facts)
        holder = f"{scope.id}/{scope.part}/u0"
        yield Assignment(key=f"{holder}/r", holder=holder, grant=Grant(name="r", via="direct"), created_at=NOW, **facts)
        yield Workload(key=f"{scope.id}/{scope.part}/w", name="w", kind="job", created_at=NOW, **facts)


def planned(name: str, plan: Plan) -> Source:
    """A source with such an estate."""
    return Source(
        name=name, type="planned", connector=PlannedConnector(name, plan), settings=plan, rank=LIVE, digest="0" * 64
    )


class Nobody(Observer):
    """Watches, and says nothing."""

    def planned(self, source: str, scopes: int) -> None:
        """Nothing."""

    def done(self, reading: ScopeReading) -> None:
        """Nothing."""


def write_planned(
    path: Path, sources: Sequence[Source], shard: Shard, *, scan: str = "night", started: datetime = NOW
) -> Path:
    """That shard of these sources, read now, in a file."""
    import threading

    jobs = [job_here(one.name, one.connector, 60, threading.Event()) for one in sources]
    with ThreadPoolExecutor(2) as executor, path.open("wb") as out:
        outcomes = run(
            jobs,
            executor=executor,
            observer=Nobody(),
            wanted=lambda scope: shard.holds(Unit(scope.source, scope.id, scope.part)),
        )
        with closing(outcomes):
            write_shard(out, head_of(sources, shard, scan, started), outcomes)
    return path
