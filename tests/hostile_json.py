"""JSON that no one honest writes: any value at all, and documents of which some parts are not as they were."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

ODD: tuple[Any, ...] = (
    None, True, 0, -1, 2**31, 2**63, 10**30, -(10**400), 0.5, 1e308, -1e15, "", " ", "\0", "\ud800", "\x1b[31m", "<b>",
    "*", ":", "/", "//", "..", ".", "%2F", "@", "a@b", "a/b/c/d", "a:b:c:d:e:f", "${x}", "{{x}}", "1", "9" * 5000,
    "0001-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01", "2026-01-01T00:00:00",
    "https://[", "https://a:99999/", "arn:aws:iam::", "\u0130", "İ" * 300, [], {}, [[]], [None], {"": None}, [{}],
)  # fmt: skip
"""What has broken readers before: ends of ranges, halves of characters, times that are none, names in pieces."""

TIMES = ("2026-01-01T00:00:00", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00")
"""One of no zone, and two that UTC has not."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\S+")

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
)
JSON: st.SearchStrategy[Any] = st.sampled_from((*ODD, *TIMES)) | st.recursive(
    SCALARS | st.sampled_from(ODD),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def with_times(document: Any, time: str) -> Any:
    """The document with this time wherever one stands."""
    changed = copy.deepcopy(document)
    for holder, at in _places(changed):
        if isinstance(holder[at], str) and _TIME.fullmatch(holder[at]):
            holder[at] = time
    return changed


@st.composite
def mutated(draw: st.DrawFn, document: Any, *, most: int = 3) -> Any:
    """The document with up to so many parts replaced, left out, nested, written as text, doubled or mixed up."""
    changed = [copy.deepcopy(document)]
    for _ in range(draw(st.integers(1, most))):
        _change(draw, changed)
    return changed[0]


def _change(draw: st.DrawFn, document: list[Any]) -> None:
    places = list(_places(document))
    holder, at = draw(st.sampled_from(places))
    match draw(st.sampled_from(("replace", "replace", "leave out", "nest", "text", "double", "mix up"))):
        case "leave out":
            del holder[at]
            document += [] if document else [None]
        case "nest":
            holder[at] = draw(st.sampled_from(([holder[at]], {"value": holder[at]})))
        case "text":
            holder[at] = str(holder[at])
        case "double" if isinstance(holder, list):
            holder.insert(at, copy.deepcopy(holder[at]))
        case "mix up":
            other, there = draw(st.sampled_from(places))
            holder[at] = copy.deepcopy(other[there])
        case _:
            holder[at] = copy.deepcopy(draw(JSON))  # or a later change would change what others draw


def _places(thing: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in a document, and every name or number of a part in it."""
    for at in thing if isinstance(thing, dict) else range(len(thing)) if isinstance(thing, list) else ():
        yield thing, at
        yield from _places(thing[at])
