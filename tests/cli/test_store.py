"""``muster store`` and what ``muster doctor`` says of it, on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scanner.errors import StoreError
from scanner.history.engine import connect, writing
from scanner.history.migrations import MIGRATIONS
from scanner.history.store import open_store
from tests.cli.conftest import Muster
from tests.factories import make_assessment, make_result
from tests.servers import postgres

RESULT = make_result(make_assessment("svc-billing"))


@pytest.fixture
def server() -> postgres.Postgres:
    """The server of the test run."""
    return postgres.shared()


@pytest.fixture
def roles(server: postgres.Postgres, muster: Muster) -> Iterator[dict[str, str]]:
    """The URL of one store for each role, as ``muster store grants`` makes them."""
    names = {part: f'{part}-"x' for part in ("owner", "writer", "reader")}
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
def test_grants(roles: dict[str, str], muster: Muster, estate: Path) -> None:
    """The owner makes the tables, the writer scans, the reader reports, and neither can do more."""
    assert (estate / "config.toml").exists()
    early = muster("scan", "--quiet", "--store", roles["writer"])
    upgraded = muster("store", "upgrade", "--store", roles["owner"])
    scanned = [muster("scan", "--quiet", "--store", roles["writer"]) for _ in range(2)]
    reported = muster("report", "--store", roles["reader"], "-o", "json:-")
    refused = muster("scan", "--quiet", "--store", roles["reader"])

    assert early.code == 2
    assert "muster store" in early.err
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
    ):
        assert _error(roles[role], forbidden).startswith(("permission denied", "must be owner")), forbidden


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
            f"ok      store: {server.url_for_tools}: 1 scan, the last one {RESULT.scan.id} of 2026-11-25 08:00 UTC, 0."
        )
    )
    with open_store(url) as store, store.alone():
        assert "a scan is being stored by pid " in muster("doctor", "--store", url).out
