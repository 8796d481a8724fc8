"""A registry or roster that broke off: a gap, and nobody departs by it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Muster

NUMBER = 12


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """Twelve bots, each declared, of twelve people; and one that nobody declared."""
    names = [f"bot-{number:02}" for number in range(NUMBER)]
    _write(tmp_path / "bots.csv", "key,provider,scope,kind,name,created_at", [
        f"saas:acme:{name},saas,acme,bot,{name},2024-01-01" for name in (*names, "stray")
    ])  # fmt: skip
    _registry(tmp_path, NUMBER)
    _people(tmp_path, NUMBER)
    (tmp_path / "config.toml").write_text(
        '[[registry]]\npath = "registry.csv"\n[[people]]\npath = "people.csv"\n'
        '[[source]]\nname = "bots"\ntype = "file"\npath = "bots.csv"\n'
    )
    return tmp_path


def _write(file: Path, heading: str, rows: list[str]) -> None:
    file.write_text("\n".join([heading, *rows]) + "\n")


def _registry(folder: Path, rows: int) -> None:
    _write(folder / "registry.csv", "id,identities,owner", [
        f"N-{number},bot-{number:02},p{number}@example.com" for number in range(rows)
    ])  # fmt: skip


def _people(folder: Path, rows: int, left: int = 0) -> None:
    _write(folder / "people.csv", "email,name,status", [
        f"p{number}@example.com,P {number},{'left' if number < left else 'active'}" for number in range(rows)
    ])  # fmt: skip


def _scan(muster: Muster, *options: str) -> tuple[int, dict[str, Any]]:
    done = muster("scan", "--quiet", "--strict", "--fail-on-new", "-o", "json:-", *options)
    result: dict[str, Any] = json.loads(done.out)
    return done.code, result


def _owned(result: dict[str, Any]) -> list[str]:
    return [one["name"] for one in result["identities"] if one["ownership"]["state"] == "owned"]


def _stale(result: dict[str, Any]) -> list[str]:
    return [one["name"] for one in result["identities"] if not one["rechecked"]]


def test_a_registry_cut_to_its_headings(lists: Path, muster: Muster) -> None:
    """It is no success, every night until it is accepted; identities keep their verdicts, marked so."""
    assert _scan(muster)[0] == 0
    _registry(lists, 0)

    for _ in range(2):
        code, cut = _scan(muster)
        assert (code, cut["summary"]["registered"], cut["summary"]["new_findings"]) == (3, NUMBER, 0)
        assert [
            (gap["source"], gap["section"], gap["status"]) for gap in cut["coverage"] if gap["status"] != "complete"
        ] == [("registry", "registry.rows", "partial")]
        assert _stale(cut) == [f"bot-{number:02}" for number in range(NUMBER)]
        assert {entry["state"] for entry in cut["registry"]} == {"not_evaluated"}
    assert "not re-checked 12" in muster("diff").out

    code, accepted = _scan(muster, "--accept-drop")
    assert (code, accepted["summary"]["unregistered"], _stale(accepted)) == (1, NUMBER + 1, [])
    assert _scan(muster)[0] == 0


def test_a_registry_that_is_whole_again(lists: Path, muster: Muster) -> None:
    """Nothing is new by that."""
    _scan(muster)
    _registry(lists, 3)
    broken = _scan(muster)
    _registry(lists, NUMBER)
    whole = _scan(muster)

    assert (broken[0], whole[0]) == (3, 0)
    assert (whole[1]["summary"]["registered"], _stale(whole[1])) == (NUMBER, [])


@pytest.mark.parametrize("rows", [8, 9], ids=["four of twelve rows", "three of twelve"])
def test_a_clean_up_needs_no_confirmation(lists: Path, muster: Muster, rows: int) -> None:
    """Fewer than five rows, or at most 30 %, are a change like any other."""
    _scan(muster)
    _registry(lists, rows)

    code, result = _scan(muster)
    assert (code, result["summary"]["registered"]) == (1, rows)


def test_new_ids_for_the_same_rows_lose_none(lists: Path, muster: Muster) -> None:
    """Neither does another file name."""
    _scan(muster)
    text = (lists / "registry.csv").read_text().replace("N-", "APP-")
    (lists / "registry.csv").unlink()
    (lists / "apps.csv").write_text(text)
    config = lists / "config.toml"
    config.write_text(config.read_text().replace("registry.csv", "apps.csv"))

    assert _scan(muster)[0] == 0


@pytest.mark.parametrize(
    ("rows", "left", "held"),
    [
        pytest.param(5, 0, True, id="cut"),
        pytest.param(NUMBER, 10, True, id="most have left at once"),
        pytest.param(8, 0, False, id="four rows"),
        pytest.param(NUMBER, 6, False, id="half have left"),
    ],
)
def test_a_roster(lists: Path, muster: Muster, rows: int, left: int, held: bool) -> None:
    """Nobody has departed by a roster that is not believed; what it would take away stays as it was."""
    _scan(muster)
    _people(lists, rows, left)

    code, result = _scan(muster)
    assert code == (3 if held else 1)
    assert len(_owned(result)) == (NUMBER if held else NUMBER - left - (NUMBER - rows))
    assert result["summary"]["people"] == (NUMBER if held else rows)
    if held:
        assert [gap["section"] for gap in result["coverage"] if gap["status"] == "partial"] == ["people.rows"]
        assert len(_stale(result)) == NUMBER
        assert _scan(muster)[0] == 3, "the next night knows the whole roster"
    code, accepted = _scan(muster, "--accept-drop")
    assert (len(_owned(accepted)), _stale(accepted)) == (NUMBER - left - (NUMBER - rows), [])
    assert _scan(muster)[0] == 0
