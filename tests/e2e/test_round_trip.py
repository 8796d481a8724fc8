"""The spreadsheet goes round: orphans out, owners filled in, registry back in, and the next scan agrees."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from scanner.cli.main import main

HOSTILE = (
    "plain",
    "a;b",
    "a\\;b",
    "*",
    "svc-*",
    "\\",
    "a\\*b",
    "trailing\\",
    "=cmd|' /C calc'!A0",
    "'=already",
    'say "hello"',
    "комма,ünïcode😀",
    "-1",
    "_x0041_",
    "bell\x07",
    "zero\u200bwidth",
)
TWO_LINES = "two\nlines"
CONFIG = """
[[registry]]
path = "{registry}"
[[people]]
path = "people.csv"
[[source]]
name = "bots"
type = "file"
path = "bots.json"
"""


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A folder of bots with hostile names, and somebody to own them; called with the registry's name."""
    monkeypatch.chdir(tmp_path)

    def make(registry: str) -> None:
        bots = [
            {"key": f"saas:acme/{name}", "provider": "saas", "scope": "acme", "kind": "bot", "name": name}
            for name in (*HOSTILE, TWO_LINES)
        ]
        (tmp_path / "bots.json").write_text(json.dumps(bots), encoding="utf-8")
        (tmp_path / "people.csv").write_text("email\nada@example.com\n", encoding="utf-8")
        (tmp_path / "config.toml").write_text(CONFIG.format(registry=registry), encoding="utf-8")
        (tmp_path / "seed.csv").write_text("id,identities,owner\nN-1,other,ada@example.com\n", encoding="utf-8")
        if registry == "seed.csv":
            return
        assert main(["registry", "convert", "seed.csv", registry]) == 0

    return make


def _scan(folder: Path) -> dict[str, tuple[str, str | None, str]]:
    """Registry state, rung and ownership of each bot."""
    assert main(["scan", "--quiet", "-o", "json:scan.json"]) == 0
    result: dict[str, Any] = json.loads((folder / "scan.json").read_text(encoding="utf-8"))
    return {
        one["name"]: (one["registry"]["state"], one["registry"]["rung"], one["ownership"]["state"])
        for one in result["identities"]
    }


def _fill_in(path: Path) -> int:
    """Name an owner and a purpose in every row, as a person would; returns the number of rows."""
    book = openpyxl.load_workbook(path)
    sheet = book["Orphans"]
    at = {cell.value: number for number, cell in enumerate(sheet[1], start=1)}
    for row in range(2, sheet.max_row + 1):
        sheet.cell(row, at["owner"]).value = "ada@example.com"
        sheet.cell(row, at["purpose"]).value = "said by Ada;\nthe owner"
    book.save(path)
    return sheet.max_row - 1


@pytest.mark.parametrize("registry", ["seed.csv", "r.xlsx", "r.yaml", "r.json", "r.toml", "r.ndjson"])
def test_what_was_adopted_is_registered_and_owned(
    tmp_path: Path, estate: Callable[[str], None], registry: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In every format, whatever the names hold: each identity by its own key, and by nobody else's.

    A list in a cell cannot hold a line break: there the one name that has one is left out, and told.
    """
    estate(registry)
    before = _scan(tmp_path)
    main(["orphans", "-o", "xlsx:orphans.xlsx"])
    filled = _fill_in(tmp_path / "orphans.xlsx")

    assert main(["registry", "adopt", "orphans.xlsx"]) == 0
    told = capsys.readouterr().err
    after = _scan(tmp_path)

    in_sheet = registry.endswith((".csv", ".xlsx"))
    declared = [*HOSTILE, *([] if in_sheet else [TWO_LINES])]
    assert set(before.values()) == {("unregistered", None, "orphaned")}
    assert filled == len(HOSTILE) + 1
    assert {name: after[name] for name in declared} == dict.fromkeys(declared, ("registered", "key", "owned"))
    assert ("its key cannot be written" in told) is in_sheet
    assert main(["registry", "adopt", "orphans.xlsx"]) == 0
    assert "nothing to change" in capsys.readouterr().err
