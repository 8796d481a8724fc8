"""Patterns of file names: as a shell with globstar matches them, and names with a dot as well."""

from __future__ import annotations

import glob
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.planned.patterns import found, is_pattern
from tests.examples import examples

NAMES = st.sampled_from(["a", "b.yaml", ".c", "*", "**", "?", "[ab]", "b*"])
FILES = ("a", "b.yaml", ".c/b.yaml", "d/a", "d/e/b.yaml", "d/e/.c", "d/e/f/a")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few files in folders."""
    root = tmp_path_factory.mktemp("tree")
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")
    return root


@examples(100, smoke=100)
@given(parts=st.lists(NAMES, min_size=1, max_size=4))
def test_it_finds_what_globs_with_hidden_names_find(tree: Path, parts: list[str]) -> None:
    """Python's own glob is the oracle for trees without links."""
    pattern = str(tree.joinpath(*parts))
    if not is_pattern(pattern):
        return
    # The reference is the standard library's ``glob``: the ``**`` of ``Path.glob`` means something else.
    matched = glob.glob(pattern, recursive=True, include_hidden=True)  # noqa: PTH207
    known = {os.path.normpath(one) for one in matched if not one.endswith("/")}

    files, gap = found(pattern)

    assert set(files) == {one for one in known if Path(one).is_file()}
    assert (gap is None) == bool(files)


def test_links_that_lead_to_themselves_end(tmp_path: Path) -> None:
    """Two such links would be two to the power of forty ways."""
    for name in ("one", "two"):
        (tmp_path / name).symlink_to(".")
    (tmp_path / "a.yaml").write_text("")

    files, gap = found(f"{tmp_path}/**/*.yaml")

    assert files == [f"{tmp_path}/a.yaml"]
    assert gap is not None
    assert [Path(one.place.resource).name for one in gap.problems] == ["one", "two"]


def test_a_folder_that_cannot_be_read_is_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as one whose path is longer than the system takes; what lies in it was asked for."""
    (tmp_path / "a.yaml").write_text("")
    monkeypatch.chdir(tmp_path)
    for _ in range(22):
        Path("d" * 200).mkdir()
        monkeypatch.chdir("d" * 200)
    Path("hidden.yaml").write_text("")

    files, gap = found(f"{tmp_path}/**/*.yaml")

    assert files == [f"{tmp_path}/a.yaml"]
    assert gap is not None
    assert "cannot be read" in gap.problems[0].reason
