"""Packing: what goes in comes out, whatever the column looks like."""

from __future__ import annotations

import base64
import gzip
from itertools import accumulate
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.html.packing import LONGEST_TEXT, block, column, minutes, pairs, text
from tests.factories import NOW


def unpacked(packed: dict[str, Any]) -> list[Any]:
    """What ``data.js`` makes of a column."""
    if "steps" in packed:
        sums = accumulate(step for step in packed["steps"] if type(step) is int)
        return [next(sums) if type(step) is int else step for step in packed["steps"]]
    if "width" in packed:
        width, joined = packed["width"], packed["joined"]
        return [joined[at : at + width] for at in range(0, len(joined), width)]
    if "codes" in packed:
        return [packed["values"][code] for code in packed["codes"]]
    return list(packed["values"])


@given(
    st.lists(st.none() | st.text(max_size=3))
    | st.lists(st.none() | st.integers() | st.text(max_size=3))
    | st.lists(st.booleans())
    | st.sets(st.text(st.sampled_from("0aé😀"), min_size=4, max_size=4), min_size=100, max_size=120).map(list)
)
def test_a_column_keeps_its_values(values: list[Any]) -> None:
    """Any column of one type, with gaps or without, unpacks to what was packed."""
    assert unpacked(column(values)) == values


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(["a", "b", "a"], {"values": ["a", "b"], "codes": [0, 1, 0]}, id="repeated texts become codes"),
        pytest.param(["a", "b"], {"values": ["a", "b"]}, id="distinct texts stand as they are"),
        pytest.param([3, 3, 4], {"steps": [3, 0, 1]}, id="numbers become steps"),
        pytest.param([3, None, "x", 5], {"steps": [3, None, "x", 2]}, id="what is no number stands among the steps"),
        pytest.param([True, True, False], {"values": [True, False], "codes": [0, 0, 1]}, id="booleans are no numbers"),
    ],
)
def test_a_column_takes_its_shortest_form(values: list[Any], expected: dict[str, Any]) -> None:
    """Codes, steps or plain values, by what the column holds."""
    assert column(values) == expected


@given(st.text())
def test_a_block_holds_nothing_that_html_could_read(content: str) -> None:
    """A block is base64 of gzip of JSON, the same every time."""
    packed = block({"text": text(content)})

    assert set(packed) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
    assert msgspec.json.decode(gzip.decompress(base64.b64decode(packed))) == {"text": text(content)}
    assert packed == block({"text": text(content)})


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param(None, None, id="unknown"),
        pytest.param("", None, id="empty is unknown"),
        pytest.param("Jürgen", "Jürgen", id="letters of any script"),
        pytest.param("a\u202egpj.exe", "a\\u202egpj.exe", id="right-to-left override"),
        pytest.param("a\x1b[31m\nb", "a\\x1b[31m\\nb", id="terminal escape and line break"),
        pytest.param("zero\u200bwidth", "zero\\u200bwidth", id="invisible"),
        pytest.param("lone \ud800", "lone \\ud800", id="lone surrogate"),
    ],
)
def test_what_acts_unseen_is_spelled_out(value: str | None, shown: str | None) -> None:
    """Control, invisible and direction-changing characters are seen, not obeyed."""
    assert text(value) == shown


def test_a_text_without_end_is_cut() -> None:
    """One name cannot be the whole page; it says how long it was."""
    assert text("x" * (LONGEST_TEXT + 5)) == "x" * LONGEST_TEXT + "… (10,005 characters)"


def test_facts_become_pairs_of_texts() -> None:
    """Attributes of any type are shown as words."""
    assert pairs({"path": "/", "mfa": True, "ports": [1, 2]}) == (("path", "/"), ("mfa", "yes"), ("ports", "1, 2"))


def test_times_are_minutes() -> None:
    """Minutes since 1970 in UTC, or unknown."""
    assert minutes(NOW) == 1795593600 // 60
    assert minutes(None) is None
