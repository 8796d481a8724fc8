"""The server log of PostgreSQL: real files of a real server, and lines in their shape."""

from __future__ import annotations

import contextlib
import csv
import json
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.core.contract import Scope
from connectors.logs.spoilt import Spoilt
from connectors.postgresql.connector import PostgresqlConnector
from connectors.postgresql.logs.lines import PostgresqlRecords
from connectors.postgresql.logs.server import PostgresqlLog, time_of
from connectors.postgresql.spec import PostgresqlSettings
from scanner.judging.activity.timeline import join
from scanner.model import Identity
from scanner.model.activity import ActivityPast, Caller, LogPast, UnitReading
from tests.connectors.logs.audit_files import DAY, features, log_of, profiles, read_all, read_one
from tests.examples import examples
from tests.servers.postgres import Postgres, needed

SECRET = "planted-in-a-log"
ROLES = f"""
CREATE ROLE app LOGIN PASSWORD '{SECRET}';
CREATE ROLE retired LOGIN PASSWORD '{SECRET}' CONNECTION LIMIT 0;
CREATE ROLE off NOLOGIN PASSWORD '{SECRET}';
CREATE ROLE "odd, ""name" LOGIN PASSWORD '{SECRET}';
CREATE TABLE closed (id int);
ALTER SYSTEM SET logging_collector = on;
ALTER SYSTEM SET log_destination = 'jsonlog,csvlog';
ALTER SYSTEM SET log_connections = on;
ALTER SYSTEM SET log_disconnections = on;
ALTER SYSTEM SET log_timezone = 'UTC';
ALTER SYSTEM SET log_directory = 'logs';
"""


def _connect(server: Postgres, user: str, password: str, *statements: str) -> None:
    address = f"host=127.0.0.1 port={server.port} dbname=postgres"
    with contextlib.suppress(psycopg.Error), psycopg.connect(address, user=user, password=password) as session:
        for statement in statements:
            session.execute(statement)


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Postgres, Path]]:
    """A server that wrote both forms of its log, and their folder."""
    with Postgres() as server:
        for statement in filter(str.strip, ROLES.split(";")):
            server.run(statement)
        server.stop()
        server.start()
        for _ in range(3):
            _connect(server, "app", SECRET, "SELECT 1")
        _connect(server, "app", SECRET, f'TABLE closed /* two\nlines, "quoted" {SECRET} */')
        _connect(server, "app", "wrong")
        _connect(server, "retired", SECRET)
        _connect(server, "off", SECRET)
        _connect(server, "nobody", SECRET)
        _connect(server, 'odd, "name', SECRET)
        server.stop()
        folder = tmp_path_factory.mktemp("copied")
        for file in server.log_files("logs"):
            (folder / file.name).write_bytes(file.read_bytes())
        server.start()
        yield server, folder


def _reading(folder: Path, pattern: str, source: PostgresqlConnector | None = None) -> UnitReading:
    (reading,), _ = read_all(log_of(PostgresqlLog, folder / pattern, source))
    return reading


def _source(server: Postgres) -> PostgresqlConnector:
    return PostgresqlConnector("db", PostgresqlSettings(url=f"postgresql://admin@127.0.0.1:{server.port}/"))


@needed
@pytest.mark.real_server
@pytest.mark.parametrize("form", ["*.json", "*.csv"])
def test_both_forms_of_a_real_log_say_who_came_and_who_was_refused(logged: tuple[Postgres, Path], form: str) -> None:
    """The role by its key; a retired role's attempt is refused, with the host; no statement is kept."""
    server, folder = logged
    reading = _reading(folder, form, _source(server))
    place = f"postgresql:127.0.0.1:{server.port}/roles"
    found = {one.caller: one for one in reading.callers}

    assert found[f"{place}/app"].counts["read=postgres:connect"] == (4, 1, 0)
    assert found[f"{place}/app"].counts["read=postgres:statement"] == (0, 1, 0)
    assert found[f"{place}/retired"].counts["read=postgres:connect"] == (0, 1, 0)  # though it is "authorized" first
    assert found[f"{place}/off"].counts["read=postgres:connect"] == (0, 1, 0)
    assert found[f"{place}/nobody"].counts["read=postgres:connect"] == (0, 1, 0)
    assert found[f'{place}/odd, "name'].counts["read=postgres:connect"] == (1, 0, 0)
    assert features(found[f"{place}/retired"], "host") == ["host=127.0.0.1"]
    assert SECRET not in repr(reading)
    assert [one.what for one in reading.left_out if one.what == "malformed"] == []


@needed
@pytest.mark.real_server
def test_both_forms_say_the_same(logged: tuple[Postgres, Path]) -> None:
    """A server writes both at once."""
    server, folder = logged
    by_json, by_csv = (_reading(folder, form, _source(server)) for form in ("*.json", "*.csv"))

    assert by_json.callers == by_csv.callers
    assert by_json.events == by_csv.events > 0


@needed
@pytest.mark.real_server
def test_callers_are_joined_with_the_roles_of_their_server(
    logged: tuple[Postgres, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By key: the role of that name on another server is none of them."""
    server, folder = logged
    monkeypatch.setenv("DB", server.password)
    source = PostgresqlConnector(
        "db",
        PostgresqlSettings(url=f"postgresql://admin@127.0.0.1:{server.port}/postgres", password=_env("DB")),
    )
    identities = [
        one
        for scope in source.scopes()
        if isinstance(scope, Scope)
        for one in source.discover(scope)
        if isinstance(one, Identity)
    ]
    reading = _reading(folder, "*.json", source)
    callers = [
        Caller(number=number, log="audit", scope=one.scope, caller=one.caller, unique_id=one.unique_id)
        for number, one in enumerate(reading.callers)
    ]
    past = LogPast(
        log="audit", provider="postgresql", source="db", first_read_at=reading.callers[0].first_at, covered={}
    )
    joined = join(identities, ActivityPast(logs={"audit": past}, callers=callers))

    assert {key.rpartition("/roles/")[2] for key, held in joined.callers.items() if held} >= {"app", "retired"}
    assert {one.scope for one in identities} == {one.scope for one in reading.callers}


def _env(name: str) -> Any:
    from scanner.redaction.redact import SecretRef

    return SecretRef(env=name)


# --- Lines in their shape ---

NUMBERS = iter(range(1, 1_000_000))


def line(**fields: Any) -> Mapping[str, Any]:
    """A sign-in, as jsonlog writes it."""
    return {
        "timestamp": f"{DAY} 10:00:00.123 UTC",
        "user": "app",
        "dbname": "shop",
        "remote_host": "10.1.2.3",
        "session_id": "6930.1",
        "line_num": next(NUMBERS),
        "ps": "authentication",
        "error_severity": "LOG",
        "state_code": "00000",
        "message": "connection authorized: user=app database=shop",
    } | fields


def row(message: str, number: int = 1) -> str:
    """A sign-in, as csvlog writes it."""
    session = ["69", "10.1.2.3:5", "6930.1", str(number), "authentication"]
    head = [f"{DAY} 10:00:00.123 UTC", "app", "shop", *session, "", "", ""]
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerow([*head, "LOG", "00000", message, *[""] * 8, "shop"])
    return text.getvalue()


def test_a_broken_row_costs_itself(tmp_path: Path) -> None:
    """One with a long statement is none."""
    good = "connection authorized: user=app" + ' /* "a", \n */' * 20_000
    (tmp_path / "a.csv").write_text(row(good, 1) + 'a"b"c,"d"e\n1,2\n' + row(good, 2))
    (reading,), _ = read_all(log_of(PostgresqlLog, tmp_path))

    assert (reading.events, reading.coverage[0].status) == (2, "partial")


def test_pgaudit_says_what_was_done(tmp_path: Path) -> None:
    """By class and command; neither statement nor object is kept."""
    said = 'AUDIT: SESSION,1,1,{},TABLE,public.orders,"select x, 1",<not logged>'
    found = profiles(
        PostgresqlLog,
        tmp_path,
        line(),
        *(line(ps="", message=said.format(what)) for what in ("READ,SELECT", "WRITE,INSERT", "ROLE,CREATE ROLE")),
        line(ps="", message=said.format("READ,select from crown-jewels")),
    )["app"]

    assert found.counts.keys() >= {
        "read=shop:select", "write=shop:insert", "write=shop:create-role", "read=shop:statement"
    }  # fmt: skip
    assert not any("orders" in text or "crown" in text for text in found.counts)


def test_a_day_without_any_sign_in_is_not_covered(tmp_path: Path) -> None:
    """The server may not log them, and then no sign-in means nothing: a refused one is logged by every server."""
    refused = line(error_severity="FATAL", state_code="28P01", message="password authentication failed")
    (tmp_path / "a.json").write_text(f"{json.dumps(refused)}\n{json.dumps(line(session_id='x', **_other_day()))}\n")
    (reading,), _ = read_all(log_of(PostgresqlLog, tmp_path))

    by_day = {str(one.day): (one.status, one.detail or "") for one in reading.coverage}
    assert by_day["2026-11-19"] == ("complete", "")
    assert by_day[str(DAY)][0] == "partial"
    assert "log_connections" in by_day[str(DAY)][1]


def _other_day() -> dict[str, Any]:
    return {"timestamp": "2026-11-19 10:00:00 UTC"}


@pytest.mark.parametrize(
    ("fields", "counts"),
    [
        ({"ps": "idle", "error_severity": "FATAL", "state_code": "57P01"}, None),
        ({"error_severity": "FATAL", "state_code": "53300", "ps": "startup"}, (0, 1, 0)),
        ({"error_severity": "FATAL", "state_code": "3D000", "ps": "startup"}, (0, 0, 1)),
        ({"message": 'connection authenticated: identity="app" method=scram'}, None),
        ({"message": "replication connection authorized: user=app"}, (1, 0, 0)),
        ({"message": "statement: connection authorized: user=app", "ps": "SELECT"}, None),
    ],
)
def test_what_is_a_sign_in(fields: Mapping[str, Any], counts: tuple[int, ...] | None, tmp_path: Path) -> None:
    """A session that is ended is no refused sign-in, and one that is only authenticated is none yet."""
    (tmp_path / "a.json").write_text(f"{json.dumps(line(**fields))}\n{json.dumps(line(user='other'))}\n")
    (reading,), _ = read_all(log_of(PostgresqlLog, tmp_path))
    found = {one.caller: one for one in reading.callers}

    assert (found["app"].counts.get("read=shop:connect") if "app" in found else None) == counts


def test_a_line_that_was_copied_counts_once(tmp_path: Path) -> None:
    """By the number that the session gave it."""
    assert read_one(PostgresqlLog, tmp_path, *[line(line_num=0)] * 3).events == 1


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-20 10:00:00.123 UTC", "2026-11-20T10:00:00.123Z"),
        ("2026-11-20 10:00:00 GMT", "2026-11-20T10:00:00Z"),
        ("2026-11-20 10:00:00.1 +03", "2026-11-20T10:00:00.1+03:00"),
        ("2026-11-20 10:00:00.1 -0330", "2026-11-20T10:00:00.1-03:30"),
    ],
)
def test_times_have_a_zone_that_is_known(text: str, time: str) -> None:
    """Letters of a zone mean several: those of UTC alone are known."""
    assert time_of(text) == time
    with pytest.raises(ValueError, match="log_timezone"):
        time_of("2026-11-20 10:00:00 CST")


def _csv(*values: str) -> str:
    quoted = ('"' + value.replace('"', '""') + '"' for value in values[1:])
    return ",".join([values[0], *quoted]) + "\n"


@given(message=st.text(st.characters(exclude_categories=["Cs"])), size=st.integers(1, 60))
@examples(100)
def test_rows_are_read_as_they_were_written_however_they_are_cut(message: str, size: int) -> None:
    """Quotes, commas and line breaks in messages, and pieces that end anywhere."""
    row = ["2026-11-20 10:00:00 UTC", "app", "shop", "7", "::1:54", "s.1", "1", "authentication", *["0"] * 3]
    row += ["LOG", "00000", message, *[""] * 8, "psql", "client backend"]
    content = (_csv(*row) * 2).encode()
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    spoilt = Spoilt()
    found = [one for some in PostgresqlRecords().of(pieces, spoilt) for one in some]

    assert [one.message for one in found] == [message] * 2
    assert {(one.user, one.remote_host, one.application_name) for one in found} == {("app", "::1", "psql")}
    assert spoilt.records == 0


@given(content=st.binary(max_size=400))
@examples(200)
def test_any_content_is_read_or_is_a_gap(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Never a traceback."""
    folder = tmp_path_factory.mktemp("any")
    (folder / "a.csv").write_bytes(b"2026-11-20 " + content)
    readings, _ = read_all(log_of(PostgresqlLog, folder / "a.csv"))

    assert all(one.is_unread or one.events == 0 for one in readings)
