"""Stores on PostgreSQL: connection, COPY, schema, advisory locks, and errors.

Advisory locks belong to the database, so each is named by its purpose and the schema, which is the store.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, cast

from msgspec.structs import replace
from sqlalchemy import (
    URL,
    Column,
    ColumnElement,
    Connection,
    Engine,
    ExceptionContext,
    Select,
    Table,
    create_engine,
    event,
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from scanner.errors import LostStore, MissingExtra, StoreError
from scanner.store.database import (
    APPENDS,
    DEFAULT_PATIENCE,
    PATIENCE,
    WRITES,
    Fault,
    Values,
    this_process,
    wait_of,
    words,
)
from scanner.store.grants import grant_changes
from scanner.store.integrity import digest
from scanner.store.postgres_text import escaped, rows_unescaped, with_text
from scanner.text import printable

if TYPE_CHECKING:
    import psycopg

READ = 1_000
"""Rows in memory at a time."""

AS_IS = "as_is"
"""Execution option of a connection whose transactions use the server's defaults."""

_STORE = "hashtext(coalesce(current_schema(), ''))"
_WRITING, _CONCLUDING, _LOGGING = 1836413811, 1836413812, 1836413813
# Whatever the server's default is: what was committed while a lock was awaited must be seen.
BEGIN_APPENDING = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"
BEGIN_WRITING = f"""SELECT pg_advisory_xact_lock({_WRITING}, {_STORE}),
set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true)"""
"""Waits until no other transaction writes; the lock ends with the transaction.

Saving reads open rows by key, a page at a time. Until the server has analyzed a table that was just filled, it would
sort all of its rows for each page instead of reading the index.
"""

_WAIT_TO_LOG = f"SELECT pg_advisory_xact_lock({_LOGGING}, {_STORE})"

_TRY_LOCK = f"SELECT pg_try_advisory_lock({_CONCLUDING}, {_STORE})"
_UNLOCK = f"SELECT pg_advisory_unlock({_CONCLUDING}, {_STORE})"
# pg_locks shows numbers of locks as unsigned.
_HOLDER = """SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND datname = current_database() AND pg_locks.database = datid
AND classid = %s AND objid = (hashtext(coalesce(current_schema(), ''))::bigint & 4294967295)::oid"""


class AdvisoryLock:
    """The lock of a session. It ends with the connection, and the connection with the process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._session: Connection | None = None

    def take(self) -> bool:
        """Tries to take the lock. The session's application name shows others the holder."""
        session = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT", **{AS_IS: True})
        try:
            session.exec_driver_sql("SELECT set_config('application_name', %s, false)", (f"muster {this_process()}",))
            if session.exec_driver_sql(_TRY_LOCK).scalar_one():
                self._session = session
                return True
        except BaseException:  # also an interruption: the connection must not leak
            session.invalidate()
            session.close()
            raise
        session.close()
        return False

    def holder(self) -> str | None:
        """The application name of the session that holds the lock, which any role may see."""
        with self._engine.connect() as connection:
            name = connection.exec_driver_sql(_HOLDER, (_CONCLUDING,)).scalar()
        return printable(str(name).removeprefix("muster ")) if name else None

    def release(self) -> None:
        """Releases the lock. If the connection is gone, so is the lock."""
        if self._session is None:
            return
        session, self._session = self._session, None
        with suppress(SQLAlchemyError):
            session.exec_driver_sql(_UNLOCK)
        # Not returned to the pool, where it would keep the application name of a holder.
        with suppress(SQLAlchemyError):
            session.invalidate()
        session.close()


# --- The connection, COPY, the schema in a shared database, locks and errors ---

_DRIVER = "postgresql+psycopg"
# A lost network is noticed within two minutes.
_CONNECTION = {
    "connect_timeout": "10",
    "application_name": "muster",
    "client_encoding": "utf8",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
_SCHEMA = re.compile(r"(?!pg_)[a-z_][a-z0-9_]{0,62}")

_BEGIN_READING = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_SIZE = """SELECT coalesce(sum(pg_total_relation_size(pg_class.oid)), 0)::bigint FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = current_schema() AND relkind = 'r'"""
_WRITABLE = """SELECT current_setting('transaction_read_only') = 'off',
has_table_privilege('scan', 'INSERT') AND has_column_privilege('identity', 'until_scan', 'UPDATE')"""

_SCAN_AGAIN = "scan again; what was stored is intact"
_GRANT = "`muster store grants` prints what its roles need; tables are the owner's to make, with `muster store upgrade`"
# Prefixes of SQLSTATEs; the first match decides.
_FAULTS = (
    ("08", Fault(what="has lost the connection", hint=_SCAN_AGAIN, lost=True)),
    ("57P", Fault(what="has ended the connection", hint=_SCAN_AGAIN, lost=True)),
    ("25P03", Fault(what="has ended the connection", hint="raise idle_in_transaction_session_timeout", lost=True)),
    ("42501", Fault(what="does not let this role do that", hint=_GRANT)),
    ("25006", Fault(what="is read-only", hint="name the primary server, or a role that may write")),
    ("53100", Fault(what="has no room left: the disk is full", hint="make room and scan again; nothing was lost")),
    ("53", Fault(what="has no resources left", hint="look at the server's limits on connections and memory")),
    ("54", Fault(what="cannot hold a record of this size", hint="find out which identity has such a long key or id")),
    ("55P03", Fault(what="is in use: another scan is writing to it", hint="wait for it to end and try again")),
    ("57014", Fault(what="has cancelled a statement", hint="raise statement_timeout for this role")),
    ("XX", Fault(what="is damaged", hint="look at the server's log, and put back the last backup if need be")),
)
_UNREACHABLE = Fault(
    what="cannot be reached",
    hint="check that the server runs, and user and database; the password belongs into PGPASSWORD or ~/.pgpass",
    lost=True,
)
_REFUSED = replace(_UNREACHABLE, lost=False)
_TRANSIENT = ("starting up", "shutting down", "recovery", "too many", "connection slots")
"""Reasons for a refused connection that pass by themselves; others, such as a wrong password, do not.

libpq has no SQLSTATE for a connection that was never made, only the server's message after FATAL.
"""
_OTHER_FAULT = Fault(what="does not work", hint="check that it was written by Muster; look at the server's log")


class Postgres:
    """A schema in a database on a server."""

    options: ClassVar[frozenset[str]] = frozenset(
        ("connect_timeout", "host", "passfile", "schema", "sslcert", "sslkey", "sslmode", "sslrootcert")
    )

    def open(self, address: URL, *, create: bool, timeout: float | None) -> Engine:
        """Connects once to check the database. ``create`` creates a missing schema that the URL names."""
        query = {name: str(value) for name, value in address.query.items() if name in self.options}
        schema = query.pop("schema", None)
        if schema is not None and not _SCHEMA.fullmatch(schema):
            raise StoreError(
                f"the store's schema is {printable(schema)}", hint="lower-case letters, digits and _ make its name"
            )
        wait = wait_of(timeout, scans=create)
        settings = {"lock_timeout": f"{max(1, round(wait * 1000))}ms"} | ({"search_path": schema} if schema else {})
        try:
            engine = create_engine(
                address.set(drivername=_DRIVER, query=_CONNECTION | query),
                pool_pre_ping=True,
                hide_parameters=True,
                execution_options={PATIENCE: DEFAULT_PATIENCE if timeout is None else timeout},
            )
        except ModuleNotFoundError:
            raise MissingExtra("a store on PostgreSQL", "postgres") from None
        # First: SQLAlchemy asks a new connection for its schema, too.
        event.listen(engine, "connect", lambda connection, _: _set_up(connection, settings), insert=True)
        event.listen(engine, "begin", _begin)
        event.listen(engine, "handle_error", _close_cursor)
        try:
            self._look(engine, schema if create else None)
        except BaseException:  # also an interruption: the connection must not leak
            engine.dispose()
            raise
        return engine

    def _look(self, engine: Engine, to_make: str | None) -> None:
        try:
            with engine.connect() as connection:
                encoding, schema = connection.exec_driver_sql(
                    "SELECT current_setting('server_encoding'), current_schema()"
                ).one()
            if encoding != "UTF8":
                raise StoreError(
                    f"the store {self.place(engine.url)} is a database in {encoding}, which cannot hold every name",
                    hint="make one in UTF-8: CREATE DATABASE muster ENCODING 'UTF8' TEMPLATE template0",
                )
            if to_make and schema is None:
                with engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
                    connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {to_make}")
                # A pooled connection has no schema yet.
                engine.dispose()
        except DBAPIError as error:
            fault = self.fault(error.orig)
            kind = LostStore if fault.lost else StoreError
            raise kind(
                f"the store {self.place(engine.url)} {fault.what} ({words(error.orig)})", hint=fault.hint
            ) from error

    def place(self, url: URL) -> str:
        """Server and database."""
        return printable(url.set(drivername="postgresql", query={}).render_as_string(hide_password=True))

    def dialect(self, statement: str) -> str:
        """Text sorts by code points, as in Python and SQLite, independent of the database's locale."""
        return re.sub(r"\bTEXT\b", 'TEXT COLLATE "C"', statement).removesuffix(" WITHOUT ROWID")

    def append_only(self, table: str) -> Sequence[str]:
        """Triggers, also while ``session_replication_role`` switches usual ones off."""
        function = f"CREATE OR REPLACE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql"
        made = f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
        return (
            f"{function} AS $$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$",
            f"{made} FOR EACH STATEMENT EXECUTE FUNCTION {table}_is_append_only()",
            f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_append_only",
        )

    def wait_to_log(self, connection: Connection) -> None:
        """An advisory lock that ends with the transaction."""
        connection.exec_driver_sql(_WAIT_TO_LOG)

    def made_tables(self, connection: Connection) -> None:
        """Grants the writers the changes that a scan makes."""
        grant_changes(connection)

    def insert(self, connection: Connection, table: Table, rows: Sequence[Values]) -> None:
        """COPY: many times as fast as ``insert(dicts)``."""
        names = connection.dialect.identifier_preparer
        columns = ", ".join(map(names.format_column, table.columns))
        _copy(connection, f"COPY {names.format_table(table)} ({columns}) FROM STDIN", escaped(rows))

    def unsound(
        self, connection: Connection, rows: Select[Any], checksum: Column[str], text: ColumnElement[str]
    ) -> Sequence[Values]:
        """The server has no CRC-32 before version 18, so the texts are read."""
        with_texts = rows.add_columns(checksum, text)
        with connection.execute(with_texts, execution_options={"yield_per": READ}) as result:
            return [row[:-2] for row in result if digest(row[-1]) != row[-2]]

    def refuse_unwritable(self, engine: Engine) -> None:
        """Refuses a standby, and a role that may only read."""
        with engine.connect().execution_options(**{AS_IS: True}) as connection:
            primary, granted = connection.exec_driver_sql(_WRITABLE).one()
        if not (primary and granted):
            fault = self.fault_of("42501" if primary else "25006")
            raise StoreError(f"the store {self.place(engine.url)} {fault.what}: to write", hint=fault.hint)

    def settle(self, engine: Engine) -> None:
        """Nothing to do: the server vacuums and analyses by itself."""

    def compact(self, engine: Engine) -> int:
        """Nothing to do: the server reuses the space that pruning freed."""
        del engine
        return 0

    def damage(self, engine: Engine) -> Sequence[str]:
        """None: the server checks its pages when rows are read, and ``pg_amcheck`` its indexes."""
        del engine
        return ()

    def rebuild_indexes(self, engine: Engine) -> Sequence[str]:
        """Nothing: see :meth:`damage`."""
        return self.damage(engine)

    def may_prune(self, engine: Engine) -> bool:
        """The owner of the tables may, the writer may not."""
        with engine.connect() as connection:
            return bool(connection.exec_driver_sql("SELECT has_table_privilege('identity', 'DELETE')").scalar_one())

    def size(self, engine: Engine) -> int:
        """Size of the tables with their indexes."""
        with engine.connect() as connection:
            return int(connection.exec_driver_sql(_SIZE).scalar_one())

    def lock(self, engine: Engine) -> AdvisoryLock:
        """An advisory lock of the server, held by a separate connection."""
        return AdvisoryLock(engine)

    def fault(self, error: BaseException | None) -> Fault:
        """By SQLSTATE. An operational error without one comes from the driver: there is no connection."""
        state = getattr(error, "sqlstate", None)
        if state is None and type(error).__name__ == "OperationalError":
            said = str(error)
            refused = "FATAL" in said and not any(reason in said for reason in _TRANSIENT)
            return _REFUSED if refused or "not known" in said else _UNREACHABLE
        if state is None:
            return _OTHER_FAULT
        return self.fault_of(state)

    def fault_of(self, state: str) -> Fault:
        """What a SQLSTATE means."""
        return next((fault for beginning, fault in _FAULTS if state.startswith(beginning)), _OTHER_FAULT)


def _set_up(connection: psycopg.Connection[Any], settings: dict[str, str]) -> None:
    with_text(connection)
    connection.row_factory = rows_unescaped
    connection.autocommit = True
    for name, value in settings.items():
        connection.execute("SELECT set_config(%s, %s, false)", (name, value))
    connection.autocommit = False


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get(AS_IS, False):
        return
    if not (options.get(APPENDS, False) or options.get(WRITES, False)):
        connection.exec_driver_sql(_BEGIN_READING)
        return
    connection.exec_driver_sql(BEGIN_APPENDING)
    if options.get(WRITES, False):
        connection.exec_driver_sql(BEGIN_WRITING)


def _close_cursor(context: ExceptionContext) -> None:
    """Closes the cursor of a lost connection: SQLAlchemy leaves it open, and psycopg warns of that."""
    if context.is_disconnect and context.execution_context is not None:
        with suppress(context.dialect.loaded_dbapi.Error):
            context.execution_context.cursor.close()


def _copy(connection: Connection, statement: str, rows: Iterable[Values]) -> None:
    from psycopg import adapters
    from psycopg.adapt import PyFormat

    driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    with driver.cursor() as cursor:
        # These rows are escaped already, and the driver's own way is faster.
        cursor.adapters.register_dumper(str, adapters.get_dumper(str, PyFormat.TEXT))
        with cursor.copy(statement.encode()) as copy:
            for row in rows:
                copy.write_row(row)
