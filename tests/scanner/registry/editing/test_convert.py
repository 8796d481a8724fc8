"""Registries from one format to another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.errors import RegistryError
from scanner.model import Entry, Origin
from scanner.registry.editing.revising import convert, read_like
from scanner.registry.editing.saving import blank, save
from scanner.registry.editing.values import Value
from scanner.registry.editing.writing import FORMATS, Edit, edited
from scanner.registry.entries import load_registry
from scanner.registry.lists import ListSource
from tests.examples import examples
from tests.scanner.registry.editing.strategies import CELLS, TEXTS

REGISTRY = """\
NHI ID;Wer;ARN;Last review;Ticket;Password;max age
1;ada@example.com; arn:aws:iam::1:user/a;25 Nov 2026;OPS-1;hunter2;90 days
2;"bob@example.com; a\\;b";x\\*y;;;;
"""


def _entries(path: Path, columns: Mapping[str, str] = {}) -> list[Entry]:
    """The entries of the registry, in any order."""
    read = load_registry([ListSource(path=path, columns=columns)]).entries
    nowhere = Origin(file="")
    return [
        msgspec.structs.replace(one, origin=nowhere, registry="", id=one.id if one.has_own_id else "") for one in read
    ]


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_column_goes_along(tmp_path: Path, suffix: str) -> None:
    """Known ones as what they are, unknown ones as text, under their own headings; secrets stay behind."""
    path, out = tmp_path / "registry.csv", tmp_path / f"out{suffix}"
    path.write_text(REGISTRY, encoding="utf-8")
    columns = {"Wer": "owner"}
    source = ListSource(path=path, columns=columns)

    done = convert(source, out)
    save([done.file], read_like(source))

    assert _entries(out, columns) == _entries(path, columns)
    assert _entries(out)[0].extra == {"Wer": "ada@example.com", "Ticket": "OPS-1"}
    assert (done.secret, b"hunter2" in out.read_bytes()) == (("Password",), False)


@examples(25)
@given(
    rows=st.lists(CELLS.flatmap(lambda row: TEXTS.map(lambda text: row | {"Ticket": text})), min_size=1, max_size=3),
    way=st.lists(st.sampled_from(FORMATS), min_size=2, max_size=4),
)
def test_any_way_through_the_formats_ends_with_the_same_entries(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Value]], way: list[str]
) -> None:
    """Nothing is lost and nothing is added, with any cells."""
    folder = tmp_path_factory.mktemp("converted")
    path = folder / f"0{way[0]}"
    path.write_bytes(edited(blank(path), [Edit(cells=row) for row in rows]))
    first = _entries(path)
    for number, suffix in enumerate(way[1:], start=1):
        done = convert(ListSource(path=path), path := folder / f"{number}{suffix}")
        save([done.file], ListSource(path=path))

    assert _entries(path) == first


def test_unreadable_cells_are_reported_with_their_place(tmp_path: Path) -> None:
    """A registry that a scan would refuse is not converted either, nor one where a heading means two columns."""
    path = tmp_path / "registry.csv"
    for text, message in (
        ("name,expires\na,03/04/2026\n", "registry.csv:2: expires: 03/04/2026 could be two different dates"),
        ("name,notes,notes\na,1,2\n", "registry.csv:1: notes: is the heading of 2 columns"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(RegistryError) as caught:
            convert(ListSource(path=path), tmp_path / "out.json")
        assert message in str(caught.value)
