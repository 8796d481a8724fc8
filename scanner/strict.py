"""Strict decoding of settings: an error names file, line, path and the nearest known key."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar, get_args, get_origin

import msgspec
from msgspec import Struct

from scanner.errors import ConfigError, Problem, did_you_mean, fix_of
from scanner.redaction.redact import SecretRef

T = TypeVar("T")
KeyPath: TypeAlias = tuple[str | int, ...]

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]")
_KEY = re.compile(r"^\s*(\"[^\"]+\"|'[^']+'|[\w-]+)\s*[.=]")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(.+?)`")
_UNKNOWN_VALUE = re.compile(r"Invalid enum value (.+)")
_WORDS = {
    " | null`": "`",  # TOML has no null: a key that may be missing is left out
    "Expected `int`": "expected a whole number",
    "Expected `bool`": "expected true or false",
    "Expected `str`": "expected text",
    "Expected `array`": "expected a list",
    "Expected `object`": "expected a table",
    "Expected `date`": "expected a date such as 2027-06-30",
    "got `str`": "got text",
    "got `int`": "got a number",
    "got `float`": "got a number",
    "got `bool`": "got true or false",
    "got `array`": "got a list",
    "got `object`": "got a table",
    "Object missing required field": "missing the key",
    "Invalid RFC3339 encoded datetime": "expected a time such as 2027-06-30T12:00:00Z",
    "Invalid RFC3339 encoded date": "expected a date such as 2027-06-30",
}


LARGEST = 4 * 1024 * 1024
"""Maximum bytes of a settings file; usual files have a few thousand."""


class Document(Struct, frozen=True, kw_only=True):
    """The origin of settings for messages: file name, text, and current position."""

    file: str
    text: str = ""
    path: KeyPath = ()

    def problem(self, message: str, path: KeyPath, fix: str | None = None) -> ConfigError:
        """An error at that key."""
        return ConfigError(
            Problem(file=self.file, line=line_of(self.text, path), field=show(path), message=message, fix=fix)
        )


def read_settings(path: Path, fix: str, *, largest: int = LARGEST) -> str:
    """The text of a file of settings, of at most ``largest`` bytes. Raises ConfigError.

    ``fix``: the hint if it cannot be opened.
    """
    try:
        with path.open("rb") as file:
            data = file.read(largest + 1)
        if len(data) > largest:
            raise ConfigError(Problem(file=str(path), message=f"is larger than {largest // 2**20} MiB"))
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise ConfigError(Problem(file=str(path), message="is not UTF-8 text", fix="save it as UTF-8")) from error
    except OSError as error:
        absent = isinstance(error, FileNotFoundError)
        why = "no such file" if absent else (error.strerror or "cannot be read")
        raise ConfigError(Problem(file=str(path), message=why, fix=fix if absent else fix_of(error))) from error


def decode(data: Any, into: type[T], document: Document, *, base: Path | None = None, strict: bool = True) -> T:
    """The data as that type. Relative paths are resolved from ``base``. Raises ConfigError.

    ``strict=False`` reads numbers and booleans from text, as a command line gives them.
    """

    def hook(kind: type, value: Any) -> Any:
        if kind is not Path:
            raise NotImplementedError  # msgspec's protocol for an unsupported type
        if not isinstance(value, str):
            raise ValueError("expected a path, as text")  # noqa: TRY004  # msgspec turns this one into its own error
        path = Path(value).expanduser()
        return path if base is None else base / path

    try:
        return msgspec.convert(data, into, strict=strict, dec_hook=hook)
    except msgspec.ValidationError as error:
        raise _explain(str(error), into, document) from error


def _explain(text: str, into: Any, document: Document) -> ConfigError:
    message, _, where = text.partition(" - at `$")
    steps = tuple(
        name or (int(index) if index.isdigit() else "…")
        for name, index in (match.groups("") for match in _STEP.finditer(where.removesuffix("`")))
    )
    unknown = _UNKNOWN_FIELD.match(message)
    if unknown:
        key = unknown.group(1)
        return document.problem("unknown key", (*document.path, *steps, key), did_you_mean(key, keys_at(into, steps)))
    if _type_at(into, steps) is SecretRef or SecretRef in get_args(_type_at(into, steps)):
        return document.problem(
            "a secret is given by reference only",
            (*document.path, *steps),
            'write { env = "NAME" } or { file = "PATH" }',
        )
    if found := _UNKNOWN_VALUE.match(message):
        values = _values_of(_type_at(into, steps))
        known = f"one of {', '.join(values)}" if values else None
        fix = did_you_mean(found[1].strip("'\""), values) or known
        return document.problem(f"unknown value {found[1]}", (*document.path, *steps), fix)
    for theirs, ours in _WORDS.items():
        message = message.replace(theirs, ours)
    # Checks of a whole table begin their message with the key.
    key = message.partition(" ")[0]
    about = (key,) if key in keys_at(into, steps) else ()
    return document.problem(message, (*document.path, *steps, *about))


def _values_of(kind: Any) -> list[str]:
    """The texts that a key may have."""
    if get_origin(kind) is Literal:
        return [value for value in get_args(kind) if isinstance(value, str)]
    return [value for part in get_args(kind) for value in _values_of(part)]


def keys_at(into: Any, path: KeyPath) -> list[str]:
    """The keys a table may have at that path inside a type."""
    struct = _struct_in(_type_at(into, path))
    return [] if struct is None else [field.encode_name for field in msgspec.structs.fields(struct)]


def _type_at(into: Any, path: KeyPath) -> Any:
    for step in path:
        if isinstance(step, int):
            into = next(iter(get_args(into)), None)
            continue
        struct = _struct_in(into)
        fields = {} if struct is None else {field.encode_name: field.type for field in msgspec.structs.fields(struct)}
        into = fields.get(step)
    return into


def _struct_in(kind: Any) -> type[Struct] | None:
    if isinstance(kind, type) and issubclass(kind, Struct):
        return kind
    return next((found for part in get_args(kind) if (found := _struct_in(part)) is not None), None)


def show(path: KeyPath) -> str:
    """``source[0].regions`` for ("source", 0, "regions")."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def line_of(toml: str, path: KeyPath) -> int | None:
    """The line on which a TOML document sets a key or opens a table; None if unknown.

    For messages only, not a parser: it finds headers and ``key =`` lines.
    """
    arrays: dict[str, int] = {}
    table: KeyPath = ()
    best: int | None = None
    for number, line in enumerate(toml.splitlines(), start=1):
        header = _HEADER.match(line)
        if header:
            names = [part.strip(" \"'") for part in header.group(2).split(".")]
            if header.group(1) == "[[":
                arrays[".".join(names)] = arrays.get(".".join(names), -1) + 1
            table = _with_indices(names, arrays)
            here = table
        elif key := _KEY.match(line):
            here = (*table, key.group(1).strip("\"'"))
        else:
            continue
        # A table in it is where a key is first set; of a list of tables, the first.
        if path and here[: len(path)] == path:
            return number
        if path[: len(here)] == here:
            best = number
    return best


def _with_indices(names: Sequence[str], arrays: dict[str, int]) -> KeyPath:
    path: list[str | int] = []
    for depth, name in enumerate(names, start=1):
        path.append(name)
        index = arrays.get(".".join(names[:depth]))
        if index is not None:
            path.append(index)
    return tuple(path)
