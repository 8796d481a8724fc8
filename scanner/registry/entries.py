"""The declared registry: entries as people keep them, from any number of files in any format."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from msgspec import Struct

from scanner.errors import Problem
from scanner.model import Entry, EntryStatus, Origin
from scanner.registry.columns import ACCOUNT, NAMING, REGISTRY
from scanner.registry.lists import ListSource
from scanner.registry.records import Notes, Record, extra, read_records
from scanner.tables.cells import shown

_TEXTS = ("purpose", "provider", "team", "built_by", "environment", "blast_radius", "baseline", "approved_by")
_LISTS = ("systems", "permissions", "credentials", "high_consequence")
_OWNERS = ("owner", "technical_owner", "backup_owner")
_DAYS = ("approved_on", "last_reviewed", "next_review", "expires")

_KINDS = {
    **{kind: kind for kind in ("agent", "service", "pipeline", "integration", "application", "break_glass", "other")},
    "ai_agent": "agent",
    "assistant": "agent",
    "service_account": "service",
    "daemon": "service",
    "ci": "pipeline",
    "cd": "pipeline",
    "ci_cd": "pipeline",
    "app": "application",
    "connector": "integration",
    "breakglass": "break_glass",
    "emergency": "break_glass",
}
_STATUSES: dict[str, EntryStatus] = {
    **{status: status for status in get_args(EntryStatus)},
    **dict.fromkeys(("live", "in_use", "approved", "enabled", "in_production", "operational"), "active"),
    **dict.fromkeys(
        (
            "decommissioned",
            "disabled",
            "deleted",
            "removed",
            "inactive",
            "expired",
            "revoked",
            "obsolete",
            "deprecated",
        ),
        "retired",
    ),
    **dict.fromkeys(("planned", "draft", "requested", "pending", "new"), "proposed"),
    **dict.fromkeys(("on_hold", "paused", "blocked", "locked"), "suspended"),
}
_NOBODY = frozenset({"-", "n/a", "na", "none", "nobody", "tbd", "?", "unknown", "unassigned"})

_ACCOUNT_ID = re.compile(r"\d{12}")
_STAR = re.compile(r"(?<!\\)\*")
_LITERAL = re.compile(r"[^\W_]|\\\*")


class Registry(Struct, frozen=True, kw_only=True):
    """All entries, in the order of files and rows, and what is odd about them without being wrong."""

    entries: tuple[Entry, ...] = ()
    warnings: tuple[Problem, ...] = ()


def load_registry(lists: Sequence[ListSource]) -> Registry:
    """The entries of these files: .csv .tsv .xlsx .json .ndjson .yaml .toml, or a folder of YAML files.

    Raises RegistryError with everything that is wrong anywhere, each with file, line and heading.
    """
    notes = Notes()
    entries: list[Entry] = []
    declared: dict[str, Origin] = {}
    for record in read_records(lists, REGISTRY, NAMING, notes):
        name = record.fields.text("name")
        identities, scope = _identities(record, name)
        if not identities:
            if not record.fields.errors:
                notes.problems.append(record.problem("names no identity", fix="fill in identities or name"))
            continue
        _refuse_boundless(record, identities, notes)
        own_id = record.fields.text("id")
        if own_id in declared:
            notes.problems.append(
                record.problem(
                    f"the id {shown(own_id)} is already used at {declared[own_id]}",
                    field=record.fields.heading("id"),
                    fix="give each entry an id of its own",
                )
            )
        entry_id = own_id or _stand_in(record.origin, declared)
        declared.setdefault(entry_id, record.origin)
        entry = Entry(
            id=entry_id,
            has_own_id=own_id is not None,
            origin=record.origin,
            name=name,
            identities=identities,
            **_facts(record, scope, notes),
        )
        entries.append(entry)
    notes.raise_problems()
    return Registry(entries=tuple(entries), warnings=tuple(notes.warnings))


def _facts(record: Record, scope: str | None, notes: Notes) -> dict[str, Any]:
    fields = record.fields
    return {
        **{column: fields.text(column) for column in _TEXTS},
        **{column: fields.items(column) for column in _LISTS},
        **{column: _people(fields.items(column)) for column in _OWNERS},
        **{column: fields.day(column) for column in _DAYS},
        "scope": fields.text("scope") or scope,
        "kind": _kind(record, notes),
        "status": _status(record, notes),
        "max_credential_age": fields.days("max_credential_age"),
        "human_in_the_loop": fields.yes_no("human_in_the_loop"),
        "extra": extra(record),
    }


def _identities(record: Record, name: str | None) -> tuple[tuple[str, ...], str | None]:
    """What an entry stands for, and the scope that its ``account`` tells.

    ``account`` is an identity to most people; but a number of twelve digits beside other ids is the cloud account
    they live in, and taken for an identity it could only match the wrong thing.
    """
    listed = record.fields.items("identities")
    accounts = record.fields.items(ACCOUNT)
    numbers = [account for account in accounts if listed and _ACCOUNT_ID.fullmatch(account)]
    every = (*listed, *(account for account in accounts if account not in numbers))
    scope = numbers[0] if len(numbers) == 1 else None
    return tuple(dict.fromkeys(every)) or ((name,) if name else ()), scope


def _refuse_boundless(record: Record, identities: tuple[str, ...], notes: Notes) -> None:
    heading = record.fields.heading("identities") or record.fields.heading(ACCOUNT) or record.fields.heading("name")
    notes.problems.extend(
        record.problem(
            f"the pattern {shown(pattern)} would match everything",
            field=heading,
            fix=r"name at least one part of it; a literal star is \*",
        )
        for pattern in identities
        if _STAR.search(pattern) and not _LITERAL.search(pattern)
    )


def _stand_in(origin: Origin, taken: Mapping[str, Origin]) -> str:
    """File and row, for an entry without an id; the folder is left out, so that it holds wherever we are started."""
    place = f"{Path(origin.file).name}:{origin.row}"
    candidate, number = place, 2
    while candidate in taken:
        candidate, number = f"{place}#{number}", number + 1
    return candidate


def _kind(record: Record, notes: Notes) -> str | None:
    written = record.fields.text("kind")
    if written is None:
        return None
    kind = _KINDS.get(_word(written))
    if kind is None:
        notes.warnings.append(
            record.problem(f"unknown kind {shown(written)}, kept as it is", field=record.fields.heading("kind"))
        )
    return kind or written


def _status(record: Record, notes: Notes) -> EntryStatus:
    written = record.fields.text("status")
    if written is None:
        return "active"
    status = _STATUSES.get(_word(written))
    if status is None:
        notes.warnings.append(
            record.problem(
                f"unknown status {shown(written)}, taken as active",
                field=record.fields.heading("status"),
                fix=f"use one of {', '.join(get_args(EntryStatus))}",
            )
        )
    return status or "active"


def _word(written: str) -> str:
    return re.sub(r"[\s/_-]+", "_", written.lower())


def _people(items: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(item for item in items if item.lower() not in _NOBODY)
