"""Rows of JSON and YAML files that gcloud wrote, and the newest date in them, up to which they describe a project."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from connectors.core.offline import MAX_BYTES, Unreadable, content_of, json_values, text_of

# Members with dates that may be in the future.
_AHEAD = re.compile(r"expir|until|next|delet|destr|purge|before|end", re.IGNORECASE)
_DEPTH = 8


def newest(rows: Any, until: datetime) -> datetime | None:
    """The newest date that is not after ``until``; None if there is none."""
    return max((date for date in _dates(rows, 0) if date <= until), default=None)


def _dates(value: Any, depth: int) -> Iterator[datetime]:
    match value:
        case datetime():
            yield value if value.tzinfo else value.replace(tzinfo=UTC)
        case str() if len(value) > len("2026-01-01T00:00") and value[4:5] == "-" and value[10:11] == "T":
            yield from _parsed(value)
        case list() | tuple():
            for each in value:
                yield from _dates(each, depth)
        case Mapping() if depth < _DEPTH:
            for name, each in value.items():
                if not _AHEAD.search(str(name)):
                    yield from _dates(each, depth + 1)


def _parsed(text: str) -> Iterator[datetime]:
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        return
    yield date if date.tzinfo else date.replace(tzinfo=UTC)


# --- Rows of a file ---
#
# Files are hostile input: any fault is an ``Unreadable`` that quotes none of the content.

DEEPEST = 60
"""Maximum nesting of a YAML document; Google's have a dozen levels."""
MAX_YAML_BYTES = 64 * 2**20
"""Maximum size of YAML, which is slow to read; larger exports must be JSON."""

EXTENSIONS = frozenset({"", ".json", ".jsonl", ".ndjson", ".yaml", ".yml"})
"""Of files that must have rows; others may be notes, or tables for people."""


class NoRows(Unreadable):
    """The content is neither JSON nor YAML with rows."""


_NO_ROWS = "it is neither JSON nor YAML: write it with --format=json"
_SECRETS = "it holds the values of secrets, which Muster does not need: delete it"
_HOLDS_SECRET = frozenset(
    {"private_key", "privateKeyData", "keyString", "access_token", "accessToken", "refresh_token", "client_secret"}
)


class GcpDocument(Struct, frozen=True, kw_only=True):
    """The content of a file. ``rows``: those of a list, or all objects. ``is_listing``: it is not a single object."""

    rows: tuple[Mapping[str, Any], ...]
    is_listing: bool


def read_document(path: Path) -> GcpDocument:
    """Read a file. Raises Unreadable."""
    text = _text(content_of(path, MAX_BYTES))
    is_json = text.lstrip()[:1] in ("[", "{", "")
    values = tuple(json_values(text)) if is_json else tuple(_yaml_values(text))
    rows = tuple(row for value in values for row in (value if isinstance(value, list) else (value,)))
    if not all(isinstance(row, dict) for row in rows):
        raise NoRows(_NO_ROWS)
    if any(holds_secret(row) for row in rows):
        raise Unreadable(_SECRETS)
    is_alone = len(values) == 1 and not isinstance(values[0], list) and not text.startswith("---")
    return GcpDocument(rows=rows, is_listing=not is_alone)


def holds_secret(row: Mapping[str, Any]) -> bool:
    """Whether the row is a key file, or an answer with the value of a secret."""
    payload = row.get("payload")
    return not _HOLDS_SECRET.isdisjoint(row) or (isinstance(payload, Mapping) and "data" in payload)


def _text(content: bytes) -> str:
    try:
        return text_of(content)
    except Unreadable as error:
        raise NoRows(_NO_ROWS) from error


def _yaml_values(text: str) -> Iterator[Any]:
    """The documents of a YAML stream. Aliases are refused: with them, a few lines expand to gigabytes."""
    if len(text) > MAX_YAML_BYTES:
        raise Unreadable(f"it is YAML of more than {MAX_YAML_BYTES // 2**20} MB: write it with --format=json")
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if isinstance(event, yaml.AliasEvent) or depth > DEEPEST:
                raise Unreadable("its YAML has aliases, or is nested too deeply")
        yield from yaml.load_all(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        line = f" (line {error.problem_mark.line + 1})" if error.problem_mark else ""
        raise NoRows(f"{_NO_ROWS}{line}") from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise error if isinstance(error, Unreadable) else NoRows(_NO_ROWS) from error
