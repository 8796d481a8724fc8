"""Tables that come with a package."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from scanner.catalog import read_table


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[one]\nkind = ", "Invalid value"),
        ("[one]\nkind = 1\nkind = 2\nend = 3", "at line 3"),
        ("one = 'x'", "Expected `int`, got `str`"),
    ],
)
def test_a_table_that_cannot_be_read_names_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    """Some fifty files are read in this way, at any time."""
    monkeypatch.syspath_prepend(tmp_path.parent)
    (tmp_path / "kinds.toml").write_text(text)

    with pytest.raises(msgspec.ValidationError, match=f"^kinds.toml of {tmp_path.name}: .*{said}"):
        read_table(tmp_path.name, "kinds.toml", dict[str, int])
