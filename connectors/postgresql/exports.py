"""Servers read from files of ``pg_dumpall --roles-only``: each file is a scope."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from connectors.core.contract import Check, DiscoveredRecord, Malformed, Meter, Scope
from connectors.core.offline import (
    MAX_BYTES,
    Unreadable,
    content_of,
    dated,
    file_checks,
    files_in,
    looking_into,
    text_of,
)
from connectors.postgresql.dump import Dump, parse_dump
from connectors.postgresql.identities import PostgresqlIdentities, ServerFacts
from connectors.postgresql.spec import SPEC, TABLE, PostgresqlSettings
from scanner.model import EVERY_SCOPE, Coverage
from scanner.text import counted, printable

_EXPORTED = ("roles", "members", "settings")


def exports(source: str, settings: PostgresqlSettings, folder: Path) -> Iterator[Scope | Coverage]:
    """A scope for each file."""
    found: list[Scope] = []
    with Scope(source=source, spec=SPEC, id=EVERY_SCOPE).section("server", meter=Meter(asks=False)) as section:
        with looking_into(folder):
            paths = list(files_in(folder))
        if not paths:
            raise Malformed("there is no file")
        for path in paths:
            place = settings.exported_place(path, alone=len(paths) == 1)
            found.append(Scope(source=source, spec=SPEC, id=printable(place), context=path))
    yield from found
    yield section.coverage


def read_export(scope: Scope, path: Path) -> Iterator[DiscoveredRecord]:
    """The roles of a file. What such a file never has is off."""
    dump: Dump | None = None
    for name in _EXPORTED:
        with scope.section(name, meter=Meter(asks=False)) as section:
            dump = dump or _parsed(path)
            section.found(len(getattr(dump, name)))
        yield section.coverage
    for name in TABLE.sections:
        if name not in _EXPORTED and name != "server":
            yield scope.coverage(name, "off", detail="not in what pg_dumpall writes")
    if dump is not None:
        facts = ServerFacts(version=dump.version, roles=dump.roles, members=dump.members, settings=dump.settings)
        yield from dated(PostgresqlIdentities(scope, facts), datetime.fromtimestamp(path.stat().st_mtime, UTC))


def check_exports(folder: Path) -> Iterator[Check]:
    """A check for each file."""

    def files() -> list[Path]:
        with looking_into(folder):
            return list(files_in(folder))

    def check(path: Path) -> Check:
        return Check(name=path.name, ok=True, detail=counted(len(_parsed(path).roles), "role", "roles"))

    yield from file_checks(folder, files, check)


def _parsed(path: Path) -> Dump:
    """Raises Malformed."""
    try:
        return parse_dump(text_of(content_of(path, MAX_BYTES)))
    except Unreadable as error:
        raise Malformed(f"{printable(path.name)}: {error}") from None
