"""Files of a trail: where they lie, what is wrong with them, which days they cover."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import zlib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.aws.logs.events import LAYOUT
from connectors.logs import LogSettings
from connectors.logs.content import MOST_DOCUMENT
from connectors.logs.files import units_of
from connectors.logs.folders import LocalFolder
from scanner.errors import SourceError
from scanner.model.activity import BY_PROVIDER, MALFORMED, SILENT, LeftOut, LogDay, LogUnit
from tests.connectors.aws.logs.trail import (
    ACCOUNT,
    DAY,
    OTHER,
    ROLE,
    SINCE,
    UNTIL,
    USER,
    event,
    key_of,
    log_of,
    packed,
    put,
    read_all,
    role,
)
from tests.examples import examples
from tests.hostile_json import JSON, mutated

NEXT, LATER = DAY + timedelta(1), DAY + timedelta(2)


def units(root: Path) -> dict[str, LogUnit]:
    """By name."""
    return {one.name: one for one in log_of(root).units(SINCE, UNTIL) if isinstance(one, LogUnit)}


# --- Where they lie ---


@pytest.mark.parametrize("org", ["", "o-abc123/"])
@pytest.mark.parametrize("prefix", ["", "trails/prod/"])
def test_the_layout_of_an_account_and_of_an_organization(org: str, prefix: str, tmp_path: Path) -> None:
    """A unit is an account and a day, of all regions."""
    for account in (ACCOUNT, OTHER):
        for region in ("eu-west-1", "us-east-1"):
            name = prefix + key_of(account=account, region=region, org=org)
            put(tmp_path, packed(event(recipientAccountId=account, who={**USER, "accountId": account})), name)
    readings, gaps = read_all(log_of(tmp_path))

    assert [one.unit.name for one in readings] == [f"{ACCOUNT}/2026-11-20", f"{OTHER}/2026-11-20"]
    assert [(one.events, one.coverage) for one in readings] == [
        (2, (LogDay(scope=ACCOUNT, day=DAY),)),
        (2, (LogDay(scope=OTHER, day=DAY),)),
    ]
    assert gaps == []


@pytest.mark.parametrize(
    "other",
    [
        f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/eu-west-1/2026/11/20/{ACCOUNT}_CloudTrail-Digest_eu-west-1_t_2026.json.gz",
        f"AWSLogs/{ACCOUNT}/CloudTrail-Insight/eu-west-1/2026/11/20/{ACCOUNT}_CloudTrail-Insight_eu-west-1_x.json.gz",
        f"AWSLogs/{ACCOUNT}/Config/eu-west-1/2026/11/20/ConfigHistory/x.json.gz",
        f"AWSLogs/o-abc123/{ACCOUNT}/vpcflowlogs/eu-west-1/2026/11/20/x.log.gz",
        "README.txt",
    ],
)
def test_other_files_of_the_bucket_are_left_out(other: str, tmp_path: Path) -> None:
    """Nothing of them is opened."""
    put(tmp_path, packed(event()))
    put(tmp_path, b"no log", other)
    (reading,), gaps = read_all(log_of(tmp_path))

    assert (reading.events, reading.coverage[0].status, gaps) == (1, "complete", [])


def test_a_copy_that_kept_only_the_names(tmp_path: Path) -> None:
    """They say account, region and day."""
    put(tmp_path, packed(event()), key_of().rpartition("/")[2])

    assert list(units(tmp_path)) == [f"{ACCOUNT}/2026-11-20"]


ONE, TWO = event(), event(who=USER, at="2026-11-22T08:00:00Z")
DOCUMENT = json.dumps({"Records": [ONE, TWO]})
LINES = f"{json.dumps(ONE)}\n{json.dumps(TWO)}\n"
FORMS: dict[str, tuple[str, bytes]] = {
    "a document": ("a.json", DOCUMENT.encode()),
    "indented": ("a.json", json.dumps({"Records": [ONE, TWO]}, indent=2).encode()),
    "with a byte order mark": ("a.json", b"\xef\xbb\xbf" + DOCUMENT.encode()),
    "a list": ("a.json", json.dumps([ONE, TWO]).encode()),
    "lines": ("a.ndjson", LINES.encode()),
    "lines without an end": ("a.jsonl", LINES.strip().encode()),
    "lines of Windows": ("a.json", LINES.replace("\n", "\r\n").encode()),
    "blank lines": ("a.json", LINES.replace("\n", "\n\n").encode()),
    "documents in lines": ("a.log", f"{DOCUMENT}\n{DOCUMENT}\n".encode()),
    "packed": ("a.json.gz", gzip.compress(DOCUMENT.encode())),
    "packed lines": ("a.ndjson.gz", gzip.compress(LINES.encode())),
    "packed in two members": (
        "a.ndjson.gz",
        b"".join(gzip.compress(f"{line}\n".encode()) for line in LINES.split("\n")),
    ),
    "packed, whatever its name": ("a.json", gzip.compress(DOCUMENT.encode())),
    "padded": ("a.json.gz", gzip.compress(DOCUMENT.encode()) + bytes(20)),
}


@pytest.mark.parametrize("form", FORMS)
def test_files_of_any_name_say_by_their_events_what_they_cover(form: str, tmp_path: Path) -> None:
    """All days from the first to the last; a day between them without any event looks like a removed one."""
    name, content = FORMS[form]
    put(tmp_path, content, name)
    (reading,), _ = read_all(log_of(tmp_path))

    assert sorted((one.caller, one.day) for one in reading.callers) == [(ROLE, DAY), (USER["arn"], LATER)]
    assert reading.coverage == (
        LogDay(scope=ACCOUNT, day=DAY),
        LogDay(scope=ACCOUNT, day=NEXT, detail=SILENT),
        LogDay(scope=ACCOUNT, day=LATER),
    )


def test_a_day_that_lies_in_none_of_several_undated_files_is_not_covered(tmp_path: Path) -> None:
    """Each file covers the days from its first event to its last; a file may be missing."""
    put(tmp_path, packed(ONE), "a.json.gz")
    put(tmp_path, packed(TWO), "b.json.gz")
    (reading,), _ = read_all(log_of(tmp_path))

    assert reading.coverage == tuple(LogDay(scope=ACCOUNT, day=day) for day in (DAY, LATER))


@pytest.mark.parametrize("path", ["a.json", "", "*.json", "**/*.json"])
def test_a_file_a_folder_and_a_pattern(path: str, tmp_path: Path) -> None:
    """Whatever is named is read."""
    put(tmp_path, DOCUMENT.encode(), "a.json")
    (reading,), _ = read_all(log_of(tmp_path / path))

    assert reading.events == 2


@pytest.mark.parametrize("path", ["nowhere", "empty", "*.json"])
def test_a_path_without_a_log_is_an_error(path: str, tmp_path: Path) -> None:
    """It names the path."""
    (tmp_path / "empty").mkdir()

    with pytest.raises(SourceError, match=path.replace("*", r"\*")):
        list(log_of(tmp_path / path).units(SINCE, UNTIL))


# --- What is wrong with them ---


def bomb() -> bytes:
    """More than is taken in, in a few kilobytes."""
    packer = zlib.compressobj(9, wbits=31)
    zeros = bytes(1 << 24)
    parts = [packer.compress(b'{"Records":[')]
    parts += [packer.compress(b" " * len(zeros)) for _ in range(MOST_DOCUMENT // len(zeros) + 1)]
    return b"".join([*parts, packer.flush()])


WRONG: dict[str, tuple[Callable[[], bytes], str]] = {
    "cut short": (lambda: packed(event())[:-10], "cut short"),
    "cut in the middle": (lambda: packed(*(event() for _ in range(50)))[:700], "cut short"),
    "damaged": (lambda: packed(event())[:20] + b"\xff" * 40 + packed(event())[60:], "damaged"),
    "empty": (lambda: b"", "empty"),
    "nothing in it": (lambda: gzip.compress(b""), "empty"),
    "no JSON": (lambda: gzip.compress(b"<html>"), "not as expected"),
    "JSON that is cut short": (lambda: gzip.compress(DOCUMENT[:-20].encode()), "not as expected"),
    "nested without end": (lambda: gzip.compress(b"[" * 500_000), "cannot be read|not as expected"),
    "a bomb": (bomb, "250 times its size"),
}


@pytest.mark.parametrize("case", WRONG)
def test_nothing_is_kept_of_a_day_with_a_wrong_file(case: str, tmp_path: Path) -> None:
    """The gap names the file; other days are read."""
    content, reason = WRONG[case]
    put(tmp_path, packed(event()))
    wrong = put(tmp_path, content(), number=2)
    put(tmp_path, packed(event(at="2026-11-21T01:00:00Z")), day=NEXT)
    (reading, after), _ = read_all(log_of(tmp_path))

    assert (reading.callers, reading.changes, reading.events) == ((), (), 0)
    ((scope, day, status, detail, _),) = [
        (one.scope, one.day, one.status, one.detail or "", one.permission) for one in reading.coverage
    ]
    assert (scope, day, status) == (ACCOUNT, DAY, "failed")
    assert wrong.name in detail
    assert [word for word in reason.split("|") if word in detail]
    assert after.coverage == (LogDay(scope=ACCOUNT, day=NEXT),)


@pytest.mark.parametrize(
    "content",
    [gzip.compress(b'{"a": 1}'), gzip.compress(b'{"Records": [1]}'), packed(event(at="2026-11-20Tx")),
     packed(event(at="25:00:00")), packed(event(at="2026-02-30T10:00:00Z"))],
    ids=["another document", "a record that is none", "no time", "an hour that is none", "a day that is none"],
)  # fmt: skip
def test_a_wrong_record_costs_itself(content: bytes, tmp_path: Path) -> None:
    """The rest of the day counts, and the day is not covered; other days are."""
    put(tmp_path, packed(event()))
    wrong = put(tmp_path, content, number=2)
    put(tmp_path, packed(event(at="2026-11-21T01:00:00Z")), day=NEXT)
    (reading, after), _ = read_all(log_of(tmp_path))

    lost = f"record 1 of {wrong.name}"
    assert (reading.events, len(reading.callers), reading.is_unread) == (1, 1, False)
    assert reading.left_out == (LeftOut(scope=ACCOUNT, what=MALFORMED, records=1, example=lost),)
    assert reading.coverage == (
        LogDay(
            scope=ACCOUNT,
            day=DAY,
            status="partial",
            detail=f"left out: 1 record that could not be read, such as {lost}",
        ),
    )
    assert after.coverage == (LogDay(scope=ACCOUNT, day=NEXT),)


def test_what_is_not_counted_adds_up(tmp_path: Path) -> None:
    """Every record of the files is counted, of a class, or wrong."""
    put(
        tmp_path,
        json.dumps({"Records": [
            event(), event(), 5, {**event(), "userIdentity": "x"},
            event(who={"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}, recipientAccountId=ACCOUNT),
            event(who=role(account=OTHER), eventType="AwsApiCall"),
            event(eventType="AwsVpceEvent"), event(eventType="AwsCloudTrailInsight"),
        ]}).encode(),
        key_of(),
    )  # fmt: skip
    (reading,), _ = read_all(log_of(tmp_path))

    assert dict(reading.counted) == {ACCOUNT: 2}
    assert {one.what: one.records for one in reading.left_out} == {
        BY_PROVIDER: 1,
        "as copies for another account than the caller's": 1,
        "about other events (Insights, network activity)": 2,
        MALFORMED: 2,
    }
    assert {one.scope for one in reading.left_out} == {ACCOUNT}
    assert (reading.events, reading.by_provider) == (3, 1)
    assert reading.left_out[-1].example.startswith("record 3 of ")


def test_a_wrong_file_without_a_date_is_a_gap_of_the_day_it_was_written(tmp_path: Path) -> None:
    """Nothing else says when it was."""
    path = put(tmp_path, b"{", "a.json")
    os.utime(path, (0, datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()))
    (reading,), _ = read_all(log_of(tmp_path))

    assert [(one.scope, one.day, one.status) for one in reading.coverage] == [("*", DAY, "failed")]


# --- Days ---


def test_a_day_without_files_between_days_with_files_is_a_gap(tmp_path: Path) -> None:
    """By account; a region without files is none, and neither are days before and after."""
    put(tmp_path, packed(event()))
    put(tmp_path, packed(event()), day=LATER, region="us-east-1")
    put(tmp_path, packed(event()), day=NEXT, account=OTHER)
    _, gaps = read_all(log_of(tmp_path))

    assert [(one.scope, one.day, one.status) for one in gaps] == [(ACCOUNT, NEXT, "failed")]


def test_today_is_read_and_never_covered(tmp_path: Path) -> None:
    """More of it is to come."""
    today = datetime.now(UTC).date()
    for place, name in (("dated", None), ("undated", "a.json")):
        put(tmp_path / place, packed(event(at=f"{today}T00:00:01Z")), name, day=today)
        (reading,), _ = read_all(log_of(tmp_path / place), since=today - timedelta(9), until=today)

        assert (reading.events, len(reading.callers), reading.coverage) == (1, 1, ())


@pytest.mark.parametrize("name", [None, "a.json"], ids=["dated", "undated"])
def test_what_was_read_today_is_read_once_more_when_the_day_is_over(name: str | None, tmp_path: Path) -> None:
    """Else that day would never be covered where no file comes after midnight."""
    today = datetime.now(UTC).date()
    put(tmp_path, packed(event(at=f"{today}T00:00:01Z")), name, day=today)
    folder, settings = LocalFolder(str(tmp_path)), LogSettings(log="trail", path=str(tmp_path))
    (first,), (second,), (third,) = (
        units_of(settings, folder, LAYOUT, today, today, today=today + timedelta(days)) for days in range(3)
    )

    assert isinstance(first, LogUnit)
    assert isinstance(second, LogUnit)
    assert first.digest != second.digest
    assert second == third


def test_a_wrong_file_of_today_is_said(tmp_path: Path) -> None:
    """As a gap, though the day could not be covered yet."""
    today = datetime.now(UTC).date()
    put(tmp_path, b"{", key_of(today))
    (reading,), _ = read_all(log_of(tmp_path), until=today)

    assert [(one.scope, one.day, one.status) for one in reading.coverage] == [(ACCOUNT, today, "failed")]


def test_an_event_counts_for_its_own_day(tmp_path: Path) -> None:
    """Those near midnight lie in the next day's files, which do not cover the day before."""
    put(tmp_path, packed(event(at="2026-11-20T23:58:00Z"), event(at="2026-11-21T00:01:00Z")), day=NEXT)
    (reading,), _ = read_all(log_of(tmp_path))

    assert [(one.day, one.events) for one in reading.callers] == [(DAY, 1), (NEXT, 1)]
    assert reading.coverage == (LogDay(scope=ACCOUNT, day=NEXT),)


def test_an_event_that_is_delivered_again_after_midnight_counts_once(tmp_path: Path) -> None:
    """By the last files of its day, which are read once more only for that; they do not make a day new."""
    late, other, own = event(at="23:58:00"), event(at="23:59:00"), event(at="2026-11-21T00:01:00Z")
    put(tmp_path, packed(event(), late), number=2355)
    before = units(tmp_path)
    put(tmp_path, packed(late, other, own), day=NEXT, number=5)
    readings, _ = read_all(log_of(tmp_path))

    assert [[(one.day, one.events) for one in each.callers] for each in readings] == [
        [(DAY, 2)],
        [(DAY, 1), (NEXT, 1)],
    ]
    assert [each.events for each in readings] == [2, 2]
    assert [each.coverage for each in readings] == [(LogDay(scope=ACCOUNT, day=day),) for day in (DAY, NEXT)]
    assert before.items() <= units(tmp_path).items()

    put(tmp_path, b"{", number=2355)
    broken, after = read_all(log_of(tmp_path))[0]
    assert (broken.coverage[0].status, after.events, after.coverage[0].status) == ("failed", 3, "complete")


def test_only_the_last_files_of_a_day_are_looked_at_again(tmp_path: Path) -> None:
    """Of each region, those of the last hour that has any."""
    for number in (0, 2144, 2145, 2245):
        put(tmp_path, packed(event()), number=number)
        put(tmp_path, packed(event()), number=number, region="us-east-1")
    put(tmp_path, packed(event()), day=NEXT)
    *_, unit = units(tmp_path).values()
    (alone,) = (one for one in log_of(tmp_path).units(NEXT, NEXT) if isinstance(one, LogUnit))

    assert sum("T2145Z" in one or "T2245Z" in one for one in unit.files) == 4
    assert len(unit.files) == 5
    assert alone == unit


def test_only_the_days_that_are_asked_for(tmp_path: Path) -> None:
    """By the files' names, both ends included."""
    for day in (DAY, NEXT, LATER):
        put(tmp_path, packed(event()), day=day)
    listed = [one.name for one in log_of(tmp_path).units(NEXT, NEXT) if isinstance(one, LogUnit)]

    assert listed == [f"{ACCOUNT}/2026-11-21"]


def test_a_late_file_changes_the_digest_of_its_day_alone(tmp_path: Path) -> None:
    """So does one that grows; a second listing of the same files does not."""
    put(tmp_path, packed(event()))
    put(tmp_path, packed(event()), day=NEXT)
    first, again = units(tmp_path), units(tmp_path)
    put(tmp_path, packed(event()), day=NEXT, number=9)
    late = units(tmp_path)

    assert first == again
    assert {name for name in first if first[name].digest != late[name].digest} == {f"{ACCOUNT}/2026-11-21"}


def test_reading_again_and_in_another_process_gives_the_same(tmp_path: Path) -> None:
    """A reading that was killed is repeated."""
    put(tmp_path, packed(*(event(at=f"{hour:02}:00:00", who=who) for hour in range(24) for who in (None, USER))))
    log = log_of(tmp_path)
    (unit,) = units(tmp_path).values()
    elsewhere = pickle.loads(pickle.dumps((log, unit)))  # noqa: S301  # our own

    assert log.read(unit) == log.read(unit) == elsewhere[0].read(elsewhere[1])


def test_a_file_that_is_gone_is_a_source_error(tmp_path: Path) -> None:
    """It may come back: the unit is tried again."""
    path = put(tmp_path, packed(event()))
    (unit,) = units(tmp_path).values()
    path.unlink()

    with pytest.raises(SourceError, match=path.name):
        log_of(tmp_path).read(unit)


# --- Hostile content ---

DAMAGED = packed(event())

RECORDS = [
    event(at="10:00:00"), event("iam:PutRolePolicy", USER, requestParameters={"roleName": "r"}, readOnly=False),
    event("sts:AssumeRole", USER, requestParameters={"roleArn": ROLE},
          responseElements={"assumedRoleUser": {"assumedRoleId": "AROAEXAMPLELEDGER:s"}}),
    event("ssm:GetParameter", requestParameters={"name": "n", "withDecryption": True}),
    event("bedrock-agentcore:InvokeGateway", requestParameters={"body": {"params": {"name": "t"}}}),
    event("signin:ConsoleLogin", USER, eventType="AwsConsoleSignIn", responseElements={"ConsoleLogin": "Failure"}),
]  # fmt: skip


@examples(150)
@given(document=mutated({"Records": RECORDS}, most=4))
def test_no_change_of_a_file_ends_a_reading(document: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """It is read, or it is a gap."""
    root = tmp_path_factory.mktemp("trail")
    put(root, json.dumps(document).encode(), key_of())
    (reading,), _ = read_all(log_of(root))

    (day,) = reading.coverage
    assert day.status == "complete" or day.detail
    assert reading.events == 0 or not reading.is_unread
    json.dumps([str(one) for one in reading.callers]).encode()


@examples(100, smoke=100)
@given(value=JSON, place=st.sampled_from(sorted({name for one in RECORDS for name in one})))
def test_no_value_of_a_member_ends_a_reading(value: Any, place: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Wherever it stands."""
    root = tmp_path_factory.mktemp("trail")
    put(root, json.dumps({"Records": [{**one, place: value} for one in RECORDS]}).encode(), key_of())
    (reading,), _ = read_all(log_of(root))

    assert len(reading.coverage) == 1


@examples(100)
@given(
    content=st.binary(max_size=200), prefix=st.sampled_from([b"", b"\x1f\x8b\x08", b'{"Records":[', packed(event())])
)
def test_no_bytes_end_a_reading(content: bytes, prefix: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever they are."""
    root = tmp_path_factory.mktemp("trail")
    put(root, prefix + content, key_of())
    (reading,), _ = read_all(log_of(root))

    assert len(reading.coverage) == 1


def test_the_days_of_a_span_are_limited(tmp_path: Path) -> None:
    """A time of long ago does not cover two thousand years."""
    put(tmp_path, json.dumps([event(at="0001-01-01T00:00:00Z"), event()]).encode(), "a.json")
    (reading,), _ = read_all(log_of(tmp_path))

    assert reading.coverage[-1].day == DAY
    assert date(2025, 1, 1) < reading.coverage[0].day
