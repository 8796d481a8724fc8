"""Notifications from the command line, delivered to a real server: what is reported, when, and what is not lost."""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import BOTS, Muster
from tests.servers.receiver import Receiver, Reply, receiver

LATER = datetime.now(UTC).date() + timedelta(days=60)
NIGHT_BOT = "saas:acme:night-bot,night-bot,saas,acme,bot,yes,2025-11-24,,,\n"


@pytest.fixture
def hook(estate: Path) -> Iterator[Receiver]:
    """A receiver, and an estate that notifies it."""
    with receiver() as server, (estate / "config.toml").open("a") as config:
        config.write(f'\n[[notify]]\nname = "soc"\ntype = "webhook"\nurl = "{server.url}"\ntimeout = 5\n')
        config.flush()
        yield server


ARRIVAL = "1 identity has appeared without an entry"


def titles(server: Receiver) -> list[str]:
    """Of all that arrived."""
    return [request.json["title"] for request in server.received]


def _without_arrivals(estate: Path) -> None:
    """One message each night."""
    config = estate / "config.toml"
    config.write_text(config.read_text().replace("[[notify]]\n", "[[notify]]\nappeared = false\n"))


def test_only_what_is_new_is_reported_and_once(estate: Path, muster: Muster, hook: Receiver) -> None:
    """Nothing on the first scan, what came on the second, silence on the third."""
    assert muster("scan").code == 0
    assert titles(hook) == []

    (estate / "bots.csv").write_text(BOTS + NIGHT_BOT)
    second = muster("scan")
    assert titles(hook) == [ARRIVAL, "1 new finding without an owner (1 medium)"]
    assert "sent 2 messages" in second.err
    assert hook.received[0].json["kind"] == "appeared"
    assert [one["key"] for one in hook.received[0].json["identities"]] == ["saas:acme:night-bot"]
    assert hook.received[1].json["findings"][0]["identity"] == "saas:acme:night-bot"

    muster("scan")
    assert len(hook.received) == 2


def test_owners_get_their_own(estate: Path, muster: Muster, hook: Receiver) -> None:
    """Anyone who is on the roster and answers for it is named."""
    muster("scan")
    (estate / "bots.csv").write_text(BOTS.replace("2026-11-20", "2025-01-01"))

    muster("scan")

    assert titles(hook) == ["1 new finding for ada@example.com (1 medium)"]
    assert hook.received[0].json["recipient"] == "ada@example.com"


def test_what_could_not_be_delivered_is_not_lost(estate: Path, muster: Muster, hook: Receiver) -> None:
    """It waits in the store; ``muster notify`` and the next scan try again; nothing goes twice."""
    _without_arrivals(estate)
    muster("scan")
    (estate / "bots.csv").write_text(BOTS + NIGHT_BOT)
    hook.replies = [Reply(403)]

    failed = muster("scan", "--strict")
    waiting = muster("notify", "--dry-run")
    hook.replies = [Reply(403)]
    again = muster("notify")
    delivered = muster("notify")
    nothing = muster("notify")

    assert failed.code == 3
    assert "not delivered through soc: it answers 403" in failed.err
    assert "soc: 1 new finding without an owner (1 medium) [1 attempt: it answers 403]" in waiting.out
    assert [again.code, delivered.code, nothing.code] == [3, 0, 0]
    assert len(hook.received) == 3
    assert len({request.headers["muster-delivery"] for request in hook.received}) == 1


def test_a_failed_delivery_does_not_change_how_a_scan_ends(estate: Path, muster: Muster, hook: Receiver) -> None:
    """Unless asked to be strict; the next scan delivers."""
    _without_arrivals(estate)
    muster("scan")
    (estate / "bots.csv").write_text(BOTS + NIGHT_BOT)
    hook.replies = [Reply(403)]

    assert muster("scan").code == 0
    assert muster("scan", "--strict").code == 0
    assert len(hook.received) == 2


def test_blindness_is_reported_and_so_is_the_recovery(estate: Path, muster: Muster, hook: Receiver) -> None:
    """Each once; in between, nothing."""
    (estate / "more.csv").write_text("name\nextra\n")
    with (estate / "config.toml").open("a") as config:
        config.write('\n[[source]]\nname = "more"\ntype = "file"\npath = "more.csv"\n')
    muster("scan")
    (estate / "bots.csv").rename(estate / "away.csv")
    muster("scan")
    muster("scan")
    (estate / "away.csv").rename(estate / "bots.csv")
    muster("scan")

    assert titles(hook) == ["1 place can no longer be read in full", "1 place can be read again"]
    assert hook.received[0].json["lost"][0]["source"] == "bots"


def test_what_a_first_scan_cannot_read_is_not_lost(estate: Path, muster: Muster, hook: Receiver) -> None:
    """It never could be read; the report says so, and once it can be read that is news."""
    (estate / "bots.csv").write_text(f"{BOTS}saas:acme:broken,broken,saas,acme,bot,perhaps,,,,\n")
    muster("scan")
    assert titles(hook) == []

    (estate / "bots.csv").write_text(BOTS)
    muster("scan")
    assert titles(hook)[-1] == "1 place can be read again"


def test_a_scan_that_reads_nothing_alarms_each_time(estate: Path, muster: Muster, hook: Receiver) -> None:
    """Though nothing of it is stored."""
    (estate / "bots.csv").unlink()

    assert [muster("scan").code for _ in range(2)] == [4, 4]
    assert titles(hook) == ["Nothing could be scanned"] * 2
    assert len({request.headers["muster-delivery"] for request in hook.received}) == 2


def _broken_registry(estate: Path) -> None:
    (estate / "registry.csv").write_text("id,identities\nN-1,a\nN-1,b\n")


def _no_registry(estate: Path) -> None:
    (estate / "registry.csv").unlink()


def _broken_config(estate: Path) -> None:
    with (estate / "config.toml").open("a") as config:
        config.write('\n[policy]\nrotation = "often"\n')


def _a_channel_that_is_wrong(estate: Path) -> None:
    with (estate / "config.toml").open("a") as config:
        config.write('\n[[notify]]\ntype = "pager"\n')


def _damaged_store(estate: Path) -> None:
    (estate / "muster.db").write_bytes(b"this is no database, whatever it is called" * 100)


def _no_connector(estate: Path) -> None:
    with (estate / "config.toml").open("a") as config:
        config.write('\n[[source]]\ntype = "gibberish"\n')


def _no_output(estate: Path) -> None:
    with (estate / "config.toml").open("a") as config:
        config.write('\n[[report]]\nformat = "csv"\npath = "registry.csv/x.csv"\n')


@pytest.mark.parametrize("scans_before", [0, 1])
@pytest.mark.parametrize(
    ("break_it", "expected"),
    [
        (_broken_registry, "registry.csv:3: id: the id N-1 is already used at"),
        (_no_registry, "registry.csv: no such file"),
        (_broken_config, "policy.rotation: expected a whole number"),
        (_a_channel_that_is_wrong, "notify[1].type: type says how to notify"),
        (_damaged_store, "muster.db"),
        (_no_connector, "gibberish"),
        (_no_output, "x.csv"),
    ],
)
def test_a_scan_that_fails_is_reported(
    estate: Path, muster: Muster, hook: Receiver, scans_before: int, break_it: Callable[[Path], None], expected: str
) -> None:
    """Each time, with a store or without one: anyone who waits for a message would take silence for peace."""
    for _ in range(scans_before):
        muster("scan")
    break_it(estate)

    assert [muster("scan").code for _ in range(2)] == [2, 2]

    failed = [request.json for request in hook.received if request.json["kind"] == "failed"]
    assert [one["title"] for one in failed] == ["The scan ended with an error"] * 2
    assert any(expected in line for line in failed[0]["errors"]), failed[0]["errors"]
    assert failed[0]["id"] != failed[1]["id"]


@pytest.mark.parametrize(
    ("breaks", "reported"),
    [
        ("1 / 0", "internal error: ZeroDivisionError: division by zero"),
        ("raise MemoryError", "memory ran out"),
        ("raise OSError(28, 'No space left on device', 'orphans.csv')", "orphans.csv: No space left on device"),
    ],
)
def test_an_unforeseen_error_is_reported_too(
    estate: Path, muster: Muster, hook: Receiver, monkeypatch: pytest.MonkeyPatch, breaks: str, reported: str
) -> None:
    """A connector of someone else's that breaks while it is made."""
    plugin = estate / "plugin"
    (plugin / "broken-1.dist-info").mkdir(parents=True)
    (plugin / "broken-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (plugin / "broken-1.dist-info" / "entry_points.txt").write_text(
        "[muster.connectors]\nbroken = broken_connector:Broken\n"
    )
    (plugin / "broken_connector.py").write_text(
        "from connectors.file.connector import FileConnector\n"
        "class Broken(FileConnector):\n"
        "    def __init__(self, source, settings):\n"
        f"        {breaks}\n"
    )
    monkeypatch.syspath_prepend(plugin)
    monkeypatch.delitem(sys.modules, "broken_connector", raising=False)

    done = muster("scan", "broken:path=bots.csv")

    assert done.code == 2
    assert done.err.splitlines()[0] == f"muster: {reported}"
    (failed,) = [request.json for request in hook.received]
    assert failed["errors"][0] == reported


def test_what_failed_and_could_not_be_reported_waits(estate: Path, muster: Muster, hook: Receiver) -> None:
    """In the store, where there is one."""
    muster("scan")
    good = (estate / "registry.csv").read_text()
    _broken_registry(estate)
    hook.replies = [Reply(403)]
    muster("scan")
    (estate / "registry.csv").write_text(good)
    muster("scan")

    assert titles(hook) == ["The scan ended with an error"] * 2
    assert len({request.headers["muster-delivery"] for request in hook.received}) == 1


def test_an_import_that_fails_is_reported(estate: Path, muster: Muster, hook: Receiver) -> None:
    """A file that is no shard; asking what waits is no scan."""
    (estate / "shard.ndjson").write_text("nothing\n")

    assert muster("import", "shard.ndjson").code == 2
    assert muster("import", "--pending", "shard.ndjson").code == 2
    assert [request.json["kind"] for request in hook.received] == ["failed"]
    assert "shard.ndjson" in hook.received[0].json["errors"][0]


def test_the_recovery_from_reading_nothing_is_reported(estate: Path, muster: Muster, hook: Receiver) -> None:
    """The next scan that can read says so."""
    muster("scan")
    (estate / "bots.csv").rename(estate / "away.csv")
    muster("scan")
    (estate / "away.csv").rename(estate / "bots.csv")
    muster("scan")

    assert titles(hook) == ["Nothing could be scanned", "1 place can be read again"]


def test_a_test_message(muster: Muster, hook: Receiver) -> None:
    """Sends without a store, and says which channel fails."""
    good = muster("notify", "--test")
    hook.replies = [Reply(410)]
    bad = muster("notify", "--test", "soc")

    host = hook.received[0].headers["host"]
    assert (good.code, good.out) == (0, f"soc (webhook at {host}): sent\n")
    assert (bad.code, bad.out) == (3, f"soc (webhook at {host}): PROBLEM: it answers 410\n")
    assert hook.received[0].json["kind"] == "test"


def test_doctor_names_channels_and_where_secrets_go(
    estate: Path, muster: Muster, hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By reference; the addresses themselves stay out of sight, and nothing is sent."""
    with (estate / "config.toml").open("a") as config:
        config.write(
            """
[[notify]]
type = "slack"
url = { env = "SLACK_URL" }
[[notify]]
type = "teams"
url = { env = "TEAMS_URL" }
[[notify]]
type = "email"
host = "mail.example"
from = "muster@example.com"
unowned_to = "security@example.com"
username = "muster"
password = { file = "nowhere" }
"""
        )
    monkeypatch.setenv("SLACK_URL", "https://hooks.slack.com/services/T0/B0/sesame-open")

    done = muster("doctor")

    assert "notify slack: slack at hooks.slack.com; the address is in environment variable SLACK_URL" in done.out
    assert "PROBLEM notify teams: environment variable TEAMS_URL is not set or empty" in done.out
    assert "PROBLEM notify email: file nowhere cannot be read" in done.out
    assert "sesame" not in done.out + done.err
    assert (done.code, hook.received) == (1, [])


def test_an_acknowledged_finding_is_not_reported(estate: Path, muster: Muster, hook: Receiver) -> None:
    """Neither that day nor later, until its day has passed."""
    with (estate / "config.toml").open("a") as config:
        config.write('\n[alarms]\nacknowledged = "ack.toml"\n')
    (estate / "ack.toml").write_text(
        f'[[acknowledged]]\nrule = "unregistered"\nmatch = "night-bot"\nreason = "trial"\nby = "ada"\nuntil = {LATER}\n'
    )
    muster("scan")
    (estate / "bots.csv").write_text(BOTS + NIGHT_BOT)
    muster("scan")
    known = titles(hook)
    (estate / "ack.toml").write_text("")
    muster("scan")

    assert known == []
    assert len(titles(hook)) == 1


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ('type = "slak"\nurl = { env = "X" }', "notify[0].type: type says how to notify (did you mean slack?)"),
        ('type = "slack"\nurl = "https://hooks.slack.com/x"', "a secret is given by reference only"),
        ('type = "slack"', "url"),
        ('type = "slack"\nname = "a\\nb"\nurl = { env = "X" }', "a name is text on one line"),
        (
            'type = "slack"\nurl.env = "X"\n[[notify]]\ntype = "slack"\nurl.env = "X"',
            "notify[1].name: two channels or ticket systems are called slack",
        ),
        ('type = "webhook"\nurl = "http://siem.example/x"', "plain http to another machine"),
        (
            'type = "webhook"\nurl = "https://siem.example"\nrules = ["admn"]',
            "there is no rule admn (did you mean admin?)",
        ),
        ('type = "webhook"\nurl = "https://siem.example"\nmin_severty = "low"', "did you mean min_severity?"),
        ('type = "webhook"\nurl = "https://siem.example"\nmax_findings = 41', "from 1 to 40"),
        ('type = "email"\nhost = "m"\nfrom = "a@b.c"', "unowned_to is missing"),
        ('type = "email"\nhost = "m"\nfrom = "a@b.c, d@e.f"\nunowned_to = "s@b.c"', "is not an e-mail address"),
        (
            'type = "email"\nhost = "m"\nfrom = "a@b.c"\nto = ["s@b"]\ntls = "none"\nusername = "u"\npassword.env="P"',
            "a password is not sent in clear text",
        ),
        (
            'type = "email"\nhost = "m"\nfrom = "a@b.c"\nto = ["s@b.c"]\nusername = "u"',
            "go together",
        ),
    ],
)
def test_what_is_wrong_in_the_config_is_reported(estate: Path, muster: Muster, table: str, expected: str) -> None:
    """With file, line and key, before anything is scanned."""
    with (estate / "config.toml").open("a") as config:
        config.write(f"\n[[notify]]\n{table}\n")

    done = muster("scan")

    assert done.code == 2
    assert "config.toml:" in done.err
    assert expected in done.err
    assert not (estate / "muster.db").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("notify",), "no notification channel is configured"),
        (("notify", "--config", "with.toml", "--test", "socc"), "there is no channel or ticket system called socc"),
        (("notify", "--config", "with.toml", "soc"), "with --test alone"),
        (("notify", "--config", "with.toml"), "there is no store"),
    ],
)
def test_what_the_command_cannot_do(estate: Path, muster: Muster, arguments: tuple[str, ...], expected: str) -> None:
    """Each says what to do instead."""
    (estate / "with.toml").write_text('[[notify]]\nname = "soc"\ntype = "webhook"\nurl = "https://siem.example"\n')

    done = muster(*arguments)

    assert (done.code, expected in done.err) == (2, True)


def test_a_killed_sender_loses_nothing(estate: Path, muster: Muster, hook: Receiver) -> None:
    """A message that someone else is sending just now is left to them, for a while."""
    _without_arrivals(estate)
    muster("scan")
    (estate / "bots.csv").write_text(BOTS + NIGHT_BOT)
    hook.replies = [Reply(403)]
    muster("scan")
    for claimed_until, arrived in (("2999-01-01T00:00:00+00:00", 1), ("2026-01-01T00:00:00+00:00", 2)):
        with closing(sqlite3.connect(estate / "muster.db")) as store, store:
            store.execute("UPDATE outbox SET claimed_until = ?", (claimed_until,))
        assert muster("notify").code == 0
        assert len(hook.received) == arrived


def test_a_store_that_is_busy_when_messages_are_sent(estate: Path, muster: Muster, hook: Receiver) -> None:
    """The scan is stored all the same and ends as it ended; its messages wait."""
    _without_arrivals(estate)
    muster("scan")
    (estate / "bots.csv").write_text(BOTS + NIGHT_BOT)
    store = sqlite3.connect(estate / "muster.db", isolation_level=None, check_same_thread=False)

    def occupy() -> None:
        store.execute("BEGIN IMMEDIATE")

    (estate / "config.toml").write_text(
        (estate / "config.toml").read_text() + '\n[store]\nurl = "sqlite:///muster.db?timeout=0"\n'
    )
    os.mkfifo(estate / "report.html")
    reader = threading.Thread(target=_when_read, args=(estate / "report.html", occupy))
    reader.start()
    busy = muster("scan", "-o", "html:report.html")
    reader.join()
    store.close()

    assert busy.code == 0
    assert "no notification was sent: the store" in busy.err
    assert muster("notify").code == 0
    assert len(hook.received) == 1


def _when_read(pipe: Path, then: Callable[[], None]) -> None:
    """Reports are written after the scan is stored, and before notices; a page is more than a pipe holds."""
    with pipe.open("rb") as report:
        report.read(1)
        then()
        report.read()
