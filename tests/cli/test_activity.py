"""``muster activity``, and scans that read logs first: CloudTrail's files, as trails leave them in a bucket."""

from __future__ import annotations

import gzip
import json
import re
import signal
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scanner.store.store import open_store
from tests.cli.conftest import Muster
from tests.contract.test_store_activity import contents
from tests.contract.test_store_integrity import falsify
from tests.processes import start_muster

ACCOUNT = "123456789012"
BOT = f"arn:aws:iam::{ACCOUNT}:user/invoice-bot"
LIST = f"""\
key,name,provider,scope,kind,enabled,created_at
{BOT},invoice-bot,aws,{ACCOUNT},user,yes,2024-01-10
arn:aws:iam::{ACCOUNT}:user/quiet-bot,quiet-bot,aws,{ACCOUNT},user,yes,2024-01-10
"""
REGISTRY = f"""\
id,identities,owner,status,systems
N-1,{BOT},ada@example.com,active,s3
"""
PEOPLE = "email,name,status\nada@example.com,Ada,active\n"
CONFIG = """\
[[registry]]
path = "registry.csv"

[[people]]
path = "people.csv"

[[source]]
name = "prod"
type = "file"
path = "bots.csv"

[[log]]
name = "trail"
type = "cloudtrail"
path = "logs"
source = "prod"
"""
LAST = re.compile(r"read \d+ events? of \d+ identit(?:y|ies) on \d+ days?; \d+ unknown callers?; \d+ gaps?\n")


def today() -> date:
    """As the command has it."""
    return datetime.now(UTC).date()


def event(day: date, number: int, user: str = "invoice-bot", **facts: Any) -> dict[str, Any]:
    """One call of ``s3:ListBuckets``."""
    defaults: dict[str, Any] = {
        "eventVersion": "1.08",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": f"AIDA{user.upper()}",
            "arn": f"arn:aws:iam::{ACCOUNT}:user/{user}",
            "accountId": ACCOUNT,
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
            "userName": user,
        },
        "eventTime": f"{day}T06:{number:02}:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "ListBuckets",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "198.51.100.7",
        "userAgent": "Boto3/1.34",
        "readOnly": True,
        "eventID": f"{day}-{user}-{number}",
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    }
    return defaults | facts


def write_day(folder: Path, day: date, *events: dict[str, Any], part: str = "a") -> Path:
    """The file of a day, as in a bucket."""
    place = folder / "logs" / "AWSLogs" / ACCOUNT / "CloudTrail" / "eu-west-1" / f"{day:%Y/%m/%d}"
    place.mkdir(parents=True, exist_ok=True)
    file = place / f"{ACCOUNT}_CloudTrail_eu-west-1_{day:%Y%m%d}T0000Z_{part}.json.gz"
    records = events or tuple(event(day, number) for number in range(3))
    file.write_bytes(gzip.compress(json.dumps({"Records": records}).encode()))
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two identities, one of them with five days of activity up to yesterday."""
    files = {"bots.csv": LIST, "registry.csv": REGISTRY, "people.csv": PEOPLE, "config.toml": CONFIG}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    for days in range(1, 6):
        write_day(tmp_path, today() - timedelta(days))
    return tmp_path


def next_second() -> None:
    """Scans start at whole seconds: within one, no one can say what was read before a scan and what after it."""
    time.sleep(1.001 - time.time() % 1)


def by_name(muster: Muster, *arguments: str) -> dict[str, Any]:
    """The identities of a JSON report on the latest scan, by name."""
    done = muster("report", "-o", "json:-", *arguments)
    assert done.code == 0, done.err
    return {one["name"]: one for one in json.loads(done.out)["identities"]}


def test_the_last_line_counts_what_was_read(muster: Muster, folder: Path) -> None:
    """Identities are those of the latest scan; a second reading changes nothing."""
    write_day(folder, today() - timedelta(2), event(today(), 1, "stranger"), part="b")
    before = muster("activity")
    scanned = muster("scan")
    with open_store(f"sqlite:///{folder}/muster.db", create=False) as store:
        once = contents(store.activity.past())
    again = muster("activity", "--since", "400d")
    with open_store(f"sqlite:///{folder}/muster.db", create=False) as store:
        assert contents(store.activity.past()) == once

    assert (before.code, before.out) == (0, "read 16 events of 0 identities on 6 days; 2 unknown callers; 0 gaps\n")
    assert scanned.code == 0, scanned.err
    assert (again.code, again.out) == (0, "read 0 events of 0 identities on 0 days; 0 unknown callers; 0 gaps\n")
    elsewhere = muster("activity", "cloudtrail:path=logs/,source=prod,name=copy")
    assert elsewhere.out == "read 16 events of 1 identity on 6 days; 1 unknown caller; 0 gaps\n"


def test_a_scan_reads_what_is_new_and_reports_show_it(muster: Muster, folder: Path) -> None:
    """Its own report, and every later one of it: as it was then; null where no log is about an identity."""
    (folder / "others.csv").write_text("key,name,provider,scope,kind\nsaas:x,saas-bot,saas,acme,bot\n")
    with (folder / "config.toml").open("a") as config:
        config.write('\n[[source]]\nname = "saas"\ntype = "file"\npath = "others.csv"\n')
    done = muster("scan", "-o", "json:-")
    assert done.code == 0, done.err
    scanned = {one["name"]: one for one in json.loads(done.out)["identities"]}
    first_scan = json.loads(done.out)["scan"]["id"]

    activity = scanned["invoice-bot"]["activity"]
    assert (activity["events"], activity["covered_days"]) == (15, 5)
    assert activity["covered_to"] == str(today() - timedelta(1))
    assert [one["service"] for one in activity["services"]] == ["s3"]
    assert scanned["quiet-bot"]["activity"]["events"] == 0
    assert scanned["saas-bot"]["activity"] is None
    assert {name: one["activity"] for name, one in by_name(muster).items()} == {
        name: one["activity"] for name, one in scanned.items()
    }
    coverage = [one for one in json.loads(done.out)["coverage"] if one["source"] == "trail"]
    assert [(one["scope"], one["section"], one["status"]) for one in coverage] == [(ACCOUNT, "activity", "complete")]

    write_day(
        folder, today() - timedelta(1), *(event(today() - timedelta(1), number) for number in range(3, 5)), part="z"
    )
    untouched = muster("scan", "--no-activity", "-o", "json:-")
    assert {one["name"]: one for one in json.loads(untouched.out)["identities"]}["invoice-bot"]["activity"] == activity
    next_second()
    muster("scan")
    assert by_name(muster)["invoice-bot"]["activity"]["events"] == 17
    assert by_name(muster, "--scan", first_scan)["invoice-bot"]["activity"] == activity


def test_activity_spans_the_days_that_are_kept(muster: Muster, folder: Path) -> None:
    """Older ones are merged to weeks: they count for judging, and are not shown. So it is in later reports."""
    for days in range(6, 120):
        write_day(folder, today() - timedelta(days))
    muster("activity", "--since", "200d")
    scanned = json.loads(muster("scan", "-o", "json:-").out)
    activity = {one["name"]: one for one in scanned["identities"]}["invoice-bot"]["activity"]

    assert (activity["covered_days"], activity["events"]) == (90, 270)
    assert activity["covered_from"] == str(today() - timedelta(90))
    assert by_name(muster)["invoice-bot"]["activity"] == activity


def test_every_report_of_the_store_shows_a_finding_about_a_day(muster: Muster, folder: Path) -> None:
    """Its facts were text in the store: read back, each format puts them into words as it does for a scan."""
    outside = event(
        today() - timedelta(1), 9, eventSource="iam.amazonaws.com", eventName="CreateAccessKey", readOnly=False
    )
    write_day(folder, today() - timedelta(1), outside, part="c")
    done = muster("scan", "-o", "ocsf:scanned.ndjson", "-o", "csv:scanned.csv", "--view", "findings")
    assert done.code == 0, done.err
    formats = ("ocsf:again.ndjson", "csv:again.csv", "sarif:again.sarif", "markdown:again.md", "html:again.html")
    again = muster("report", "--view", "findings", *(part for one in formats for part in ("-o", one)))
    assert again.code == 0, again.err
    text = {file.name: file.read_text() for file in folder.iterdir() if file.stem in ("scanned", "again")}

    assert text["again.csv"] == text["scanned.csv"]
    assert text["again.ndjson"] == text["scanned.ndjson"]
    (detection,) = (one for one in map(json.loads, text["again.ndjson"].splitlines()) if one["class_uid"] == 2004)
    assert detection["finding_info"]["types"] == ["used_outside_declaration"]
    assert [one["api"]["operation"] for one in detection["evidences"]] == ["CreateAccessKey"]
    assert [one["uid"] for one in detection["finding_info"]["related_events"]] == [outside["eventID"]]
    assert detection["unmapped"]["explained"] == "unknown"
    for name in ("again.csv", "again.sarif", "again.md"):
        assert "actions: iam:CreateAccessKey" in text[name]
        assert "explained: unknown" in text[name]
    inventory = muster("report", "--view", "inventory", "-o", "csv:-").out.splitlines()
    columns = inventory[0].split(",")[-4:]
    assert columns == ["events", "services_used", "services_granted", "covered_days"]
    bots = sorted(line.split(",")[-4:] for line in inventory[1:])
    assert bots == [["0", "0", "", "5"], ["16", "2", "", "5"]]
    next_second()
    muster("scan")
    board = muster("report", "--view", "board", "-o", "table:-").out
    assert re.search(r"Covered by logs +100 % +2 of 2 identities +0 +unchanged", board)


def test_activity_makes_no_new_version(muster: Muster, folder: Path) -> None:
    """Else every night would store every identity anew."""
    muster("scan")
    write_day(folder, today() - timedelta(1), *(event(today() - timedelta(1), number) for number in range(9)), part="z")
    muster("scan")

    with open_store(f"sqlite:///{folder}/muster.db", create=False) as store:
        assert len(store.history(BOT)) == 1


def test_gaps_count_in_the_run_that_first_saw_them(muster: Muster, folder: Path) -> None:
    """A truncated file and a missing day are shown for as long as days are kept, and end ``--strict`` only once."""
    cut = write_day(folder, today() - timedelta(3))
    cut.write_bytes(cut.read_bytes()[:-20])
    for file in (folder / "logs").rglob(f"*_{today() - timedelta(4):%Y%m%d}T*"):
        file.unlink()

    first = muster("activity", "--strict")
    second = muster("activity", "--strict")
    scanned = muster("scan", "--strict", "-o", "json:-")

    assert (first.code, first.out[-8:]) == (3, "; 2 gaps\n"[-8:])
    assert (second.code, second.out[-8:]) == (0, "; 2 gaps\n"[-8:])
    assert scanned.code == 0, scanned.err
    rows = {one["section"]: one["status"] for one in json.loads(scanned.out)["coverage"] if one["source"] == "trail"}
    assert rows == {
        "activity": "complete",
        f"activity:{today() - timedelta(4)}": "failed",
        f"activity:{today() - timedelta(3)}": "failed",
    }
    assert json.loads(scanned.out)["summary"]["gaps"] == 2
    assert by_name(muster)["invoice-bot"]["activity"]["covered_days"] == 3

    next_second()
    write_day(folder, today() - timedelta(3))
    write_day(folder, today() - timedelta(4))
    assert muster("activity").out.endswith("; 0 gaps\n")
    assert by_name(muster)["invoice-bot"]["activity"]["covered_days"] == 3
    muster("scan")
    assert by_name(muster)["invoice-bot"]["activity"]["covered_days"] == 5


def test_a_gap_that_a_scan_sees_first_makes_it_incomplete(muster: Muster, folder: Path) -> None:
    """It, and not the next one."""
    write_day(folder, today() - timedelta(8))
    codes = [muster("scan", "--strict").code for _ in range(2)]

    assert codes == [3, 0]


def test_nothing_could_be_read(muster: Muster, folder: Path) -> None:
    """A folder that is not there: 4 for the reading; a scan goes on, incomplete each time."""
    (folder / "logs").rename(folder / "elsewhere")
    read = muster("activity")
    scanned = [muster("scan", "--strict", "-o", "json:-") for _ in range(2)]

    assert read.code == 4
    assert LAST.fullmatch(read.out)
    assert "logs" in read.err
    assert [done.code for done in scanned] == [3, 3]
    rows = [one for one in json.loads(scanned[0].out)["coverage"] if one["source"] == "trail"]
    assert [(one["scope"], one["section"], one["status"]) for one in rows] == [("*", "activity", "failed")]


_CONFIG_FAULTS = {
    "an unknown key": ('paht = "x"', "did you mean path"),
    "an unknown type": ('type = "cloudtrial"', "cloudtrail"),
    "a source that there is not": ('source = "prd"', "prod"),
    "a time of no meaning": ('since = "soon"', '"90d"'),
    "the name of a source": ('name = "prod"', "name"),
}


@pytest.mark.parametrize(("line", "says"), _CONFIG_FAULTS.values(), ids=_CONFIG_FAULTS)
def test_a_wrong_log_is_refused(muster: Muster, folder: Path, line: str, says: str) -> None:
    """With file, line, key and the nearest one, by the reading and by a scan."""
    key = line.partition(" ")[0]
    lines = [one for one in CONFIG.splitlines()[-5:] if not one.startswith(f"{key} ")]
    (folder / "config.toml").write_text("\n".join([*CONFIG.splitlines()[:-5], *lines, line]) + "\n")

    for command in ("activity", "scan"):
        done = muster(command)
        assert done.code == 2
        assert re.search(r"config\.toml:\d+", done.err), done.err
        assert "log[0]" in done.err
        assert says in done.err


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("baseline_day", "3", "baseline_days"),
        ("keep_days", "0", "keep_days"),
        ("minimum_days", "60", "at most baseline_days"),
        ("networks", '{ "office" = "x" }', "address range"),
    ],
)
def test_a_wrong_policy_is_refused(muster: Muster, folder: Path, key: str, value: str, says: str) -> None:
    """An unknown key by the nearest one; a number or a network that makes no sense."""
    with (folder / "config.toml").open("a") as config:
        config.write(f"\n[activity]\n{key} = {value}\n")
    done = muster("activity")

    assert done.code == 2
    assert "activity" in done.err
    assert says in done.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("cloudtrial:path=logs",), "did you mean cloudtrail"),
        (("cloudtrail:pth=logs",), "path"),
        (("cloudtrail:path=logs,name=trail",), "name=…"),
        (("cloudtrail:path=logs,source=prd",), "did you mean prod"),
        (("cloudtrail",), "source"),
        (("--since", "soon"), "--since"),
    ],
)
def test_a_wrong_command_is_refused(muster: Muster, folder: Path, arguments: tuple[str, ...], says: str) -> None:
    """With what to write instead."""
    assert folder.exists()
    done = muster("activity", *arguments)

    assert (done.code, done.out) == (2, "")
    assert says in done.err


def test_a_damaged_row_is_named_and_read_again(muster: Muster, folder: Path) -> None:
    """A report refuses it; a scan warns, and the next reading puts it right."""
    muster("scan")
    with open_store(f"sqlite:///{folder}/muster.db", create=False) as store:
        falsify(store, "UPDATE log_day SET body = replace(body, '3', '4') WHERE day = (SELECT max(day) FROM log_day)")

    refused = muster("report")
    next_second()
    scanned = muster("scan", "-o", "json:-")

    assert (refused.code, "log_day" in refused.err) == (2, True)
    assert scanned.code == 0
    assert "log_day" in scanned.err
    assert by_name(muster)["invoice-bot"]["activity"]["events"] == 15


def test_doctor_and_connectors_know_logs(muster: Muster, folder: Path) -> None:
    """Whether each can be listed; what each type reads and never shows."""
    fine = muster("doctor")
    (folder / "logs").rename(folder / "elsewhere")
    wrong = muster("doctor")

    assert "ok      log trail: can be listed" in fine.out
    assert wrong.code == 1
    assert "PROBLEM log trail: " in wrong.out
    assert "cloudtrail" in muster("connectors").out
    assert "s3:GetObject" in muster("connectors", "cloudtrail").out


def test_a_kill_at_any_moment_costs_nothing(muster: Muster, folder: Path) -> None:
    """Killed again and again and resumed, the store is what one undisturbed reading gives."""
    for days in range(6, 80):
        day = today() - timedelta(days)
        write_day(folder, day, *(event(day, number, f"bot{number}") for number in range(20)))
    one, other = (f"sqlite:///{folder}/{name}.db" for name in ("killed", "whole"))
    for wait in (0.1, 0.3, 0.5):
        process = start_muster(folder, "activity", "--quiet", "--store", one)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert muster("activity", "--store", one).code == 0
    assert muster("activity", "--store", other).code == 0

    with open_store(one, create=False) as killed, open_store(other, create=False) as whole:
        assert killed.check() == ()
        assert contents(killed.activity.past()) == contents(whole.activity.past())


def test_a_retired_log_is_forgotten(muster: Muster, folder: Path) -> None:
    """All of it, and of no other; read again, it is read from the beginning. Unknown logs are refused by name."""
    muster("scan")
    muster("activity", "cloudtrail:path=logs,source=prod,name=copy", "--quiet")
    refused = [
        muster("history", "forget", *arguments)
        for arguments in (("prod", "--log"), ("copy", "--log"), ("copy", "--log", "--yes", "--scope", "x"))
    ]
    tried = muster("history", "forget", "copy", "--log", "--dry-run")
    done = muster("history", "forget", "copy", "--log", "--yes")
    with open_store(f"sqlite:///{folder}/muster.db", create=False) as store:
        past = store.activity.past()
        assert store.check() == ()
    again = muster("activity", "cloudtrail:path=logs,source=prod,name=copy")

    assert [one.code for one in refused] == [2, 2, 2]
    assert "copy, trail" in refused[0].err
    assert "--yes" in refused[1].err
    assert tried.out == "would forget the log copy: 5 days of 1 caller\n"
    assert done.out == "forgot the log copy: 5 days of 1 caller\n"
    assert (list(past.logs), {one.log for one in past.callers}) == (["trail"], {"trail"})
    assert again.out.startswith("read 15 events of 1 identity on 5 days")


def test_what_earlier_scans_saw_decides(muster: Muster, folder: Path) -> None:
    """Retired counts from the first scan that saw it; use before that does not."""
    (folder / "registry.csv").write_text(REGISTRY.replace("active", "retired"))
    first = muster("scan", "-o", "json:-")
    write_day(folder, today(), event(today(), 1, eventTime=f"{today()}T23:59:59Z"))
    second = muster("scan", "-o", "json:-")

    rules = [[one["rule"] for one in json.loads(done.out)["findings"]] for done in (first, second)]
    assert "used_though_retired" not in rules[0]
    assert "used_though_retired" in rules[1]


def test_a_file_that_is_no_log_says_why(muster: Muster, folder: Path) -> None:
    """Anyone who reads a log once would wait for a scan to learn it from."""
    (folder / "wrong.json").write_text("not a log")
    log = f"cloudtrail:path={folder / 'wrong.json'}"
    first, again = muster("activity", log), muster("activity", log)

    assert (first.code, again.code) == (4, 4)
    assert "1 gap\n" in first.out
    assert "log cloudtrail: wrong.json: it is not as expected" in first.err
    assert "nothing could be read" in again.err


def test_a_log_is_about_a_source_that_there_is(muster: Muster, folder: Path) -> None:
    """In a config without sources, these are the latest scan's; before a scan, any may come."""
    config = "\n".join(CONFIG.split("\n\n")[3:]).replace('"prod"', '"prd"')
    (folder / "config.toml").write_text(config)
    before = muster("activity")
    scanned = muster("scan", "file:path=bots.csv,name=prod")
    after = [muster(command) for command in ("activity", "doctor")]

    assert (before.code, scanned.code) == (0, 0), before.err
    assert [done.code for done in after] == [2, 1]
    assert "did you mean prod" in after[0].err
    assert "PROBLEM log trail: there is no source called prd" in after[1].out
