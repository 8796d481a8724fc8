"""The part of Resource Graph's query language that is needed here, over rows in memory; the rest is refused.

Source: https://learn.microsoft.com/azure/governance/resource-graph/concepts/query-language
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from scanner.demo.fakes.azure.tenant import Row

COLUMNS = frozenset({
    "id", "name", "type", "tenantId", "kind", "location", "resourceGroup", "subscriptionId", "managedBy", "sku",
    "plan", "properties", "tags", "identity", "zones", "extendedLocation",
})  # fmt: skip
"""All columns of resources."""
_PATH = r"[A-Za-z_]\w*(?:\.\w+)*"
_IS_NOT_NULL = re.compile(rf"isnotnull\(({_PATH})\)")
_IS_AMONG = re.compile(rf"({_PATH}) (in~|in) \(('[^']*'(?:, ?'[^']*')*)\)")
_EQUALS = re.compile(rf"({_PATH}) (=~|==) ('[^']*')")
_COLUMN = re.compile(rf"(?:(\w+) = )?({_PATH})")
_ORDER = re.compile(r"(\w+) asc")
Test = Callable[[Row], bool]


class InvalidQuery(Exception):
    """A query that Resource Graph refuses, or that this implementation does not support."""


def run(query: str, tables: dict[str, Sequence[Row]]) -> list[Row]:
    """The rows that a query returns. Raises InvalidQuery."""
    table, *steps = (part.strip() for part in query.split("|"))
    if table.lower() not in tables:
        raise InvalidQuery(f"no table {table}")
    rows: list[Row] = list(tables[table.lower()])
    for step in steps:
        word, _, rest = step.partition(" ")
        if word not in _STEPS:
            raise InvalidQuery(f"no operator {word}")
        rows = _STEPS[word](rows, rest.strip())
    return rows


def _where(rows: Iterable[Row], condition: str) -> list[Row]:
    tests = [_test(part.strip()) for part in condition.split(" or ")]
    return [row for row in rows if any(test(row) for test in tests)]


def _test(text: str) -> Test:
    if found := _IS_NOT_NULL.fullmatch(text):
        path = found[1]
        return lambda row: _value(row, path) is not None
    found = _IS_AMONG.fullmatch(text) or _EQUALS.fullmatch(text)
    if found is None:
        raise InvalidQuery(f"cannot read {text}")
    path, operator, listed = found.groups()
    exact, values = "~" not in operator, re.findall(r"'([^']*)'", listed)
    wanted = set(values) if exact else {value.lower() for value in values}
    return lambda row: (str(_value(row, path)) if exact else str(_value(row, path)).lower()) in wanted


def _project(rows: Iterable[Row], columns: str) -> list[Row]:
    wanted: dict[str, str] = {}
    for column in columns.split(","):
        found = _COLUMN.fullmatch(column.strip())
        if found is None or (found[1] is None and "." in found[2]):
            raise InvalidQuery(f"cannot read {column}")
        wanted[found[1] or found[2]] = found[2]
    return [{name: _value(row, path) for name, path in wanted.items()} for row in rows]


def _order(rows: Iterable[Row], column: str) -> list[Row]:
    found = _ORDER.fullmatch(column.removeprefix("by "))
    if found is None:
        raise InvalidQuery(f"cannot read order {column}")
    return sorted(rows, key=lambda row: str(row[found[1]]).lower())


def _value(row: Row, path: str) -> Any:
    first, *rest = path.split(".")
    if first not in COLUMNS:
        raise InvalidQuery(f"failed to resolve scalar expression named '{first}'")
    value: Any = row.get(first)
    for part in rest:
        value = value.get(part) if isinstance(value, dict) else None
    return value


_STEPS: dict[str, Callable[[list[Row], str], list[Row]]] = {"where": _where, "project": _project, "order": _order}
