"""A list that lost its last line end: its last row is set aside, and after healing all is as before."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Muster

BOTS = "provider,scope,name,created_at\n" + "".join(f"saas,acme,bot-{n},2024-01-01\n" for n in range(14, 18))
REGISTRY = "id,identities,owner,status\n" + "".join(
    f"N-{n},bot-{n},ann@example.com,{'retired' if n == 17 else 'active'}\n" for n in range(14, 18)
)
PEOPLE = "email,name,status\nbob@example.com,Bob,active\nann@example.com,Ann,active\n"
WHOLE = {"bots.csv": BOTS, "registry.csv": REGISTRY, "people.csv": PEOPLE}


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """Four bots with their entries and owner, each list with a last line end."""
    for name, text in WHOLE.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "config.toml").write_text(
        '[[registry]]\npath = "registry.csv"\n[[people]]\npath = "people.csv"\n'
        '[[source]]\nname = "bots"\ntype = "file"\npath = "bots.csv"\n'
    )
    return tmp_path


def _scan(muster: Muster, *options: str) -> tuple[int, dict[str, Any]]:
    done = muster("scan", "--quiet", "--strict", "--fail-on-new", "-o", "json:-", *options)
    result: dict[str, Any] = json.loads(done.out)
    return done.code, result


def _state(result: dict[str, Any]) -> Any:
    return (
        [(one["key"], one["registry"]["state"], one["ownership"]["state"]) for one in result["identities"]],
        sorted(one["fingerprint"] for one in result["findings"]),
    )


@pytest.mark.parametrize(
    ("name", "cut"), [*((name, cut) for name in WHOLE for cut in (1, 3)), ("bots.csv", 12), ("registry.csv", 12)]
)
def test_a_file_that_lost_its_line_end_is_a_gap(lists: Path, muster: Muster, name: str, cut: int) -> None:
    """No phantom, nothing lost and nothing new while it is cut; all as before once it is healed."""
    before = _state(_scan(muster)[1])
    (lists / name).write_text(WHOLE[name][:-cut])

    for _ in range(2):
        code, result = _scan(muster)
        assert (code, result["summary"]["new_findings"], _state(result)) == (3, 0, before)
    (lists / name).write_text(WHOLE[name])
    code, result = _scan(muster)

    assert (code, result["summary"]["new_findings"], _state(result)) == (0, 0, before)
    assert not result["summary"]["gaps"]


def test_a_file_that_never_had_a_line_end_is_believed(lists: Path, muster: Muster) -> None:
    """Once accepted, it is no gap any more."""
    (lists / "bots.csv").write_text(BOTS.rstrip())
    assert _scan(muster)[0] == 0
    (lists / "bots.csv").write_text(BOTS)
    assert _scan(muster)[0] == 0
    (lists / "bots.csv").write_text(BOTS.rstrip())
    assert _scan(muster)[0] == 3
    assert _scan(muster, "--accept-drop")[0] == 0
    assert _scan(muster)[0] == 0


@pytest.mark.parametrize(("name", "kept"), [("bots.csv", 4), ("registry.csv", 4), ("people.csv", 2)])
def test_a_file_that_never_had_a_line_end_and_lost_rows_is_named(
    lists: Path, muster: Muster, name: str, kept: int
) -> None:
    """Nothing shows whether it was cut behind a row, so a notice says so, once; a changed cell is none."""
    rows = WHOLE[name].splitlines()
    for lines, is_named in ((rows, False), (rows[:kept], True), (rows[:kept], False)):
        (lists / name).write_text("\n".join(lines))
        code, result = _scan(muster, *(("--accept-drop",) if lines is rows else ()))
        assert code in (0, 1)
        assert any(f"{name} lost rows" in notice for notice in result["notices"]) == is_named


def test_a_phantom_of_a_partial_reading_leaves(lists: Path, muster: Muster) -> None:
    """Its scope is not listed any more once the list is read whole."""
    before = _state(_scan(muster)[1])
    (lists / "bots.csv").write_text(BOTS.replace("acme,bot-17", "ac,bot-17").replace("bot-16,2024-01-01", "bot-16,x"))
    assert len(_scan(muster)[1]["identities"]) == 5
    (lists / "bots.csv").write_text(BOTS)

    assert _state(_scan(muster)[1]) == before


@pytest.mark.parametrize("seed", [5, 7])
def test_thirty_nights_of_cut_lists(seed: int, lists: Path, muster: Muster) -> None:
    """Each night a list is cut within a row, healed, or really changed: nothing is lost, and nothing joins."""
    chance = random.Random(seed)  # noqa: S311  # the same nights every time
    whole, true = dict(WHOLE), _state(_scan(muster)[1])
    for night in range(30):
        cut = chance.choice([None, *whole])
        if cut is None and chance.random() < 0.3:
            whole["bots.csv"] += f"saas,acme,extra-{night},2024-01-01\n"
            whole["registry.csv"] += f"N-{100 + night},extra-{night},ann@example.com,active\n"
        for name, text in whole.items():
            (lists / name).write_text(text[: _within_a_row(text, chance)] if name == cut else text)

        code, result = _scan(muster)

        if cut is None:
            true = _state(result)
            fresh = _state(
                json.loads(muster("scan", "--quiet", "--store", f"sqlite:///n{night}.db", "-o", "json:-").out)
            )
            assert (true, bool(result["summary"]["gaps"])) == (fresh, False), night
        else:
            assert (code, result["summary"]["new_findings"], _state(result)) == (3, 0, true), (night, cut)


@pytest.mark.parametrize("left", [1, 4, len("Ann,active\n"), len("nn@example.com,Ann,active\n")])
def test_only_who_stood_in_the_last_row_is_unknown(lists: Path, muster: Muster, left: int) -> None:
    """Wherever it was cut: their identities keep the last owner, others are judged by the rows that were read."""
    (lists / "registry.csv").write_text(
        REGISTRY.replace("bot-14,ann", "bot-14,bob").replace("bot-15,ann", "bot-15,gone")
    )
    before = _scan(muster)[1]
    (lists / "people.csv").write_text(PEOPLE.replace("Bob,active", "Bob,left")[:-left])

    _, result = _scan(muster)

    states = {one["name"]: one["ownership"]["state"] for one in result["identities"]}
    assert states == {"bot-14": "orphaned", "bot-15": "orphaned", "bot-16": "owned", "bot-17": "owned"}
    assert [one["ownership"] for one in result["identities"][1:]] == [
        one["ownership"] for one in before["identities"][1:]
    ]
    assert [one["rechecked"] for one in result["identities"]] == [True, False, False, False]
    assert [one["identity"] for one in result["findings"] if one["new"]] == ["saas:acme:bot-14"]


def _within_a_row(text: str, chance: random.Random) -> int:
    """A place that is not right behind a line end: nobody could tell such a list from a shorter one."""
    return chance.choice([at for at in range(text.index("\n") + 2, len(text)) if text[at - 1] != "\n"])


@pytest.mark.parametrize("name", ["registry.csv", "people.csv"])
def test_lint_warns_of_a_last_row_without_a_line_end(lists: Path, muster: Muster, name: str) -> None:
    """It has no history to compare with, so this is no problem."""
    assert "line end" not in muster("registry", "lint").out
    (lists / name).write_text(WHOLE[name][:-3])

    done = muster("registry", "lint")

    line = WHOLE[name].count("\n")
    assert done.code == 0
    assert f"{name}:{line}" in done.out
    assert "the last row has no line end" in " ".join(done.out.split())


def _cut(lists: Path, muster: Muster, name: str) -> None:
    """After a scan, the file lost its last line end."""
    assert _scan(muster)[0] == 0
    (lists / name).write_text(WHOLE[name][:-1])


@pytest.mark.parametrize("name", ["registry.csv", "people.csv"])
def test_lint_and_doctor_say_of_a_cut_list_what_a_scan_says(lists: Path, muster: Muster, name: str) -> None:
    """It is a problem, once; a scan is a gap."""
    assert (muster("registry", "lint").code, muster("doctor").code) == (0, 0)
    _cut(lists, muster, name)
    place = f"{name}:{WHOLE[name].count(chr(10))}"

    linted, checked = muster("registry", "lint", "-o", "json:-"), muster("doctor")

    report = json.loads(linted.out)
    assert linted.code == 1
    assert [one["message"] for one in report["problems"] if f"{one['file']}:{one['line']}" == place] == [
        "the row is the last and has no line end, unlike when the file was last read"
    ]
    assert not [one for one in report["warnings"] if "line end" in one["message"]]
    assert place in checked.out
    assert "unlike when the file was last read" in " ".join(checked.out.split())
    assert _scan(muster)[0] == 3


def test_doctor_says_of_a_cut_list_of_identities_what_a_scan_says(lists: Path, muster: Muster) -> None:
    _cut(lists, muster, "bots.csv")

    done = muster("doctor")

    assert done.code == 1
    assert "PROBLEM bots: bots.csv:5: the row is the last and has no line end" in done.out


@pytest.mark.parametrize("name", ["registry.csv", "people.csv"])
def test_a_strict_registry_refuses_a_cut_list(lists: Path, muster: Muster, name: str) -> None:
    """In a scan, an import, the reading of logs and the gate; not if the drop is accepted."""
    _cut(lists, muster, name)
    muster("scan", "--shard", "1/1", "--scan-id", "a", "-o", "ndjson:shard.ndjson")

    (lists / "logs").mkdir()
    (lists / "template.json").write_text('{"Resources": {}}')
    for command in (
        ["scan"],
        ["import", "shard.ndjson"],
        ["activity", "cloudtrail:path=logs,source=bots", "--config", "config.toml"],
        ["check", "template.json", "--config", "config.toml"],
    ):
        done = muster(*command, "--strict-registry")
        assert done.code == 2, command
        assert "unlike when the file was last read" in " ".join(done.err.split())
    assert muster("scan", "--strict-registry", "--accept-drop").code == 0


def test_the_gate_does_not_go_by_a_cut_row(lists: Path, muster: Muster) -> None:
    """Its status may be lost: an identity that it declares is not registered for certain."""
    (lists / "template.json").write_text(
        json.dumps({"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": {
            "RoleName": "bot-17",
            "AssumeRolePolicyDocument": {"Statement": [{
                "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"},
            }]},
        }}}})
    )  # fmt: skip
    (lists / "registry.csv").write_text(text := REGISTRY.replace("retired", "active"))
    assert _scan(muster)[0] == 0
    check = ("check", "template.json", "--config", "config.toml", "-o", "json:-")
    (whole,) = json.loads(muster(*check).out)["identities"]
    (lists / "registry.csv").write_text(text[:-1])

    done = muster(*check)

    assert whole["registry"]["state"] == "registered"
    (cut,) = json.loads(done.out)["identities"]
    assert (cut["registry"]["state"], cut["registry"]["provisional"]) == ("unregistered", True)
    assert "registry.csv:5: the row is the last and has no line end" in " ".join(done.err.split())
