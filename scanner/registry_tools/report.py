"""The whole of lint: lists read, judged and measured; as a record and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import BinaryIO

import msgspec
from msgspec import Struct

from scanner.errors import Problem, RegistryError
from scanner.matching.keys import PROVIDERS
from scanner.model import Policy
from scanner.registry.entries import load_registry
from scanner.registry.lists import ListSource
from scanner.registry.people import load_people
from scanner.registry_tools.lint import Note, lint_entries, lint_people
from scanner.registry_tools.quality import Quality, measure
from scanner.registry_tools.standards import Standard
from scanner.roster import Roster

SCHEMA = "muster.lint/1"


class LintReport(Struct, frozen=True, kw_only=True):
    """All problems and warnings, by file and line, and the quality; None where the registry could not be read."""

    schema: str = SCHEMA
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    quality: Quality | None


def lint_lists(
    lists: Sequence[ListSource],
    people: Sequence[ListSource],
    *,
    policy: Policy,
    providers: Iterable[str] | None,
    today: date,
) -> LintReport:
    """Everything about a registry and its roster. ``providers``: what can be scanned besides those we know of.

    None: lists of anything are scanned.
    """
    notes: list[Note] = []
    roster = None
    if people:
        try:
            loaded = load_people(people)
        except RegistryError as error:
            notes += _as_notes(error.problems, grave=True)
        else:
            roster = Roster(loaded.people, today)
            notes += _as_notes(loaded.warnings, grave=False)
    known = None if providers is None else frozenset({*PROVIDERS, *providers})
    standard = Standard(today=today, policy=policy, roster=roster, providers=known)
    if roster is not None:
        notes += lint_people(loaded.people, standard)
    quality = None
    try:
        registry = load_registry(lists, today=today)
    except RegistryError as error:
        notes += _as_notes(error.problems, grave=True)
    else:
        notes += _as_notes(registry.warnings, grave=False)
        entries = registry.entries if roster is None else tuple(map(roster.parted, registry.entries))
        notes += lint_entries(entries, standard, ownerless=registry.ownerless)
        quality = measure(entries, standard)
    notes.sort(key=lambda note: (note.problem.file, note.problem.line or 0))
    return LintReport(
        problems=tuple(note.problem for note in notes if note.grave),
        warnings=tuple(note.problem for note in notes if not note.grave),
        quality=quality,
    )


def write_json(report: LintReport, out: BinaryIO) -> tuple[str, ...]:
    """Write it as JSON; nothing is ever left out, so there are no notices."""
    out.write(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
    return ()


def _as_notes(problems: Iterable[Problem], *, grave: bool) -> list[Note]:
    return [Note(grave=grave, problem=problem) for problem in problems]
