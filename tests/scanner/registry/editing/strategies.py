"""Hostile registries: cells as people, spreadsheets and attackers fill them."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import strategies as st

from scanner.registry.columns import DAYS
from scanner.registry.editing.values import Value, can_be_written, literal_identity

_NASTY = st.sampled_from(
    ["=cmd|' /C calc'!A0", "'=1", "*", "\\", "a;b", "a\\;b", 'say "no"', "no", "null", "~", "- x", "# x", "a: b", "é😀",
     "x\ty", "a\u200bb", "012345678901", "1e3", "[x]", "{x}", "&a", "\x07bell", "a\nb", "a\r\nb", "\ufffe"]
)  # fmt: skip
_TEXT = _NASTY | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def _writable(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return values.filter(lambda value: all(can_be_written(value, in_sheet=sheet) for sheet in (True, False)))


TEXTS = _writable(_TEXT.filter(bool))
ITEMS = _writable(st.lists(_TEXT, min_size=1, max_size=3, unique=True).map(tuple))
IDENTITIES = _writable(
    st.lists(_TEXT.map(literal_identity), min_size=1, max_size=3, unique=True)
    .map(tuple)
    .filter(lambda items: any(map(str.isalnum, "".join(items))))
)
"""A row without letters or digits would be no entry."""
DATES = st.dates(date(1800, 1, 1), date(2200, 1, 1))

CELLS: st.SearchStrategy[dict[str, Value]] = st.fixed_dictionaries(
    {"identities": IDENTITIES},
    optional={
        "name": TEXTS,
        "purpose": TEXTS,
        "provider": TEXTS,
        "environment": TEXTS,
        "status": st.sampled_from(["proposed", "suspended", "retired"]),
        **dict.fromkeys(("systems", "permissions", "credentials", "high_consequence"), ITEMS),
        **dict.fromkeys(("owner", "technical_owner"), st.just(("ada@example.com", "team:billing; night shift"))),
        **dict.fromkeys(DAYS, DATES),
        "max_credential_age": st.integers(0, 9999),
        "human_in_the_loop": st.booleans(),
    },
)
