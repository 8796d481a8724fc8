"""A cell as long as one may be costs no more than its length: each of these took minutes or more."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from scanner.model import Origin, Person, Policy
from scanner.registry.editing.lint import lint_lists
from scanner.registry.lists import ListSource
from scanner.registry.roster.indexes import Indexes
from scanner.registry.tables.cells import MAX_CELL
from scanner.registry.tables.headings import holds_secret
from scanner.registry.tables.rows import no_row


def test_a_personnel_number_of_zeros() -> None:
    """It is one of nobody."""
    long = "0" * (MAX_CELL - 1) + "x"
    indexes = Indexes((Person(email="a@acme.example", id=long, origin=Origin(file="p.csv", row=2)),), lambda _: None)

    assert not indexes.by_id(long)
    assert not indexes.is_like_an_id(long)


def test_a_row_of_rules() -> None:
    """It is no heading of a section."""
    assert no_row(("a", "b", "c"), ("a" + "#" * (MAX_CELL - 2) + "x",)) is None


@pytest.mark.parametrize("unit", ["(", "a (", "((a", "[", " ", ":", "a@", "&", "x"])
def test_a_cell_of_brackets_or_signs(tmp_path: Path, unit: str) -> None:
    """In any column, it is compared with headings, and read as an owner and as an identity."""
    long = (unit * MAX_CELL)[: MAX_CELL - 2]
    path = tmp_path / "registry.csv"
    for tail in ("", "@@"):
        path.write_text(f"name,owner\nsvc-1,{long}{tail}\n{long}{tail},ada@acme.example\n")
        lint_lists([ListSource(path=path)], (), policy=Policy(), providers=None, today=date(2026, 12, 2))


@pytest.mark.parametrize("part", [";", "0", " ", "value"])
def test_a_heading_of_what_follows_the_name_of_a_secret(part: str) -> None:
    """It names a secret if the end of it follows such a name, and else none."""
    long = part * (MAX_CELL // len(part))

    assert not holds_secret(f"a{long}b")
    assert holds_secret(f"Password {long}")
