"""Readings of logs between scans, and what they announce, delivered to a real server."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Muster
from tests.cli.test_activity import BOT, CONFIG, LIST, PEOPLE, REGISTRY, event, today, write_day
from tests.servers.receiver import Receiver, Reply, receiver

YESTERDAY = today() - timedelta(1)


@pytest.fixture
def hook(tmp_path: Path) -> Iterator[Receiver]:
    """A receiver, and an estate that notifies it, with five days of activity that its entry covers."""
    with receiver() as server:
        channel = f'\n[[notify]]\nname = "soc"\ntype = "webhook"\nurl = "{server.url}"\ntimeout = 5\n'
        files = {"bots.csv": LIST, "registry.csv": REGISTRY, "people.csv": PEOPLE, "config.toml": CONFIG + channel}
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        for days in range(1, 6):
            write_day(tmp_path, today() - timedelta(days))
        yield server


def steal(folder: Path, number: int = 9, part: str = "stolen") -> None:
    """A secret is read, which the entry does not cover."""
    read = event(YESTERDAY, number, eventSource="secretsmanager.amazonaws.com", eventName="GetSecretValue")
    write_day(folder, YESTERDAY, read, part=part)


def titles(server: Receiver) -> list[str]:
    """Of all that arrived."""
    return [request.json["title"] for request in server.received]


def test_two_readings_and_a_scan_alarm_once(muster: Muster, tmp_path: Path, hook: Receiver) -> None:
    """The owner is notified by the reading that found it; neither the next one nor the next scan says it again."""
    assert muster("scan").code == 0
    quiet = muster("activity")
    assert (quiet.code, titles(hook)) == (0, [])

    steal(tmp_path)
    first = muster("activity", "--fail-on-new")
    assert (first.code, titles(hook)) == (1, ["1 new finding for ada@example.com (1 high)"])
    notice = hook.received[0].json
    assert [(one["rule"], one["identity"]) for one in notice["findings"]] == [("used_outside_declaration", BOT)]
    assert "new: high: Identity did what its entry does not declare: invoice-bot" in first.err
    assert "sent 1 message" in first.err
    assert first.out == "read 4 events of 1 identity on 1 day; 0 unknown callers; 0 gaps\n"

    second = muster("activity", "--fail-on-new")
    assert (second.code, second.err, len(hook.received)) == (0, "", 1)
    assert muster("activity", "--fail-on", "high").code == 1

    scanned = muster("scan", "--fail-on-new", "-o", "json:-")
    found = [one for one in json.loads(scanned.out)["findings"] if one["rule"] == "used_outside_declaration"]
    assert [one["new"] for one in found] == [False]
    assert (scanned.code, len(hook.received)) == (0, 1)

    assert muster("activity", "--fail-on-new").code == 0
    assert len(hook.received) == 1


def test_what_a_scan_announced_is_not_announced_again(muster: Muster, tmp_path: Path, hook: Receiver) -> None:
    """The scan read the log first."""
    muster("scan")
    steal(tmp_path)
    muster("scan")
    muster("activity")

    assert titles(hook) == ["1 new finding for ada@example.com (1 high)"]


def test_lists_are_those_of_now(muster: Muster, tmp_path: Path, hook: Receiver) -> None:
    """What was declared since the scan raises no alarm; an owner who left since then does, with no one to say."""
    muster("scan")
    steal(tmp_path)
    (tmp_path / "registry.csv").write_text(REGISTRY.replace(",s3", ",s3;secretsmanager"))
    left = today() - timedelta(3)
    (tmp_path / "people.csv").write_text(f"email,name,status,left_on\nada@example.com,Ada,left,{left}\n")
    muster("activity")

    assert titles(hook) == ["1 new finding without an owner (1 high)"]
    rules = {one["rule"] for request in hook.received for one in request.json["findings"]}
    assert rules == {"used_after_owner_left"}


def test_lists_that_are_not_given_are_those_of_the_scan(muster: Muster, tmp_path: Path, hook: Receiver) -> None:
    """An ad-hoc reading after an ad-hoc scan: people stay people, and the entry declares what it did."""
    with (tmp_path / "bots.csv").open("a") as bots:
        bots.write("arn:aws:iam::123456789012:user/ada,ada,aws,123456789012,user,yes,2024-01-10\n")
    config = CONFIG.partition("[[source]]")
    (tmp_path / "config.toml").write_text("[[source]]" + config[2])
    lists = ("--registry", "registry.csv", "--people", "people.csv")
    muster("scan", *lists)
    steal(tmp_path)
    browser = event(YESTERDAY, 3, "ada", userAgent="Mozilla/5.0 (X11) Gecko/20100101 Firefox/143.0")
    write_day(tmp_path, YESTERDAY, browser, part="person")

    without = muster("activity", "--fail-on", "high")
    given = muster("activity", *lists, "--fail-on", "high")

    new = [line for line in without.err.splitlines() if line.startswith("new: ")]
    assert [line.partition(": invoice-bot on ")[0] for line in new] == [
        "new: high: Identity did what its entry does not declare"
    ]
    assert (without.code, given.code, without.err) == (1, 1, given.err)
    assert titles(hook) == []


def test_what_could_not_be_delivered_is_tried_again(muster: Muster, tmp_path: Path, hook: Receiver) -> None:
    """It waits in the store beside what a later reading finds, and goes once."""
    muster("scan")
    steal(tmp_path)
    hook.replies = [Reply(403)]
    failed = muster("activity", "--strict")
    write_day(
        tmp_path, today(), event(today(), 9, eventSource="iam.amazonaws.com", eventName="CreateUser", readOnly=False)
    )
    muster("activity")

    assert failed.code == 3
    assert "not delivered through soc: it answers 403" in failed.err
    assert titles(hook) == ["1 new finding for ada@example.com (1 high)"] * 3
    assert len({request.headers["muster-delivery"] for request in hook.received}) == 2


def test_without_a_scan_nothing_is_judged(muster: Muster, tmp_path: Path, hook: Receiver) -> None:
    """It says so; the first scan judges what was read, and announces nothing, as any first scan."""
    steal(tmp_path)
    done = muster("activity", "--fail-on", "low", "--fail-on-new")
    scanned = muster("scan", "-o", "json:-")

    assert (done.code, titles(hook)) == (0, [])
    assert "the store has no scan yet: what was read is judged by the next `muster scan`" in done.err
    assert "used_outside_declaration" in {one["rule"] for one in json.loads(scanned.out)["findings"]}


def test_a_gap_is_announced_once_and_so_is_its_end(muster: Muster, tmp_path: Path, hook: Receiver) -> None:
    """A file that is cut off: what it says is not known, and that is said. The scan after it is silent."""
    muster("scan")
    steal(tmp_path)
    (cut,) = (tmp_path / "logs").rglob("*_stolen.json.gz")
    whole = cut.read_bytes()
    cut.write_bytes(whole[:-20])
    muster("activity")
    muster("activity")
    muster("scan")
    assert titles(hook) == ["1 place can no longer be read in full"]
    assert hook.received[0].json["lost"][0]["section"] == f"activity:{YESTERDAY}"

    cut.write_bytes(whole)
    muster("activity")
    assert titles(hook)[1:] == ["1 new finding for ada@example.com (1 high)", "1 place can be read again"]


def test_a_first_reading_is_no_baseline(muster: Muster, tmp_path: Path, hook: Receiver) -> None:
    """It would alarm on months that are past. The next scan compares, and readings after it."""
    (tmp_path / "registry.csv").write_text(REGISTRY.replace(",s3", ","))
    for days in range(1, 40):
        day = today() - timedelta(days)
        write_day(tmp_path, day, *(event(day, number) for number in range(4)))
    steal(tmp_path)
    muster("scan", "--no-activity")
    muster("activity")
    assert titles(hook) == []

    time.sleep(1.0 - time.time() % 1)  # times of scans and readings are whole seconds
    muster("scan")
    assert titles(hook) == ["1 new finding for ada@example.com (1 medium)"]
    muster("activity")
    assert len(hook.received) == 1
