"""IAM conditions: whether one still holds at all, and until when (pure).

Only what compares ``request.time`` with a fixed moment is understood, alone or joined by ``&&``: such a clause holds
now or it does not. Anything else makes a binding a "maybe". Source: the IAM documentation of conditions, attribute
reference.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal, TypeAlias

from msgspec import Struct

from connectors.gcp.rights.expressions import Clause, alternatives

Standing: TypeAlias = Literal["always", "maybe", "never"]

_SIGN = r"\s*(?P<sign><=?|>=?)\s*"
_MOMENT = r'timestamp\(\s*"(?P<place>\d+)"\s*\)'
_TIME_FIRST = re.compile(rf"request\.time{_SIGN}{_MOMENT}")
_TIME_LAST = re.compile(rf"{_MOMENT}{_SIGN}request\.time")


class Expression(Struct, frozen=True, kw_only=True, gc=False):
    """The condition of a binding or of a rule that denies, as the API gives it (``google.type.Expr``)."""

    expression: str = ""
    title: str = ""


class Outlook(Struct, frozen=True, kw_only=True, gc=False):
    """What a condition comes to now: ``always`` met, ``maybe`` or ``never`` again. ``until``: when it ends."""

    standing: Standing
    until: datetime | None = None


UNCONDITIONAL = Outlook(standing="always")
_DOUBTFUL = Outlook(standing="maybe")


def outlook(condition: Expression | None, now: datetime) -> Outlook:
    """What becomes of a binding under that condition; None: it has none."""
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
    """A moment with its offset, as CEL demands one."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
