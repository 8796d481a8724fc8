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
from scanner.judging.last_known.line_ends import Cuts, LastRead, without_cut
from scanner.model import Identity

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


def _read(path: Path, cuts: Cuts, last: dict[str, Identity]) -> ScopeReading:
    connector = FileConnector("bots", FileSettings(path=path))
    (scope,) = connector.scopes()
    return without_cut(
        read_scope(connector, scope, deadline=60), cuts, LastRead(keys=lambda _: last, identity=last.get)
    )


def _check(path: Path, whole: bytes, places: Iterable[int]) -> None:
    path.write_bytes(whole)
    before = _read(path, Cuts(), {})
    facts = {one.key: one for one in before.identities}
    assert len(facts) == len(ROWS)
    assert not any(one.is_gap for one in before.coverage)
    for at in places:
        path.write_bytes(whole[:at])
        after = _read(path, Cuts(before.ends), facts)
        found = {one.key: one for one in after.identities}
        assert found.items() <= facts.items(), at
        assert found == facts or any(one.is_gap for one in after.coverage), at


def _within_rows(text: bytes) -> Iterator[int]:
    return (at for at in range(len(text)) if not text[:at].endswith(b"\n"))


@pytest.mark.parametrize("suffix", TEXTS)
def test_a_text_cut_at_any_byte(tmp_path: Path, suffix: str) -> None:
    _check(tmp_path / f"bots.{suffix}", TEXTS[suffix], _within_rows(TEXTS[suffix]))


@pytest.mark.parametrize("last", ["owner", "tags", "display_name", "created_at", "aliases", "scope", "name"])
def test_a_csv_that_never_ended_its_last_line(tmp_path: Path, last: str) -> None:
    """Whatever its last column is: no identity is made up or shortened, and none is lost without a word."""
    row = {
        "provider": "saas", "name": "bot-{}", "display_name": "Bot of Ann {}", "tags": "team=pay; env=prod-{}",
        "owner": "ann-{}@acme.example", "created_at": "2024-01-1{}", "aliases": "bot; bot-x{}", "scope": "acme{}",
    }  # fmt: skip
    headings = [*(name for name in row if name != last), last]
    lines = [",".join(headings), *(",".join(row[name].format(n) for name in headings) for n in (5, 6, 7))]
    whole = "\n".join(lines).encode()
    path = tmp_path / "bots.csv"
    path.write_bytes(whole)
    before = _read(path, Cuts(), {})
    facts = {one.key: one for one in before.identities}
    assert len(facts) == 3
    cuts = Cuts(before.ends)
    for at in _within_rows(whole):
        path.write_bytes(whole[:at])
        after = _read(path, cuts, facts)
        found = {one.key: one for one in after.identities}
        said = any(one.is_gap for one in after.coverage) or any(map(cuts.is_shorter, after.ends))
        assert found == facts or said, at
        lost = facts.items() - found.items() if not said else ()
        assert not lost, at
        assert found.keys() <= facts.keys(), at
        shortened = [key for key in found if found[key] != facts[key]]
        assert not shortened, (at, [found[key] for key in shortened])


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
