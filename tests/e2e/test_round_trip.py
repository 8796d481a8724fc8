"""The spreadsheet goes round: orphans out, owners filled in, registry back in, and the next scan agrees."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
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
    """A folder of bots with hostile names, and someone to own them; called with the registry's name."""
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
    assert main(["scan", "-o", "json:scan.json"]) == 0
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
    """In every format, whatever the names hold: each identity by its own key, and by no one else's.

    A list in a cell cannot hold a line break: there the one name that has one is left out, and reported.
    """
    estate(registry)
    before = _scan(tmp_path)
    main(["orphans", "-o", "xlsx:orphans.xlsx"])
    filled = _fill_in(tmp_path / "orphans.xlsx")

    assert main(["registry", "adopt", "orphans.xlsx"]) == 0
    reported = capsys.readouterr().err
    after = _scan(tmp_path)

    in_sheet = registry.endswith((".csv", ".xlsx"))
    declared = [*HOSTILE, *([] if in_sheet else [TWO_LINES])]
    assert set(before.values()) == {("unregistered", None, "orphaned")}
    assert filled == len(HOSTILE) + 1
    assert {name: after[name] for name in declared} == dict.fromkeys(declared, ("registered", "key", "owned"))
    assert ("cannot be written" in reported) is in_sheet
    assert main(["registry", "adopt", "orphans.xlsx"]) == 0
    assert "nothing to change" in capsys.readouterr().err


KEY = "saas:acme/"
FIRST = {"id": "N-1", "owner": "ada@example.com"}


def _make(folder: Path, bots: list[str], registry: str, **more: Any) -> None:
    """A folder of these bots, with this registry of ids, identities, providers and owners."""
    (folder / "config.toml").write_text(CONFIG.format(registry="seed.csv"), encoding="utf-8")
    (folder / "people.csv").write_text("email\nada@example.com\neve@example.com\n", encoding="utf-8")
    (folder / "seed.csv").write_text(f"id,identities,provider,owner\n{registry}", encoding="utf-8")
    facts = {"provider": "saas", "scope": "acme", "kind": "bot", **more}
    (folder / "bots.json").write_text(
        json.dumps([{"key": f"{KEY}{name}", "name": name, **facts} for name in bots]), encoding="utf-8"
    )


def _answer(answers: Mapping[str, Mapping[str, str]]) -> None:
    """Fill in the list of orphans as a person would, by the names in it."""
    main(["orphans", "-o", "csv:orphans.csv"])
    with Path("orphans.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert set(answers) <= {row["name"] for row in rows}
    with Path("orphans.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows({**row, **answers.get(row["name"], {})} for row in rows)


def _verdicts(folder: Path) -> dict[str, tuple[str, str | None, str | None]]:
    """Registry state, entry and owner of each bot, by name."""
    assert main(["scan", "-o", "json:scan.json"]) == 0
    result: dict[str, Any] = json.loads((folder / "scan.json").read_text(encoding="utf-8"))
    return {
        one["name"]: (one["registry"]["state"], one["registry"]["entry"], one["ownership"]["owner"])
        for one in result["identities"]
    }


@pytest.mark.parametrize(
    ("bots", "registry", "answers", "expected"),
    [
        pytest.param(
            ["svc-payments-etl2"], "N-1,svc-payments-etl,,eve@example.com\n", {"svc-payments-etl2": FIRST},
            {"svc-payments-etl2": ("registered", "N-1", "ada@example.com")}, id="alike",
        ),
        pytest.param(
            ["etl2"], ",etl,,eve@example.com\n", {"etl2": {**FIRST, "id": "seed.csv:2"}},
            {"etl2": ("registered", "seed.csv:2", "ada@example.com")}, id="alike-without-an-id",
        ),
        pytest.param(
            ["etl"], "N-1,etl,,eve@example.com\nN-2,ETL,,ada@example.com\n", {"etl": FIRST},
            {"etl": ("registered", "N-1", "ada@example.com")}, id="two-of-one-name",
        ),
        pytest.param(
            ["etl-a", "etl-b"], "N-1,saas:acme/etl-*,,\nN-2,saas:acme/*-a,,\n",
            {"etl-a": {**FIRST, "id": "N-2"}, "etl-b": {"id": "", "owner": "eve@example.com"}},
            {"etl-a": ("registered", "N-2", "ada@example.com"), "etl-b": ("registered", "N-3", "eve@example.com")},
            id="patterns",
        ),
        pytest.param(
            ["a*b"], "N-1,etl,,\n", {"a*b": FIRST}, {"a*b": ("registered", "N-1", "ada@example.com")},
            id="a-star-in-a-key",
        ),
        pytest.param(
            ["new", "newer"], "N-1,etl,,\n", {"new": FIRST, "newer": FIRST},
            dict.fromkeys(("new", "newer"), ("registered", "N-1", "ada@example.com")), id="two-for-one-entry",
        ),
        pytest.param(
            ["etl"], "N-1,etl,,\n", {"etl": FIRST}, {"etl": ("registered", "N-1", "ada@example.com")},
            id="only-an-owner",
        ),
    ],
)  # fmt: skip
def test_whose_entry_it_is_can_be_answered(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    bots: list[str],
    registry: str,
    answers: Mapping[str, Mapping[str, str]],
    expected: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An id in the list says that the entry represents the identity, and the next scan agrees."""
    monkeypatch.chdir(tmp_path)
    _make(tmp_path, bots, registry)
    _verdicts(tmp_path)
    _answer(answers)

    assert main(["registry", "adopt", "orphans.csv"]) == 0

    assert main(["registry", "adopt", "orphans.csv"]) == 0
    assert "nothing to change" in capsys.readouterr().err
    assert _verdicts(tmp_path) == expected


@pytest.mark.parametrize(
    ("identities", "facts"),
    [
        pytest.param("saas:acme/etl-*", {}, id="by-a-pattern"),
        pytest.param("other", {"tags": {"muster:entry": "N-1"}}, id="by-a-tag"),
    ],
)
def test_an_entry_that_represents_it_names_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, identities: str, facts: dict[str, Any]
) -> None:
    """A new owner of all that a pattern covers does not take one of them out of it."""
    monkeypatch.chdir(tmp_path)
    _make(tmp_path, ["etl-a", "etl-b"], f"N-1,{identities},saas,\n", **facts)
    _verdicts(tmp_path)
    _answer({"etl-a": FIRST})

    assert main(["registry", "adopt", "orphans.csv"]) == 0

    assert (tmp_path / "seed.csv").read_text(encoding="utf-8").splitlines()[1] == (
        f"N-1,{identities},saas,ada@example.com"
    )


@pytest.mark.parametrize(
    ("registry", "reported"),
    [
        pytest.param(
            "N-1,saas:acme/etl,,\nN-2,saas:acme/etl,,\n", "it is declared at seed.csv:3, too", id="two-name-its-key"
        ),
        pytest.param("N-1,other,,\nN-2,saas:acme/etl,,\n", "it is declared at seed.csv:3, too", id="another-does"),
        pytest.param("N-1,other,aws,\n", "its provider or scope is another", id="in-another-place"),
    ],
)
def test_an_id_that_no_scan_would_agree_with_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    registry: str,
    reported: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What keeps the entry from representing it is reported, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    _make(tmp_path, ["etl"], registry)
    _verdicts(tmp_path)
    _answer({"etl": FIRST})
    before = (tmp_path / "seed.csv").read_bytes()

    assert main(["registry", "adopt", "orphans.csv"]) == 2

    assert f"orphans.csv:2: id: N-1 would still not match saas:acme/etl: {reported}" in capsys.readouterr().err
    assert (tmp_path / "seed.csv").read_bytes() == before


def test_keys_that_print_alike_are_distinguished_or_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A blank at the end is part of a key; of two that look the same in print, neither is anyone's by mistake."""
    monkeypatch.chdir(tmp_path)
    _make(tmp_path, ["pay", "pay ", "x\ty", "x\\ty"], "")
    _verdicts(tmp_path)
    _answer({"pay": {"owner": "ada@example.com"}, "x\\ty": {"owner": "eve@example.com"}})

    assert main(["registry", "adopt", "orphans.csv"]) == 0

    reported = capsys.readouterr().err
    assert {name: state for name, (state, _, _) in _verdicts(tmp_path).items()} == {
        "pay": "registered",
        "pay ": "unregistered",
        "x\ty": "unregistered",
        "x\\ty": "unregistered",
    }
    assert reported.count("several identities have a key that is printed as saas:acme/x\\ty; it was left out") == 2
