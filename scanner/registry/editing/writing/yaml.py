"""Edits YAML by splicing: only edited values are written anew, at the positions of the parser.

A round trip through a library's model would change the layout of the whole document, and not every layout survives
that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import yaml

from scanner.registry.editing.saving import Opened
from scanner.registry.editing.writing.base import Edit, decoded, in_document, no_room

Splice: TypeAlias = tuple[int, int, str]
"""Start, end and replacement; offsets in the text."""

_LINE = 2**20
"""A line length that the emitter never breaks at."""


def edit_yaml(opened: Opened, edits: Sequence[Edit]) -> bytes:
    """Return the document with these edits. Raises RegistryError if it cannot store a new entry."""
    mark, text = decoded(opened)
    root = yaml.compose(text, Loader=yaml.CBaseLoader)
    rows = _rows(root)
    splices: list[Splice] = []
    for edit in edits:
        if edit.position is not None:
            row = root if rows is None else rows.value[edit.position]
            splices += _filled(opened, text, edit, row)
    added = [{key: in_document(opened, key, value) for key, value in edit.cells.items()}
             for edit in edits if edit.position is None]  # fmt: skip
    if root is None:
        text += "".join(f"{_item(row, 0)}\n" for row in added) or "[]\n"
    elif added and rows is None:
        raise no_room(opened)
    elif added:
        splices += _appended(text, rows, added)
    return mark + _spliced(text, splices).encode()


def _rows(root: Any) -> Any:
    """Return the sequence of entries: the root, or its only sequence; None if there is none."""
    if root is None or isinstance(root, yaml.SequenceNode):
        return root
    lists = [value for _, value in root.value if isinstance(value, yaml.SequenceNode)]
    rows = [list_ for list_ in lists if list_.value and all(isinstance(item, yaml.MappingNode) for item in list_.value)]
    only_lists = len(lists) == len(root.value)
    return next(iter(rows or (lists if only_lists else ())), None)


def _filled(opened: Opened, text: str, edit: Edit, row: Any) -> list[Splice]:
    splices: list[Splice] = []
    values = {key.value: value for key, value in row.value}
    for heading, given in edit.cells.items():
        new = in_document(opened, heading, given)
        if heading in values:
            splices.append(_replaced(text, values[heading], new))
        elif row.flow_style:
            at = _end(text, row.value[-1][1]) if row.value else row.start_mark.index + 1
            splices.append((at, at, f"{', ' if row.value else ''}{_flow(heading)}: {_flow(new)}"))
        else:
            at = _line_end(text, _end(text, row))
            splices.append((at, at, f"\n{' ' * row.start_mark.column}{_flow(heading)}: {_flow(new)}"))
    return splices


def _replaced(text: str, node: Any, new: Any) -> Splice:
    start, end = node.start_mark.index, _end(text, node)
    if start == end:
        return start, end, f" {_flow(new)}"
    if isinstance(new, list) and new and isinstance(node, yaml.SequenceNode) and not node.flow_style:
        return start, end, f"\n{' ' * node.start_mark.column}".join(f"- {_flow(item)}" for item in new)
    return start, end, _flow(new)


def _appended(text: str, rows: Any, added: Sequence[dict[str, Any]]) -> list[Splice]:
    if not rows.value:
        start, end = rows.start_mark.index, rows.end_mark.index
        within = "\n" if rows.start_mark.column else ""
        return [(start, end, within + "\n".join(_item(row, 2 if within else 0) for row in added))]
    last = rows.value[-1]
    if rows.flow_style:
        at = _end(text, last)
        return [(at, at, "".join(f", {_flow(row)}" for row in added))]
    at = _line_end(text, _end(text, last))
    dash = rows.start_mark.column
    gap = 2 if last.flow_style else last.start_mark.column - dash
    parted = len(rows.value) > 1 and _has_blank_line(text, rows.value[-2], last)
    break_ = "\n\n" if parted else "\n"
    return [(at, at, "".join(f"{break_}{_item(row, dash, gap)}" for row in added))]


def _has_blank_line(text: str, before: Any, after: Any) -> bool:
    between = text[_end(text, before) : after.start_mark.index]
    return any(not line.strip() for line in between.split("\n")[1:-1])


def _item(row: dict[str, Any], dash: int, gap: int = 2) -> str:
    lines = [f"{_flow(heading)}: {_flow(value)}" for heading, value in row.items()]
    first = f"{' ' * dash}-{' ' * (gap - 1)}"
    return first + f"\n{' ' * (dash + gap)}".join(lines)


def _end(text: str, node: Any) -> int:
    """Return where the content of a node ends; the parser's mark comes after blanks and comments."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        start: int = node.start_mark.index
        return start + len(text[start : node.end_mark.index].rstrip())
    last = node.value[-1]
    return _end(text, last[1] if isinstance(node, yaml.MappingNode) else last)


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at)
    end = len(text) if found < 0 else found
    return end - 1 if text[end - 1 : end] == "\r" else end


def _flow(value: Any) -> str:
    """Return a value on one line, quoted if YAML would read it as another type; safe within brackets."""
    plain = all(map(str.isprintable, value if isinstance(value, list) else [value] if isinstance(value, str) else []))
    dumped = yaml.safe_dump(
        [value],
        default_flow_style=True,
        default_style=None if plain else '"',
        allow_unicode=True,
        width=_LINE,
        sort_keys=False,
    )
    return dumped.rstrip("\n")[1:-1]


def _spliced(text: str, splices: Sequence[Splice]) -> str:
    parts, at = [], 0
    for start, end, new in sorted(splices, key=lambda splice: splice[:2]):
        parts += [text[at:start], new]
        at = end
    return "".join([*parts, text[at:]])
