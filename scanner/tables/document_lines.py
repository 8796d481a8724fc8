"""Where the rows of a document stand: the line each begins on, in a text that is known to be valid. Pure.

``key``: what the list of rows stands under; None where the document is that list, or the one row itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import Any

import yaml

_DECODER = json.JSONDecoder()
_BLANKS = re.compile(r"[ \t\n\r]*")


def json_lines(text: str, key: str | None, items: list[Any]) -> Iterator[int]:
    """Of each item in a JSON text."""
    start = _after_blanks(text, 0)
    if key is not None:
        start = dict(_json_members(text, start))[key]  # of one that stands twice the last, as the parser has it
    at_line, last = 1, 0
    for offset in _json_elements(text, start) if text[start] == "[" else repeat(start, len(items)):
        at_line += text.count("\n", last, offset)
        last = offset
        yield at_line


def _json_elements(text: str, start: int) -> Iterator[int]:
    at = _after_blanks(text, start + 1)
    while text[at] != "]":
        yield at
        at = _after_value(text, at)


def _json_members(text: str, start: int) -> Iterator[tuple[str, int]]:
    at = _after_blanks(text, start + 1)
    while text[at] != "}":
        name, colon = _DECODER.raw_decode(text, at)
        value = _after_blanks(text, _after_blanks(text, colon) + 1)
        yield name, value
        at = _after_value(text, value)


def _after_value(text: str, at: int) -> int:
    """Behind the value there, and behind the comma that follows it."""
    at = _after_blanks(text, _DECODER.raw_decode(text, at)[1])
    return _after_blanks(text, at + 1) if text[at] == "," else at


def _after_blanks(text: str, at: int) -> int:
    blanks = _BLANKS.match(text, at)
    return blanks.end() if blanks else at


def yaml_lines(node: Any, key: str | None) -> list[int]:
    """Of each item under the root node."""
    if key is not None:
        node = next(value for name, value in node.value if name.value == key)
    items = node.value if isinstance(node, yaml.SequenceNode) else [node]
    return [item.start_mark.line + 1 for item in items]


def toml_lines(text: str, key: str | None, items: list[Any]) -> Iterable[int]:
    """The line of each ``[[key]]``; of the key itself where the items stand in one inline list."""
    if key is None:
        return repeat(1)
    name = re.escape(key)
    headers = re.compile(rf"""\s*\[\[\s*["']?{name}["']?\s*\]\]""")
    lines = [number for number, line in enumerate(text.split("\n"), start=1) if headers.match(line)]
    if len(lines) == len(items):
        return lines
    inline = re.compile(rf"""\s*["']?{name}["']?\s*=""")
    return repeat(next((number for number, line in enumerate(text.split("\n"), start=1) if inline.match(line)), 1))
