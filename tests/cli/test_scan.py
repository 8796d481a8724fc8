"""``muster scan`` from the command line: what it says, stores, writes, and ends with."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import BOTS, Muster
from tests.processes import PATIENCE


def _result(muster: Muster, *arguments: str) -> dict[str, Any]:
    done = muster("scan", "-o", "json:-", *arguments)
    decoded: dict[str, Any] = json.loads(done.out)
    return decoded


def _states(result: dict[str, Any]) -> dict[str, tuple[str, str, str]]:
    return {
        one["name"]: (one["registry"]["state"], one["ownership"]["state"], one["usage"]["state"])
        for one in result["identities"]
    }


@pytest.mark.usefixtures("estate")
def test_three_axes_from_three_files(muster: Muster) -> None:
    """Who declared it, who answers for it, and whether it is used are three answers."""
    result = _result(muster)

    assert _states(result) == {
        "invoice-bot": ("registered", "owned", "active"),
        "old-sync": ("registered", "orphaned", "dormant"),
        "triage-agent": ("unregistered", "orphaned", "unknown"),
    }
    assert {entry["id"]: entry["state"] for entry in result["registry"]} == {
        "N-1": "found",
        "N-2": "found",
        "N-3": "not_found",
    }
    assert result["summary"]["orphaned"] == 2


@pytest.mark.usefixtures("estate")
def test_without_output_the_table_is_printed(muster: Muster) -> None:
    """Data goes to stdout; 80 columns are enough; no colour where there is no terminal."""
    done = muster("scan")

    assert done.code == 0
    assert "old-sync" in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    assert "\x1b" not in done.out + done.err


def test_no_config_and_no_registry_is_an_audit(estate: Path, muster: Muster) -> None:
    """Ad hoc sources need nothing else; then nothing is called unregistered."""
    (estate / "config.toml").unlink()

    result = _result(muster, "file:path=bots.csv")

    assert {states[:2] for states in _states(result).values()} == {("unchecked", "unchecked")}
    assert not {"unregistered", "orphaned"} & {finding["rule"] for finding in result["findings"]}


@pytest.mark.usefixtures("estate")
def test_reports_are_private_files(estate: Path, muster: Muster) -> None:
    """A report shows an attacker where to look, so only its owner may read it; so is the store."""
    done = muster("scan", "-o", "csv:out/{date}.csv", "-o", "html:report.html")

    (csv,) = (estate / "out").iterdir()
    assert done.out == ""
    assert [stat.S_IMODE(path.stat().st_mode) for path in (csv, estate / "report.html", estate / "muster.db")] == [
        0o600,
        0o600,
        0o600,
    ]


@pytest.mark.usefixtures("estate")
@pytest.mark.parametrize(("name", "start"), [("json", b"{"), ("xlsx", b"PK")])
def test_what_is_no_file_is_written_to_and_not_replaced(estate: Path, muster: Muster, name: str, start: bytes) -> None:
    """A pipe (or /dev/null) is still there afterwards, and anyone who reads it gets the report."""
    os.mkfifo(estate / "pipe")
    reader = os.open(estate / "pipe", os.O_RDONLY | os.O_NONBLOCK)

    done = muster("scan", "-o", f"{name}:pipe")
    received = os.read(reader, 1_000_000)
    os.close(reader)

    assert done.code == 0
    assert (estate / "pipe").is_fifo()
    assert received.startswith(start)


@pytest.mark.usefixtures("estate")
def test_a_link_is_followed(estate: Path, muster: Muster) -> None:
    """The report goes where the link points, and the link stays one."""
    (estate / "out").mkdir()
    (estate / "latest.csv").symlink_to("out/report.csv")

    muster("scan", "-o", "csv:latest.csv")

    assert (estate / "latest.csv").is_symlink()
    assert [path.name for path in (estate / "out").iterdir()] == ["report.csv"]


@pytest.mark.usefixtures("estate")
def test_a_folder_is_no_place_for_a_report(estate: Path, muster: Muster) -> None:
    """It is said, and nothing is left in it."""
    (estate / "out").mkdir()

    done = muster("scan", "-o", "csv:out")

    assert done.code == 2
    assert "out cannot be written: Is a directory" in done.err
    assert list((estate / "out").iterdir()) == []


@pytest.mark.usefixtures("estate")
@pytest.mark.parametrize(
    ("options", "code"),
    [
        pytest.param((), 0, id="done"),
        pytest.param(("--fail-on", "critical"), 0, id="nothing so grave"),
        pytest.param(("--fail-on", "info"), 1, id="findings"),
        pytest.param(("--fail-on-new",), 0, id="on a first scan nothing is new"),
        pytest.param(("--strict",), 0, id="nothing was left out"),
        pytest.param(("--registry", "nowhere.csv"), 2, id="no such registry"),
        pytest.param(("--store", "sqlite:////no/such/folder/x.db"), 2, id="no such store"),
        pytest.param(("--store", "postgresql://u:pw@h/db"), 2, id="a password in the store's URL"),
        pytest.param(("-o", "pdf:x"), 2, id="no such format"),
        pytest.param(("-o", "html"), 2, id="no path"),
        pytest.param(("--workers", "0"), 2, id="no workers"),
        pytest.param(("nonsense",), 2, id="no such source"),
        pytest.param(("file:paht=bots.csv",), 2, id="no such setting"),
        pytest.param(("file:bots.csv",), 2, id="not key=value"),
        pytest.param(("vault:token=abc",), 2, id="a secret on the command line"),
        pytest.param(("file:path=missing.csv",), 4, id="nothing scanned"),
    ],
)
def test_exit_codes(muster: Muster, options: tuple[str, ...], code: int) -> None:
    """Scripts rely on them; nothing ends in a traceback."""
    done = muster("scan", *options)

    assert done.code == code
    assert "Traceback" not in done.err
    assert code in (0, 1) or done.err.startswith(("muster: ", "Usage: "))


def test_a_gap_is_exit_3_under_strict_and_goes_before_findings(estate: Path, muster: Muster) -> None:
    """A row that could not be read leaves the scan incomplete."""
    (estate / "bots.csv").write_text(BOTS + "saas:acme:broken,broken,saas,acme,bot,perhaps,,,,\n")

    done = muster("scan", "--strict", "--fail-on", "info")

    assert done.code == 3
    assert "Incomplete" in done.out


@pytest.mark.parametrize("provider", ["aws", "azure", "gcp"])
def test_a_folder_in_which_nothing_is_usable_is_exit_4(estate: Path, muster: Muster, provider: str) -> None:
    """Nothing was scanned, and the file is named that was looked into."""
    exports = estate / "exports"
    exports.mkdir()
    (exports / "broken.json").write_text('[{"name": ', encoding="utf-8")

    done = muster("scan", f"{provider}:from_files={exports}")

    assert done.code == 4
    assert "broken.json" in done.err


@pytest.mark.parametrize(
    "content", ["", "name\n", "name,enabled\na,hm\n"], ids=["empty", "headings", "no row is readable"]
)
def test_a_list_of_which_nothing_was_read_is_a_gap(tmp_path: Path, muster: Muster, content: str) -> None:
    """The scan is incomplete; known identities stay as last seen."""
    (tmp_path / "bots.csv").write_text(content, encoding="utf-8")
    first = _result(muster, "file:path=bots.csv")
    strict = muster("scan", "--strict", "file:path=bots.csv")
    (tmp_path / "bots.csv").write_text(BOTS, encoding="utf-8")
    _result(muster, "file:path=bots.csv")
    (tmp_path / "bots.csv").write_text(content, encoding="utf-8")
    known = _result(muster, "file:path=bots.csv")

    assert [(one["section"], one["status"]) for one in first["coverage"]] == [("file.identities", "partial")]
    assert strict.code == 3
    assert (first["summary"]["identities"], known["summary"]["identities"], known["summary"]["gaps"]) == (0, 3, 1)


def test_what_is_under_a_gap_is_never_gone(estate: Path, muster: Muster) -> None:
    """An unreadable list leaves what was known standing, marked as not re-checked."""
    _result(muster)
    (estate / "more.csv").write_text("name\nextra\n")
    (estate / "bots.csv").unlink()
    with (estate / "config.toml").open("a") as config:
        config.write('\n[[source]]\nname = "more"\ntype = "file"\npath = "more.csv"\n')

    result = _result(muster)

    assert {one["name"]: one["rechecked"] for one in result["identities"]} == {
        "extra": True,
        "invoice-bot": False,
        "old-sync": False,
        "triage-agent": False,
    }
    assert {entry["id"]: entry["state"] for entry in result["registry"]}["N-1"] == "found"
    assert result["summary"]["gaps"] > 0


def test_what_is_gone_from_a_complete_list_is_gone(estate: Path, muster: Muster) -> None:
    """Where the place was read in full, absence is a fact."""
    _result(muster)
    (estate / "bots.csv").write_text("\n".join(BOTS.splitlines()[:2]) + "\n")

    assert set(_states(_result(muster, "--accept-drop"))) == {"invoice-bot"}


def test_only_what_is_new_is_new(estate: Path, muster: Muster) -> None:
    """The second night alarms on the one bot that came, and the third on nothing."""
    _result(muster)
    (estate / "bots.csv").write_text(BOTS + "saas:acme:night-bot,night-bot,saas,acme,bot,yes,2026-11-24,,,\n")

    second = muster("scan", "--fail-on-new", "-o", "json:-")
    third = muster("scan", "--fail-on-new", "-o", "json:-")

    new = {finding["identity"] for finding in json.loads(second.out)["findings"] if finding["new"]}
    assert (second.code, third.code) == (1, 0)
    assert new == {"saas:acme:night-bot"}


@pytest.mark.usefixtures("estate")
def test_report_show_and_orphans_work_from_the_store(muster: Muster) -> None:
    """What was scanned can be read again without scanning."""
    scanned = muster("scan", "-o", "json:-")
    again = muster("report", "-o", "json:-")
    card = muster("show", "OLD-SYNC")
    orphans = muster("orphans", "-o", "csv:-")

    assert json.loads(again.out) == json.loads(scanned.out)
    assert "orphaned: departed" in card.out
    listed = [line.partition(",")[0] for line in orphans.out.splitlines()[1:]]
    assert sorted(listed) == ["saas:acme:old-sync", "saas:acme:triage-agent"]


@pytest.mark.usefixtures("estate")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(("show", "nobody-knows-it"), 1, id="no hit"),
        pytest.param(("report", "--scan", "never"), 2, id="no such scan"),
    ],
)
def test_asking_for_what_is_not_there(muster: Muster, arguments: tuple[str, ...], code: int) -> None:
    """It is said, with the documented code."""
    muster("scan")

    assert muster(*arguments).code == code


def test_report_without_a_store_makes_none(muster: Muster, tmp_path: Path) -> None:
    """Reading must not leave an empty store behind."""
    done = muster("report")

    assert done.code == 2
    assert not (tmp_path / "muster.db").exists()


# Anyone who starts the tests in the background has them ignore the signal.
_INTERRUPTIBLE = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from scanner.cli.main import run
run()
"""


def test_ctrl_c_leaves_the_store_whole(estate: Path, muster: Muster) -> None:
    """An interrupted scan exits 130 and stores nothing; the last whole one still stands."""
    before = _result(muster)["scan"]["id"]
    os.mkfifo(estate / "slow.csv")
    with (estate / "config.toml").open("a") as config:
        config.write(
            '\n[[source]]\nname = "slow"\ntype = "vault"\nurl = "http://127.0.0.1:9"\ntoken = { file = "slow.csv" }\n'
        )
    process = subprocess.Popen(
        [sys.executable, "-c", _INTERRUPTIBLE, "-v", "scan"],
        cwd=estate,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert any("bots" in line for line in process.stderr)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 130
    assert "muster: interrupted; nothing of this run was stored" in err
    assert json.loads(muster("report", "-o", "json:-").out)["scan"]["id"] == before


def test_a_list_that_lost_too_many_is_not_trusted(estate: Path, muster: Muster) -> None:
    """Half an export is no departure; it is one when someone says so."""
    _result(muster)
    (estate / "bots.csv").write_text("\n".join(BOTS.splitlines()[:2]) + "\n")

    doubted = muster("scan", "--strict", "-o", "json:-")
    accepted = muster("scan", "--strict", "--accept-drop", "-o", "json:-")

    assert (doubted.code, accepted.code) == (3, 0)
    assert len(json.loads(doubted.out)["identities"]) == 3
    assert len(json.loads(accepted.out)["identities"]) == 1


@pytest.mark.usefixtures("estate")
@pytest.mark.parametrize(
    ("config", "place"),
    [
        pytest.param('[[exempt]]\nmatch = "**"\nreason = "all"\n', "is too broad or empty", id="everything exempt"),
        pytest.param('[[exempt]]\nmatch = "a"\nreason = " "\n', "needs a reason", id="no reason"),
        pytest.param("[policy]\nrotation = 999999999\n", "from 0 to 36500", id="a million years"),
        pytest.param('[[source]]\nname = "p"\ntype = "file"\npath = 3\n', "expected a path", id="path is a number"),
        pytest.param('[[source]]\nname = "p"\ntype = "fil"\n', "source[1].type: there is no", id="no such type"),
        pytest.param('[[report]]\nformat = "pdf"\npath = "x"\n', "report[0]: there is no", id="no such format"),
        pytest.param('[[report]]\nformat = "csv"\npath = "{day}"\n', "{day} is not a placeholder", id="placeholder"),
    ],
)
def test_configs_that_would_mislead_are_refused(muster: Muster, estate: Path, config: str, place: str) -> None:
    """With the place, before anything is scanned."""
    with (estate / "config.toml").open("a") as file:
        file.write("\n" + config)

    done = muster("scan")

    assert done.code == 2
    assert place in done.err
    assert "config.toml" in done.err


@pytest.mark.usefixtures("estate")
def test_one_report_that_cannot_be_written_costs_no_other(estate: Path, muster: Muster) -> None:
    """It is said at the end, with exit 2."""
    done = muster("scan", "-o", f"csv:{estate}/bots.csv/x.csv", "-o", "json:ok.json")

    assert done.code == 2
    assert "cannot be written" in done.err
    assert json.loads((estate / "ok.json").read_text())["identities"]


@pytest.mark.usefixtures("estate")
def test_the_whole_of_stderr_can_be_json(muster: Muster) -> None:
    """Errors, warnings and remarks alike."""
    done = muster("--log-format", "json", "scan", "-o", "json:a.json", "-o", "csv:nowhere/../bots.csv/x")

    lines = [json.loads(line) for line in done.err.splitlines()]
    assert {line["level"] for line in lines} == {"info", "error"}


@pytest.mark.usefixtures("estate")
def test_a_typed_secret_is_not_repeated(muster: Muster) -> None:
    """What someone put on the command line by mistake must not stand in the log, too."""
    assert "SEKRIT" not in muster("scan", "vault:url=http://127.0.0.1:1,token=SEKRIT").err
    assert "SEKRIT" not in muster("scan", "vault:tokn=SEKRIT").err


@pytest.mark.usefixtures("estate")
def test_anyone_who_stops_reading_is_no_finding() -> None:
    """A closed pipe ends with 0, as nothing went wrong."""
    command = f"{sys.executable} -m scanner rules | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_outsiders_are_named(estate: Path, muster: Muster) -> None:
    """An owner who is not on the roster is warned about with the place."""
    (estate / "registry.csv").write_text("id,identities,owner\nN-1,invoice-bot,adda@example.com\n")

    assert "registry.csv:2: owner adda@example.com is not on the roster" in muster("scan").err


def _listed(number: int, unique_ids: bool, prefix: str) -> str:
    rows = (f"saas:acme:{prefix}-{one},{f'u-{one}' if unique_ids else ''}\n" for one in range(number))
    return "key,unique id\n" + "".join(rows)


@pytest.mark.parametrize(("unique_ids", "doubted"), [(False, True), (True, False)])
def test_a_list_in_which_other_keys_stand_is_held(
    tmp_path: Path, muster: Muster, unique_ids: bool, doubted: bool
) -> None:
    """As many rows, and none of them is of the last scan: another file. With their unique ids they are renamed."""
    (tmp_path / "bots.csv").write_text(_listed(40, unique_ids, "bot"))
    muster("scan", "file:path=bots.csv")
    (tmp_path / "bots.csv").write_text(_listed(40, unique_ids, "robot"))

    done = muster("scan", "file:path=bots.csv", "-o", "json:-")
    changed = muster("diff")
    again = muster("scan", "--strict", "file:path=bots.csv")
    accepted = muster("scan", "--strict", "--accept-drop", "file:path=bots.csv")

    result = json.loads(done.out)
    assert done.code == 0
    assert result["summary"]["gaps"] == doubted
    assert (len(result["identities"]), again.code) == ((80, 3) if doubted else (40, 0))
    assert ("left 0, returned 0, not re-checked 40" in changed.out) is doubted
    if doubted:
        assert "0 of the 40 identities that the last scan had: implausible" in result["coverage"][0]["detail"]
    assert accepted.code == 0


@pytest.mark.usefixtures("estate")
def test_quiet_prints_what_was_asked_for_and_what_is_wrong(estate: Path, muster: Muster) -> None:
    """Nothing at all on a good night, so that cron sends no mail; and what failed on another."""
    good = [muster("scan", "--quiet", *more) for more in ((), ("-o", "csv:out.csv"), ("--fail-on-new", "--strict"))]
    assert [(done.code, done.out, done.err) for done in good] == [(0, "", "")] * 3
    asked = muster("scan", "--quiet", "-o", "json:-")
    assert (json.loads(asked.out)["summary"]["identities"], asked.err) == (3, "")

    (estate / "bots.csv").write_text(BOTS + "saas:acme:intruder,intruder,saas,acme,bot,yes,2024-01-10,,,\n")
    new = muster("scan", "--quiet", "--fail-on-new")
    assert (new.code, new.out) == (1, "")
    assert "medium: Identity is unregistered: saas:acme:intruder" in new.err
    (estate / "bots.csv").write_text(BOTS.splitlines()[0] + "\n")
    cut = muster("scan", "--quiet", "--strict")
    assert (cut.code, cut.out) == (3, "")
    assert "incomplete: bots" in cut.err
    assert muster("scan", "--quiet", "--view", "findigns").code == 2
