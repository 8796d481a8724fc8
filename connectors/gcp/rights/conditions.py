"""Conditions: a parser for parts of the Common Expression Language, and whether a binding is in effect (pure).

Source: the CEL language definition. A condition that cannot be split reliably gives an empty result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Literal, TypeAlias

from msgspec import Struct

_STRING = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""")
_LONG_STRINGS = ('"""', "'''")


class Clause(Struct, frozen=True, kw_only=True, gc=False):
    """One part of a conjunction. ``text``: each string in it replaced by its number in quotes.

    ``strings``: those of the whole expression, as they stand between their quotes; ``own``: those of this clause.
    """

    text: str
    strings: tuple[str, ...]

    @property
    def own(self) -> tuple[str, ...]:
        """The strings of this clause alone."""
        return tuple(self.strings[int(place)] for place in re.findall(r'"(\d+)"', self.text))


def alternatives(expression: str) -> tuple[tuple[Clause, ...], ...]:
    """The alternatives of an expression, each a list of clauses that must all hold; empty if it has another form."""
    if not expression.strip() or any(mark in expression for mark in _LONG_STRINGS):
        return ()
    text, strings = numbered(expression)
    if "?" in text:
        return ()
    parts = [list(_split(bare(each), "&&")) for each in _split(bare(text), "||")]
    if any("||" in clause for clauses in parts for clause in clauses):
        return ()
    return tuple(tuple(Clause(text=clause, strings=strings) for clause in clauses) for clauses in parts)


def numbered(expression: str) -> tuple[str, tuple[str, ...]]:
    """The expression with each string replaced by its number in quotes, and the strings."""
    strings: list[str] = []

    def number(found: re.Match[str]) -> str:
        strings.append(found[0][1:-1])
        return f'"{len(strings) - 1}"'

    return _STRING.sub(number, expression), tuple(strings)


def bare(text: str) -> str:
    """The expression without brackets around all of it."""
    text = text.strip()
    while text.startswith("(") and text.endswith(")") and _depth(text[1:-1]) == 0:
        text = text[1:-1].strip()
    return text


def _depth(text: str) -> int:
    """The number of brackets that are left open; -1 if one is closed that was not opened."""
    depth = 0
    for sign in text:
        depth += (sign in "([{") - (sign in ")]}")
        if depth < 0:
            return -1
    return depth


def _split(text: str, sign: str) -> Iterator[str]:
    """The parts between an operator that is outside of brackets."""
    part = ""
    for piece in text.split(sign):
        part = f"{part}{sign}{piece}" if part else piece
        if _depth(part) == 0:
            yield bare(part)
            part = ""
    if part:
        yield part


# --- IAM conditions: whether they can still be met, and until when (pure) ---
#
# Only what compares ``request.time`` with a fixed moment is understood, alone or joined by ``&&``: such a clause
# holds now or it does not. Anything else makes a binding a "maybe". Source: the IAM documentation of conditions,
# attribute reference.

Standing: TypeAlias = Literal["always", "maybe", "never"]

_SIGN = r"\s*(?P<sign><=?|>=?)\s*"
_MOMENT = r'timestamp\(\s*"(?P<place>\d+)"\s*\)'
_TIME_FIRST = re.compile(rf"request\.time{_SIGN}{_MOMENT}")
_TIME_LAST = re.compile(rf"{_MOMENT}{_SIGN}request\.time")


class Expression(Struct, frozen=True, kw_only=True, gc=False):
    """The condition of a binding or of a deny rule (``google.type.Expr``)."""

    expression: str = ""
    title: str = ""


class Outlook(Struct, frozen=True, kw_only=True, gc=False):
    """The state of a condition now: ``always`` met, ``maybe`` or ``never`` again. ``until``: when it ends."""

    standing: Standing
    until: datetime | None = None


UNCONDITIONAL = Outlook(standing="always")
_DOUBTFUL = Outlook(standing="maybe")


def outlook(condition: Expression | None, now: datetime) -> Outlook:
    """The outlook of a binding under that condition; None: no condition."""
    if condition is None or not condition.expression.strip():
        return UNCONDITIONAL
    options = alternatives(condition.expression)
    if len(options) != 1:
        return _DOUBTFUL
    clauses = [_clause(each, now) for each in options[0]]
    until = min((clause.until for clause in clauses if clause.until is not None), default=None)
    standings = {clause.standing for clause in clauses}
    standing: Standing = "never" if "never" in standings else "maybe" if "maybe" in standings else "always"
    return Outlook(standing=standing, until=until)


def _clause(clause: Clause, now: datetime) -> Outlook:
    first, last = _TIME_FIRST.fullmatch(clause.text), _TIME_LAST.fullmatch(clause.text)
    found = first or last
    moment = None if found is None else _moment(clause.strings[int(found["place"])])
    if found is None or moment is None:
        return _DOUBTFUL
    if found["sign"].startswith("<") == (first is not None):
        return Outlook(standing="always" if now < moment else "never", until=moment)
    return Outlook(standing="always" if now >= moment else "maybe")


def _moment(text: str) -> datetime | None:
    """A time with an offset, which CEL requires."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
