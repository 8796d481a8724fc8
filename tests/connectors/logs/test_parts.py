"""Which part of a unit is read: every file once, in whatever order files come and go, and readings are cut off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from connectors.logs.parts import BEFORE, CHANGED_AND_GONE, MORE, base_of, mark_of, missing
from scanner.model.activity import LogUnit

Files: TypeAlias = Mapping[str, str]
"""Versions by name."""


def unit(files: Files, before: Files | None = None, name: str = "a/2026-11-20") -> LogUnit:
    """A unit of these files."""
    every = [("", *one) for one in sorted(files.items())] + [(BEFORE, *one) for one in sorted((before or {}).items())]
    return LogUnit(
        log="trail",
        name=name,
        digest=repr(sorted(files.items())),
        files=tuple(f"{begin}{version} {name}" for begin, name, version in every),
        marks=b"".join(mark_of(name, version, begin) for begin, name, version in every),
    )


def known(*units: LogUnit) -> dict[str, bytes]:
    """As the store has them."""
    return {one.name: one.marks for one in units}


ONE_TWO = {"one": "1", "two": "1"}


def test_what_was_never_read_is_read_whole() -> None:
    """So is what is known by its digest alone, as it was before marks were kept."""
    new = unit(ONE_TWO)
    assert missing(new, {}) == new
    assert missing(LogUnit(log="trail", name="x", digest="2"), {"x": b""}) == LogUnit(log="trail", name="x", digest="2")


def test_files_that_came_or_grew_are_read_with_the_others() -> None:
    """In place of what was read, so that events in two files are counted once."""
    late = unit({**ONE_TWO, "three": "1"})
    grown = unit({**ONE_TWO, "two": "2"})
    assert missing(late, known(unit(ONE_TWO))) == late
    assert missing(grown, known(unit(ONE_TWO))) == grown


def test_files_that_are_gone_take_nothing_with_them() -> None:
    """A bucket keeps files for some weeks; counts are kept longer."""
    assert missing(unit({"one": "1"}), known(unit(ONE_TWO))) is None


def test_files_that_came_when_others_had_gone_are_a_unit_of_their_own() -> None:
    """Once it is read, nothing is missing; when all files are back, they are one unit again."""
    first, now = unit(ONE_TWO), unit({"two": "1", "three": "1"}, before={"eve": "1"})
    more = missing(now, known(first))
    assert isinstance(more, LogUnit)
    assert (more.name, more.files) == (first.name + MORE, ("1 three", f"{BEFORE}1 eve"))
    assert base_of(more.name) == first.name
    assert missing(now, known(first, more)) is None
    assert missing(unit({"two": "1"}), known(first, more)) is None

    back = missing(unit({**ONE_TWO, "three": "1"}), known(first, more))
    assert isinstance(back, LogUnit)
    assert (back.name, back.replaces) == (first.name, (more.name,))


def test_changed_files_beside_gone_ones_are_a_gap() -> None:
    """Neither counting them again nor leaving out what is gone would be right."""
    assert missing(unit({"two": "2"}), known(unit(ONE_TWO))) == CHANGED_AND_GONE


def test_files_of_the_day_before_are_looked_at_when_one_comes() -> None:
    """An event in a late one may have been counted for the next day; one that leaves changes nothing."""
    first, late = unit(ONE_TWO, before={"eve": "1"}), unit(ONE_TWO, before={"eve": "1", "later": "1"})
    assert missing(late, known(first)) == late
    assert missing(unit({"one": "1"}, before={}), known(first)) is None


_NAMES = st.sampled_from("abcdefgh")
_STEPS = st.lists(
    st.tuples(st.sampled_from(("add", "remove", "read", "cut off")), _NAMES), min_size=1, max_size=40
)  # fmt: skip


@given(_STEPS)
def test_every_file_is_counted_once(steps: list[tuple[str, str]]) -> None:
    """Files come, go and come back; some readings are cut off before they are stored."""
    there: dict[str, str] = {}
    stored: dict[str, LogUnit] = {}
    seen = set[str]()
    for step, name in [*steps, ("read", "")]:
        if step == "add":
            there[name] = "1"
        elif step == "remove":
            there.pop(name, None)  # perhaps before it was read
        elif step in ("read", "cut off") and there:
            part = missing(unit(there), known(*stored.values()))
            assert part != CHANGED_AND_GONE
            if step == "read" and isinstance(part, LogUnit):
                stored = {one: kept for one, kept in stored.items() if one not in part.replaces} | {part.name: part}
                seen |= there.keys()
    counted = [name for one in stored.values() for name in _names(one)]
    assert len(counted) == len(set(counted))
    assert set(counted) == seen
    if there:
        again = missing(unit(there), known(*stored.values()))
        assert again is None or again == unit(there)  # the same digest, in the store: it is not asked for


def _names(one: LogUnit) -> list[str]:
    return [text.partition(" ")[2] for text in one.files]
