"""Writing a document to a file and loading it as a registry or a roster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scanner.model import Entry, Person
from scanner.registry.entries import load_registry
from scanner.registry.lists import Format, ListSource
from scanner.registry.roster.people import load_people


def written(folder: Path, name: str, content: Any) -> Path:
    """The file with that text; anything but a text is written as JSON."""
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1), encoding="utf-8")
    return path


def entries_of(folder: Path, name: str, content: Any, wanted: Format | None = None) -> dict[str, Entry]:
    """The entries of that document by id."""
    source = ListSource(path=written(folder, name, content), format=wanted)
    return {entry.id: entry for entry in load_registry([source]).entries}


def people_of(folder: Path, name: str, content: Any) -> dict[str, Person]:
    """The people of that document by e-mail."""
    return {person.email: person for person in load_people([ListSource(path=written(folder, name, content))]).people}


def facts(record: Entry | Person, *fields: str) -> dict[str, Any]:
    """Those fields of it."""
    return {field: getattr(record, field) for field in fields}
