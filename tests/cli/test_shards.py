"""``muster scan --shard`` and ``muster import`` from the command line."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from tests.cli.conftest import BOTS, Muster
from tests.processes import start_muster
from tests.timeless import timeless


@pytest.fixture
def lists(estate: Path) -> Path:
    """The estate with eleven lists more: twelve scopes, and each of three shards has some."""
    with (estate / "config.toml").open("a") as config:
        for number in range(11):
            (estate / f"list-{number}.csv").write_text(f"name,created_at\nbot-{number},2024-01-10\n")
            config.write(f'\n[[source]]\nname = "l{number}"\ntype = "file"\npath = "list-{number}.csv"\n')
    return estate


def _shard(muster: Muster, number: int, of: int = 3, scan: str = "night-1") -> str:
    path = f"shard-{number}.ndjson"
    done = muster("scan", "--shard", f"{number}/{of}", "--scan-id", scan, "-o", f"ndjson:{path}")
    assert done.code == 0, done.err
    return path


def test_three_shards_come_to_one_scan(lists: Path, muster: Muster) -> None:
    """The same as scanning at once; until the last is in, nothing is judged; afterwards nothing changes any more."""
    whole = muster("scan", "--store", "sqlite:///whole.db", "-o", "json:-")
    paths = [_shard(muster, number) for number in (1, 2, 3)]
    assert not (lists / "muster.db").exists()

    first = muster("import", paths[2], "-o", "json:early.json", "--fail-on", "info")
    pending = muster("import", "--pending")
    rest = muster("import", *paths, "-o", "json:-", "--fail-on", "info")
    again = muster("import", *paths, "-o", "json:late.json", "--fail-on", "info")

    assert (first.code, rest.code, again.code) == (0, 1, 0)
    assert "1 of 3 shards is there; missing: 1, 2" in first.err
    assert pending.out.startswith("night-1: 1 of 3 shards since ")
    assert "in the store already" in again.err
    assert timeless(json.loads(rest.out)) == timeless(json.loads(whole.out))
    assert json.loads(rest.out)["scan"]["id"] == "night-1"
    assert not (lists / "early.json").exists()
    assert not (lists / "late.json").exists()
    assert timeless(json.loads(muster("report", "-o", "json:-").out)) == timeless(json.loads(whole.out))


@pytest.mark.usefixtures("lists")
def test_a_shard_s_file_is_private_and_whole(muster: Muster, tmp_path: Path) -> None:
    """What it shows an attacker is what a report does."""
    path = tmp_path / _shard(muster, 1)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text().splitlines()[-1])["type"] == "end"


@pytest.mark.usefixtures("lists")
def test_without_the_missing_shards_their_scopes_are_gaps(muster: Muster) -> None:
    """Concluded all the same when asked to; nothing is called gone for it."""
    muster("scan")
    paths = [_shard(muster, number) for number in (1, 2)]

    done = muster("import", *paths, "--partial", "--strict", "-o", "json:-")

    result = json.loads(done.out)
    gaps = [one for one in result["coverage"] if one["status"] == "failed"]
    assert done.code == 3
    assert gaps
    assert {one["detail"] for one in gaps} == {"not read: shard 3 of 3, whose part it is, is not there"}
    assert len(result["identities"]) == 14
    assert {one["source"] for one in result["identities"] if not one["rechecked"]} == {one["source"] for one in gaps}


@pytest.mark.usefixtures("lists")
def test_a_file_that_is_cut_off_keeps_all_others_out(muster: Muster, tmp_path: Path) -> None:
    """Nothing is half imported: neither it nor what was named before it."""
    paths = [_shard(muster, number) for number in (1, 2, 3)]
    cut = (tmp_path / paths[2]).read_bytes()[:-20]
    (tmp_path / paths[2]).write_bytes(cut)

    done = muster("import", *paths)

    assert done.code == 2
    assert f"{paths[2]}:{cut.count(bytes([10])) + 1}: the line is cut off" in done.err
    assert muster("import", "--pending").code == 2  # there is not even a store


@pytest.mark.usefixtures("lists")
def test_several_importers_at_once(muster: Muster, tmp_path: Path) -> None:
    """Each brings a shard, some of them the same; one of them concludes, and none of them fails."""
    paths = [_shard(muster, number) for number in (1, 2, 3)]
    importers = [
        start_muster(tmp_path, "import", *some, "-o", f"json:{number}.json")
        for number, some in enumerate(([paths[0]], [paths[1]], [paths[2], paths[0]], [paths[1], paths[2]]))
    ]
    expected = [one.communicate()[1] for one in importers]

    assert [one.returncode for one in importers] == [0] * len(importers), expected
    assert len(list(tmp_path.glob("?.json"))) == 1
    assert muster("import", "--pending").out == "no scan waits for shards\n"
    assert json.loads(muster("report", "-o", "json:-").out)["summary"]["identities"] == 14


@pytest.mark.usefixtures("lists")
def test_waiting_shards_can_be_discarded(muster: Muster) -> None:
    """Of a scan that will never be whole."""
    muster("import", _shard(muster, 1))

    assert muster("import", "--discard", "night-1").code == 0
    assert muster("import", "--pending").out == "no scan waits for shards\n"
    assert muster("import", "--discard", "night-1").code == 2


def test_another_config_is_refused(lists: Path, muster: Muster) -> None:
    """What was read by other settings is not what this config means; both files are named."""
    path = _shard(muster, 1)
    text = (lists / "config.toml").read_text()
    for changed, words in (
        (
            text.replace('path = "list-3.csv"', 'path = "list-3.csv"\ncomplete = false'),
            "has other settings for the source l3",
        ),
        (text.replace('name = "l3"', 'name = "m3"'), "has no source l3"),
    ):
        (lists / "config.toml").write_text(changed)
        done = muster("import", path)

        assert done.code == 2
        assert f"{path}:1: config.toml {words}" in done.err


def test_registry_policy_and_roster_are_the_importer_s(lists: Path, muster: Muster) -> None:
    """Shards need none of them, so they may be elsewhere and change meanwhile."""
    for name in ("registry.csv", "people.csv"):
        (lists / name).rename(lists / f"other-{name}")
    paths = [_shard(muster, number) for number in (1, 2, 3)]

    done = muster("import", *paths, "--registry", "other-registry.csv", "--people", "other-people.csv", "-o", "json:-")

    states = {one["name"]: one["registry"]["state"] for one in json.loads(done.out)["identities"]}
    assert states["invoice-bot"] == "registered"


def test_sources_that_no_config_has_can_be_split(estate: Path, muster: Muster) -> None:
    """An audit without a config, too."""
    (estate / "config.toml").unlink()
    for number in (1, 2):
        muster(
            "scan", "file:path=bots.csv", "--shard", f"{number}/2", "--scan-id", "x",
            "-o", f"ndjson:{number}.ndjson",
        )  # fmt: skip

    done = muster("import", "1.ndjson", "2.ndjson", "-o", "json:-")

    assert len(json.loads(done.out)["identities"]) == len(BOTS.splitlines()) - 1


def test_half_a_list_is_held_as_in_a_scan(estate: Path, muster: Muster) -> None:
    """A list that lost most of its identities is no less uncertain for having come in a shard."""
    muster("scan")
    (estate / "bots.csv").write_text("\n".join(BOTS.splitlines()[:2]) + "\n")

    doubted = muster("import", _shard(muster, 1, 1, "a"), "--strict", "-o", "json:-")
    accepted = muster("import", _shard(muster, 1, 1, "b"), "--strict", "--accept-drop", "-o", "json:-")

    assert (doubted.code, accepted.code) == (3, 0)
    assert [len(json.loads(one.out)["identities"]) for one in (doubted, accepted)] == [3, 1]


def test_a_shard_with_gaps_is_written_all_the_same(estate: Path, muster: Muster) -> None:
    """The import has to know of them; --strict says so at once."""
    (estate / "bots.csv").unlink()
    options = ("scan", "--shard", "1/1", "--scan-id", "x", "-o", "ndjson:x.ndjson")

    assert muster(*options).code == 0
    assert muster(*options, "--strict").code == 3
    assert muster("import", "x.ndjson").code == 4


@pytest.mark.usefixtures("estate")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(("--shard", "1/2", "-o", "ndjson:x"), "--shard needs --scan-id", id="no scan id"),
        pytest.param(("--scan-id", "x"), "--scan-id needs --shard", id="no shard"),
        pytest.param(("--shard", "0/2", "--scan-id", "x", "-o", "ndjson:x"), "0/2 is not I/N", id="from nought"),
        pytest.param(("--shard", "3/2", "--scan-id", "x", "-o", "ndjson:x"), "3/2 is not I/N", id="beyond the last"),
        pytest.param(("--shard", "²/2", "--scan-id", "x", "-o", "ndjson:x"), "is not I/N", id="no plain number"),
        pytest.param(("--shard", "1/9999999", "--scan-id", "x", "-o", "ndjson:x"), "is not I/N", id="too many"),
        pytest.param(
            ("--shard", "1/2", "--scan-id", "../x", "-o", "ndjson:x"), "../x is not a scan id", id="a path for an id"
        ),
        pytest.param(("--shard", "1/2", "--scan-id", "x"), "--shard writes one file", id="no output"),
        pytest.param(("--shard", "1/2", "--scan-id", "x", "-o", "html:x"), "writes one file", id="another format"),
        pytest.param(
            ("--shard", "1/2", "--scan-id", "x", "-o", "ndjson:x", "--fail-on", "high"),
            "--shard takes no --fail-on",
            id="judges",
        ),
        pytest.param(
            ("--shard", "1/2", "--scan-id", "x", "-o", "ndjson:x", "--store", "sqlite://"),
            "--shard takes no --store",
            id="stores",
        ),
    ],
)
def test_options_that_make_no_sense_together(muster: Muster, options: tuple[str, ...], words: str) -> None:
    """Each is said, with what to do."""
    done = muster("scan", *options)

    assert done.code == 2
    assert words in done.err
    assert "→" in done.err


@pytest.mark.parametrize("arguments", [(), ("--pending", "x"), ("--pending",), ("nowhere.ndjson",)])
def test_imports_of_nothing(muster: Muster, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Said, and no store is left behind for it."""
    done = muster("import", *arguments)

    assert done.code == 2
    assert not (tmp_path / "muster.db").exists()
