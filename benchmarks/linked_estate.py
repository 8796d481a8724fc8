"""An estate in many lists whose identities can become others, with the registry, the people and the config of its scan.

Users over accounts of 10,000 each, as in ``benchmarks.estate``, 40 lists in all. In each account a fifth may assume
another identity of theirs, one of fifty an identity of another account, and one of a thousand is an administrator.
Two hundred names recur in every account, and the registry has two entries for each: they are ambiguous.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from benchmarks.estate import entries, identities, people

SOURCES = 40
PER_ACCOUNT = 10_000
ADMIN_EVERY = 1_000
ACROSS_EVERY = 50
RECURS_EVERY = 50
_RECURS_AT = 49
"""The registry's entries name every tenth identity, never these."""
_CONFIG = """
[store]
url = "{store}"

[engine]
dask = "local:4"
processes = 1

[[registry]]
path = "registry.csv"

[[people]]
path = "people.csv"
"""
_SOURCE = """
[[source]]
name = "list-{number:02}"
type = "file"
path = "list-{number:02}.ndjson"
"""
_HEADINGS = ("id", "identities", "owner", "blast_radius")


def write(folder: Path, count: int, store: str) -> None:
    """Write all of it; ``store``: a URL. ``count``: a multiple of the number of lists."""
    rows = _identity_rows(count)
    for number in range(SOURCES):
        with (folder / f"list-{number:02}.ndjson").open("w", encoding="utf-8") as out:
            out.writelines(f"{json.dumps(row)}\n" for row in islice(rows, count // SOURCES))
    _write_table(folder / "registry.csv", _HEADINGS, _entry_rows(count))
    employed = ((one.email, "left" if number % 10 == 0 else "active") for number, one in enumerate(people()))
    _write_table(folder / "people.csv", ("email", "status"), employed)
    sources = "".join(_SOURCE.format(number=number) for number in range(SOURCES))
    (folder / "config.toml").write_text(_CONFIG.format(store=store) + sources, encoding="utf-8")


def _identity_rows(count: int) -> Iterator[Mapping[str, object]]:
    """A row for each identity, as in Muster's own NDJSON."""
    keys = [_named(number, one.key) for number, one in enumerate(identities(count))]
    for number, one in enumerate(identities(count)):
        assert one.created_at is not None
        assert one.last_used_at is not None
        yield {
            "key": keys[number],
            "provider": one.provider,
            "scope": one.scope,
            "kind": one.kind,
            "name": _named(number, one.name),
            "enabled": True,
            "created_at": one.created_at.isoformat(),
            "last_used_at": one.last_used_at.isoformat(),
            "tags": {"team": "payments", "stage": "prod"} if number % 2 else {},
            "privilege": "admin" if number % ADMIN_EVERY == 1 else "normal",
            "links": [_link(keys[target]) for target in _targets(number, count)],
        }


def _targets(number: int, count: int) -> Iterator[int]:
    """The numbers of the identities that one may assume: the next ones of its account, and one of another."""
    if number % 5 == 0:
        yield min(number + 1 + number % 7, count - 1, (number // PER_ACCOUNT + 1) * PER_ACCOUNT - 1)
    if number % ACROSS_EVERY == 0:
        # Those that may are also those that others may become, so that long paths and cycles arise.
        yield random.Random(number).randrange(count // ACROSS_EVERY) * ACROSS_EVERY


def _link(target: str) -> Mapping[str, str]:
    return {"relation": "can_assume", "target": target, "evidence": "its policy allows sts:AssumeRole on it"}


def _named(number: int, name: str) -> str:
    """The name, or key, of an identity: of every fiftieth of an account one that recurs in the others."""
    if number % RECURS_EVERY != _RECURS_AT:
        return name
    return f"{name[: name.rfind('svc-')]}{_recurring(number % PER_ACCOUNT // RECURS_EVERY)}"


def _recurring(place: int) -> str:
    """A name that every account has."""
    return f"deploy-{place:03}"


def _entry_rows(count: int) -> Iterator[Sequence[str]]:
    """The registry: entries with a key or a pattern, and those of recurring names.

    A tenth declares a reach, and another tenth names an identity that has been renamed since.
    """
    for number, one in enumerate(entries(count // 10, count // 100)):
        radius = "at most 3 identities" if number % 10 == 5 else ""
        renamed = "-v1" if number % 10 == 7 else ""
        yield one.id, f"{one.identities[0]}{renamed}", *one.owner, radius
    for place in range(min(count, PER_ACCOUNT) // RECURS_EVERY):
        yield f"D{place}", _recurring(place), "person1@example.com", ""
        yield f"F{place}", _recurring(place), "person2@example.com", ""


def _write_table(path: Path, headings: Sequence[str], rows: Iterator[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        table = csv.writer(out)
        table.writerow(headings)
        table.writerows(rows)
