"""A list that was cut anywhere is an error, a gap, or says the same: no identity is lost in silence, none is made up.

Only a text that ends right behind a line end cannot be told from one with fewer rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from xlsxwriter import Workbook

from connectors.file.connector import FileConnector, FileSettings
from scanner.discovery.inventory import ScopeReading
from scanner.discovery.scopes import read_scope
from scanner.judging.last_known.line_ends import Cuts, without_cut

ROWS = [
    {"provider": "saas", "scope": "acme", "name": name, "owner": "ann", "enabled": enabled}
    for name, enabled in (("bot-1", "yes"), ("bot-17", "yes"), ("bot-2", "no"))
]
HEADINGS = list(ROWS[0])


def _separated(separator: str) -> bytes:
    return "".join(f"{separator.join(row)}\n" for row in (HEADINGS, *(row.values() for row in ROWS))).encode()


TEXTS = {
    "csv": _separated(","),
    "tsv": _separated("\t"),
    "ndjson": "".join(f"{json.dumps(row)}\n" for row in ROWS).encode(),
    "json": f"{json.dumps(ROWS, indent=1)}\n".encode(),
    "yaml": "".join(f"- {json.dumps(row)}\n" for row in ROWS).encode(),
    "toml": "".join("[[bot]]\n" + "".join(f"{key} = {json.dumps(row[key])}\n" for key in row) for row in ROWS).encode(),
}
BLOCKS = "".join("- " + "  ".join(f"{key}: {row[key]}\n" for key in row) for row in ROWS).encode()


def _read(path: Path, cuts: Cuts, last: list[str]) -> ScopeReading:
    connector = FileConnector("bots", FileSettings(path=path))
    (scope,) = connector.scopes()
    return without_cut(read_scope(connector, scope, deadline=60), cuts, lambda _: last)


def _check(path: Path, whole: bytes, places: Iterable[int]) -> None:
    path.write_bytes(whole)
    before = _read(path, Cuts(), [])
    facts = {one.key: one for one in before.identities}
    assert len(facts) == len(ROWS)
    assert not any(one.is_gap for one in before.coverage)
    for at in places:
        path.write_bytes(whole[:at])
        after = _read(path, Cuts(before.ends), list(facts))
        found = {one.key: one for one in after.identities}
        assert found.items() <= facts.items(), at
        assert found == facts or any(one.is_gap for one in after.coverage), at


def _within_rows(text: bytes) -> Iterator[int]:
    return (at for at in range(len(text)) if not text[:at].endswith(b"\n"))


@pytest.mark.parametrize("suffix", TEXTS)
def test_a_text_cut_at_any_byte(tmp_path: Path, suffix: str) -> None:
    _check(tmp_path / f"bots.{suffix}", TEXTS[suffix], _within_rows(TEXTS[suffix]))


def test_yaml_in_blocks_cut_at_any_byte(tmp_path: Path) -> None:
    _check(tmp_path / "bots.yaml", BLOCKS, _within_rows(BLOCKS))


def test_json_without_a_last_line_end_cut_at_any_byte(tmp_path: Path) -> None:
    text = TEXTS["json"].rstrip(b"\n")
    _check(tmp_path / "bots.json", text, range(len(text)))


def test_a_workbook_cut_at_any_byte(tmp_path: Path) -> None:
    path = tmp_path / "whole.xlsx"
    with Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate((HEADINGS, *(list(row.values()) for row in ROWS))):
            sheet.write_row(number, 0, row)
    whole = path.read_bytes()
    _check(tmp_path / "bots.xlsx", whole, [*range(0, len(whole), 41), *range(len(whole) - 40, len(whole))])
