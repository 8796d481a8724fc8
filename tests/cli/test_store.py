"""``muster store`` and what ``muster doctor`` says of it, on a real server."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from scanner.errors import StoreError
from scanner.model.served import Visited
from scanner.store.engine import connect, writing
from scanner.store.migrations import MIGRATIONS
from scanner.store.outbox import Alarms
from scanner.store.store import open_store
from scanner.store.tickets import WantedTicket
from tests.cli.conftest import Muster
from tests.contract.test_store_activity import WEEK_AGO as ACTIVITY
from tests.contract.test_store_activity import write
from tests.factories import make_assessment, make_result
from tests.servers import postgres

RESULT = make_result(make_assessment("svc-billing"))
ROLES = ("owner", "writer", "reader", "page")


@pytest.fixture
def server() -> postgres.Postgres:
    """The server of the test run."""
    return postgres.shared()


@pytest.fixture
def roles(server: postgres.Postgres, muster: Muster) -> Iterator[dict[str, str]]:
    """The URL of one store for each role, as ``muster store grants`` makes them."""
    names = {part: f'{part}-"x' for part in ROLES}
    plain = server.store_url(schema="granted")
    sql = muster(
        "store",
        "grants",
        "--schema",
        "granted",
        *(word for part, name in names.items() for word in (f"--{part}", name)),
    )
    assert sql.code == 0
    for _ in range(2):  # as often as you like
        server.pipe(sql.out)
    for name in names.values():
        quoted = name.replace('"', '""')
        server.run(f"ALTER ROLE \"{quoted}\" PASSWORD '{server.password}'")
    yield {part: plain.replace("admin@", f"{part}-%22x@") for part in names}
    server.run("DROP SCHEMA granted CASCADE")


@postgres.needed
def test_grants(roles: dict[str, str], muster: Muster, server: postgres.Postgres, estate: Path) -> None:
    """The owner makes the tables, the writer scans, the reader reports, the page adds records: none can do more."""
    assert (estate / "config.toml").exists()
    early = muster("scan", "--store", roles["writer"])
    upgraded = muster("store", "upgrade", "--store", roles["owner"])
    names = (word for part in ROLES for word in (f"--{part}", f'{part}-"x'))
    server.pipe(muster("store", "grants", "--schema", "granted", *names).out)
    scanned = [muster("scan", "--store", roles["writer"]) for _ in range(2)]
    reported = muster("report", "--store", roles["reader"], "-o", "json:-")
    refused = muster("scan", "--store", roles["reader"])
    pruned = muster("history", "prune", "--keep-days", "1", "--store", roles["writer"])
    with (estate / "config.toml").open("a") as config:
        config.write("\n[store]\nkeep_days = 1\n")
    due = muster("scan", "--store", roles["writer"])

    assert early.code == 2
    assert "muster store" in early.err
    assert pruned.code == 2
    assert "does not let this role do that" in pruned.err
    assert "needs the owner's role" in due.err
    assert muster("history", "prune", "--keep-days", "1", "--store", roles["owner"]).code == 0
    assert upgraded.out.endswith(f"is at version {len(MIGRATIONS)}\n")
    assert [(done.code, done.err) for done in scanned] == [(0, ""), (0, "")]
    assert (reported.code, '"invoice-bot"' in reported.out) == (0, True)
    assert refused.code == 2
    assert "does not let this role do that: to write" in refused.err
    assert "muster store grants" in refused.err
    for role, forbidden in (
        ("reader", "DELETE FROM scan"),
        ("reader", "INSERT INTO wording VALUES ('a', 'b')"),
        ("writer", "DROP TABLE scan"),
        ("writer", "ALTER TABLE scan ADD COLUMN x TEXT"),
        ("writer", "CREATE TABLE mine (x INTEGER)"),
        ("writer", "DELETE FROM scan"),
        ("writer", "DELETE FROM identity"),
        ("writer", "DELETE FROM coverage"),
        ("writer", "TRUNCATE finding"),
        ("writer", "UPDATE scan SET summary = '{}'"),
        ("writer", "UPDATE identity SET body = '{}'"),
        ("writer", "UPDATE finding SET first_scan = 1"),
        ("writer", "INSERT INTO muster_migration VALUES (99, 'mine')"),
        ("writer", "DELETE FROM muster_migration"),
        ("writer", "DELETE FROM log_day"),
        ("writer", "UPDATE log_unit SET digest = 'x'"),
        ("writer", "UPDATE log_caller SET caller = 'x'"),
        ("writer", "DELETE FROM announced"),
        *(
            ("page", f"{change} {table}{rest}")
            for table in ("scan", "page_record", "review_record")
            for change, rest in (("DELETE FROM", ""), ("TRUNCATE", ""), ("UPDATE", " SET body = 'x'"))
            if (change, table) != ("UPDATE", "scan")
        ),
        ("page", "INSERT INTO review_record VALUES (1, 1, 'x', 'x')"),
        ("page", "INSERT INTO wording VALUES ('a', 'b')"),
        ("page", "CREATE TABLE mine (x INTEGER)"),
    ):
        assert _error(roles[role], forbidden).startswith(("permission denied", "must be owner")), forbidden
    with open_store(roles["writer"]) as store:
        write(store, *ACTIVITY)
        write(store, *ACTIVITY)
        announced = {"f1": datetime(2026, 11, 28, tzinfo=UTC)}
        for _ in range(2):
            store.outbox.post(Alarms(announced=announced))
        assert store.outbox.announced() == announced
        wanted = WantedTicket(marker="m", target="t", wanted="{}", wanted_at=datetime(2026, 11, 28, tzinfo=UTC))
        for _ in range(2):
            store.outbox.post(Alarms(tickets=(wanted,)))
        claimed = store.tickets.claim("m", datetime(2026, 11, 28, tzinfo=UTC))
        assert claimed is not None
        store.tickets.written(claimed)
        store.tickets.forget("m")
        assert not store.may_prune()
    with open_store(roles["reader"], create=False) as store:
        assert len(store.activity.past().callers) == 1
    with open_store(roles["page"], create=False) as store:
        seen = Visited(scan=store.scans()[-1].id, by="ada@example.com", at=datetime(2026, 11, 28, tzinfo=UTC))
        store.served.append(seen)
        assert store.served.visits("ada@example.com") == (seen,)


@postgres.needed
def test_grants_outlive_an_upgrade_and_a_second_grant(
    roles: dict[str, str], muster: Muster, server: postgres.Postgres, estate: Path
) -> None:
    """What a writer may do does not depend on whether the tables or the roles came first."""
    assert (estate / "config.toml").exists()
    muster("store", "upgrade", "--store", roles["owner"])
    names = (word for part in ROLES for word in (f"--{part}", f'{part}-"x'))
    server.pipe(muster("store", "grants", "--schema", "granted", *names).out)

    assert [muster("scan", "--store", roles["writer"]).err for _ in range(2)] == ["", ""]


def test_check_and_repair(muster: Muster, estate: Path) -> None:
    """Nothing is wrong; someone calls an orphan owned; a report refuses; a repair takes that back."""
    assert muster("scan").code == 0
    sound = muster("store", "check")
    with closing(sqlite3.connect(estate / "muster.db")) as database:
        database.execute("UPDATE identity SET ownership_state = 'owned' WHERE key = 'saas:acme:old-sync'")
        database.commit()
    reports = [muster(*words) for words in (("report",), ("show", "old-sync"), ("report", "-o", "json:-"))]
    checked = muster("store", "check")
    repaired = muster("store", "check", "--repair")
    again = muster("store", "check")

    assert (sound.code, sound.out) == (0, f"muster.db: 1 scan, no problems\ndecisions: 0, head {'0' * 64}\n")
    for done in reports:
        assert done.code == 2
        assert "identity saas:acme:old-sync (since scan number 1) was changed or damaged outside Muster" in done.err
        assert "muster store check" in done.err
    assert checked.code == 1
    assert checked.out.startswith("identity saas:acme:old-sync (since scan number 1) does not match its checksum\n")
    assert "--repair" in checked.err
    assert (repaired.code, again.code) == (0, 0)
    assert "restored from its body" in repaired.out
    assert muster("report").code == 0


def test_a_scan_heals_and_is_reported(muster: Muster, estate: Path) -> None:
    """It is no end for the night, and no silence either."""
    assert muster("scan").code == 0
    with closing(sqlite3.connect(estate / "muster.db")) as database:
        database.execute("UPDATE identity SET body = 'nonsense' WHERE key = 'saas:acme:old-sync'")
        database.commit()
    scanned = muster("scan")

    assert scanned.code == 0
    assert "identity saas:acme:old-sync was changed or damaged outside Muster" in scanned.err
    assert muster("report").code == 0
    assert muster("scan").err == ""


def _error(url: str, statement: str) -> str:
    engine = connect(url, create=False)
    try:
        with writing(engine) as connection:
            connection.exec_driver_sql(statement)
    except StoreError as error:
        cause: Any = error.__cause__
        return str(cause.orig)
    finally:
        engine.dispose()
    return ""


def test_grants_are_named_sensibly(muster: Muster) -> None:
    """What PostgreSQL would cut short is refused."""
    done = muster("store", "grants", "--reader", "x" * 64)

    assert done.code == 2


@postgres.needed
def test_doctor(muster: Muster, server: postgres.Postgres) -> None:
    """The store's place without what is private to it, its version, size and last scan, and who is at work."""
    url = server.store_url()
    with open_store(url) as store:
        store.save(RESULT)

    assert (
        muster("doctor", "--store", url)
        .out.splitlines()[1]
        .startswith(
            f"ok      store: {server.url_for_tools}: 1 scan, the last one {RESULT.scan.id} of 2026-11-25 08:00 UTC, "
        )
    )
    with open_store(url) as store, store.alone():
        assert "a scan is being stored by pid " in muster("doctor", "--store", url).out
