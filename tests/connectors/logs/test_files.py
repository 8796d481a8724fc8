"""Logs in files that are added to and rotated, as servers write them."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import repeat
from pathlib import Path
from typing import Any, ClassVar

import pytest
from msgspec import Struct

from connectors.logs import LogSettings, LogSpec
from connectors.logs.content import MOST_LINE, PIECE, Records, begun
from connectors.logs.files import FileLog
from connectors.logs.folders import Layout
from connectors.logs.names import Networks, client_of, plain
from connectors.logs.tally import DONE, MOST_CALLERS, Counted, Counting, utc_text
from scanner.errors import UsageError
from scanner.model.activity import LogDay, LogUnit

TODAY = datetime.now(UTC).date()
YESTERDAY = TODAY - timedelta(1)


class Line(Struct):
    """A line of the log."""

    time: str
    user: str
    agent: str = ""
    request: str = "r"


class ServerCounting(Counting):
    """As short as one can be."""

    def __init__(self, networks: Networks) -> None:
        super().__init__()
        self._networks = networks

    def take(self, records: Sequence[Line]) -> None:
        """See ``Counting``."""
        for one in records:
            self.events += 1
            self.raw.add((one.user, one.agent), utc_text(one.time), one.request, one)
        self.raw.relieve()

    def _explain(self, counted: Counted) -> None:
        one: Line = counted.held
        profile = self.tally.of("server", counted.first[:10], plain(one.user))
        profile.acted(counted, DONE)
        profile.count(("read=server:Get", f"client={client_of(one.agent)}"), counted, DONE)
        self.days.add(("server", counted.first[:10]))


class ServerLog(FileLog):
    """A server's log."""

    spec: ClassVar[LogSpec] = LogSpec(name="server_audit", title="Server", provider="server")
    layout: ClassVar[Layout] = Layout(appended=True)
    records: ClassVar[Records[Line]] = Records(Line, ("items",))

    def counting(self, networks: Networks) -> ServerCounting:
        """See ``FileLog``."""
        return ServerCounting(networks)


def line(day: date = YESTERDAY, user: str = "bot", **more: Any) -> str:
    """One line."""
    return json.dumps({"time": f"{day}T10:00:00.123456+02:00", "user": user, "agent": "curl/8", **more}) + "\n"


def log_of(path: Path) -> ServerLog:
    """The reader."""
    return ServerLog(LogSettings(log="audit", path=str(path)), None)


def units(path: Path) -> list[LogUnit]:
    """Of all files."""
    found = list(log_of(path).units(TODAY - timedelta(30), TODAY))
    assert all(isinstance(one, LogUnit) for one in found)
    return [one for one in found if isinstance(one, LogUnit)]


def test_a_reader_of_its_own_is_a_layout_a_record_and_a_counting(tmp_path: Path) -> None:
    """Times of any zone are reported in UTC."""
    (tmp_path / "audit.log").write_text(line() + line(user="cron", request="r2") + line())
    (unit,) = units(tmp_path)
    reading = log_of(tmp_path).read(unit)

    assert [(one.caller, one.events, one.first_at.hour, one.hours) for one in reading.callers] == [
        ("bot", 2, 8, 1 << 8), ("cron", 1, 8, 1 << 8),
    ]  # fmt: skip
    assert reading.callers[1].counts == {"client=curl": (1, 0, 0), "read=server:Get": (1, 0, 0)}
    assert reading.callers[1].samples == {"client=curl": "r2", "read=server:Get": "r2"}
    assert reading.coverage == (LogDay(scope="server", day=YESTERDAY),)


def test_rotation_changes_the_file_that_is_written_to_and_no_other(tmp_path: Path) -> None:
    """``audit.log`` becomes ``audit.log.1``, that a packed one: they are the units that they were."""
    (tmp_path / "audit.log.1").write_text(line(user="a") + line())
    (tmp_path / "audit.log").write_text(line(user="b"))
    before = {one.name: one for one in units(tmp_path)}
    (tmp_path / "audit.log.2.gz").write_bytes(gzip.compress((tmp_path / "audit.log.1").read_bytes()))
    (tmp_path / "audit.log").rename(tmp_path / "audit.log.1")
    (tmp_path / "audit.log").write_text(line(user="c"))
    after = {one.name: one for one in units(tmp_path)}

    kept = before.keys() & after.keys()
    assert (len(kept), len(after)) == (2, 3)
    assert sum(before[name].digest == after[name].digest for name in kept) == 1


def test_lines_that_are_added_change_the_digest_and_not_the_name(tmp_path: Path) -> None:
    """The unit is read again whole, in place of what it was."""
    path = tmp_path / "audit.log"
    path.write_text(line())
    (before,) = units(tmp_path)
    with path.open("a") as file:
        file.write(line(user="cron"))
    (after,) = units(tmp_path)

    assert (before.name, before.digest != after.digest) == (after.name, True)


def test_of_two_copies_of_a_file_the_latest_counts(tmp_path: Path) -> None:
    """While it is packed there are both."""
    content = (line() + line()).encode()
    for number, (name, copy) in enumerate({"audit.log.1": content, "audit.log.1.gz": gzip.compress(content)}.items()):
        (tmp_path / name).write_bytes(copy)
        os.utime(tmp_path / name, (0, 1e9 + number))
    (unit,) = units(tmp_path)

    assert unit.files[0].endswith("audit.log.1.gz")


@pytest.mark.parametrize(
    ("day", "status", "events"), [(TODAY, "complete", 2), (YESTERDAY, "failed", 0)], ids=["today", "a day that is over"]
)
def test_a_last_line_that_is_not_whole(day: date, status: str, events: int, tmp_path: Path) -> None:
    """Today it is being written; afterwards the file is cut short."""
    (tmp_path / "audit.log").write_text(line() + line(day) + line(day)[:30])
    (unit,) = units(tmp_path)
    reading = log_of(tmp_path).read(unit)

    assert (reading.coverage[0].status, reading.events) == (status, events)
    assert status == "complete" or "audit.log: its last line is cut short" in (reading.coverage[0].detail or "")


def test_a_log_in_files_needs_a_path() -> None:
    """What cannot be asked live says so."""
    with pytest.raises(UsageError, match="files"):
        ServerLog(LogSettings(log="audit"), None)


def test_a_day_with_callers_beyond_the_limit_is_a_gap(tmp_path: Path) -> None:
    """A caller that is not counted is not seen; other days of the file are whole."""
    before, more = YESTERDAY - timedelta(1), 1_234
    many = (line(user=f"bot-{number}") * (1 + number % 2) for number in range(MOST_CALLERS + more - 1))
    (tmp_path / "audit.log").write_text(line(before, user="first") + "".join(many))
    (unit,) = units(tmp_path)
    reading = log_of(tmp_path).read(unit)

    assert reading.coverage == (
        LogDay(scope="server", day=before),
        LogDay(
            scope="server", day=YESTERDAY, status="partial", detail="left out: 1,234 callers beyond the first 50,000"
        ),
    )
    assert sum(one.events for one in reading.callers) == reading.events


def test_a_caller_with_more_clients_than_are_counted_is_a_gap_of_that_day() -> None:
    """What is counted as more is not compared with the past; the day before is whole."""
    before = YESTERDAY - timedelta(1)
    tools = ServerCounting(Networks())
    tools.take([Line(time=f"{before}T10:00:00Z", user="bot")])
    tools.finish()
    some = Counted(1, 1, f"{YESTERDAY}T10:00:00Z", f"{YESTERDAY}T10:00:00Z", "", None)
    profile = tools.tally.of("server", YESTERDAY.isoformat(), "bot")
    profile.count([f"tool={number}" for number in range(253)], some, DONE)

    assert list(tools.covered([LogDay(scope="server", day=before), LogDay(scope="server", day=YESTERDAY)])) == [
        LogDay(scope="server", day=before),
        LogDay(
            scope="server",
            day=YESTERDAY,
            status="partial",
            detail="left out: 3 uses of more actions or places by 1 caller than are counted for one",
        ),
    ]


def test_white_space_without_end_is_not_held() -> None:
    """The form of a file is known by what comes after it."""
    head, _ = begun(repeat(b" " * PIECE), 4)

    assert len(head) == MOST_LINE
