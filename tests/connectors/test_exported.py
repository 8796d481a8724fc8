"""What sources that are folders of exported files share."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.exported import looking_into, name_in, not_recognised
from scanner.errors import SourceError


@pytest.mark.parametrize(
    ("count", "named"),
    [(1, "f0"), (5, "f0, f1, f2, f3, f4"), (6, "f0, f1, f2, f3, f4 and 1 more")],
)
def test_a_few_files_are_named_and_the_rest_are_counted(count: int, named: str) -> None:
    """However many there are."""
    assert not_recognised([f"f{number}" for number in range(count)]) == f"no file is recognised in {named}"


@pytest.mark.parametrize(
    ("root", "path", "name"),
    [("/a", "/a/b/c.json", "b/c.json"), ("/a/c.json", "/a/c.json", "c.json"), ("/a", "/a/\x1b[31mc", "\\x1b[31mc")],
)
def test_files_are_named_as_they_lie_in_the_folder(root: str, path: str, name: str) -> None:
    """A file alone has its own name; control characters are written out."""
    assert name_in(Path(root), Path(path)) == name


def test_what_cannot_be_looked_into_is_named(tmp_path: Path) -> None:
    """As a failure of the source."""
    missing = tmp_path / "none"

    with pytest.raises(SourceError, match=r"none cannot be read: No such file"), looking_into(tmp_path):
        list(missing.iterdir())
