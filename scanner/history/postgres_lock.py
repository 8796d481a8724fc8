"""PostgreSQL's advisory locks: one to write, and one to conclude a scan.

They are a database's, so each names what it is for and the schema, that is, the store.
"""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from scanner.history.process import this_process
from scanner.text import printable

AS_IS = "as_is"
"""The execution option of a connection whose transactions begin as the server has it."""

_STORE = "hashtext(coalesce(current_schema(), ''))"
_WRITING, _CONCLUDING = 1836413811, 1836413812
BEGIN_WRITING = f"SELECT pg_advisory_xact_lock({_WRITING}, {_STORE})"
"""Waits until nobody else writes; the lock ends with the transaction."""

_TRY_LOCK = f"SELECT pg_try_advisory_lock({_CONCLUDING}, {_STORE})"
_UNLOCK = f"SELECT pg_advisory_unlock({_CONCLUDING}, {_STORE})"
# Numbers of locks are shown as unsigned ones.
_HOLDER = """SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND datname = current_database() AND pg_locks.database = datid
AND classid = %s AND objid = (hashtext(coalesce(current_schema(), ''))::bigint & 4294967295)::oid"""


class AdvisoryLock:
    """It is the session's, so it ends with the connection, and that with the process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._session: Connection | None = None

    def take(self) -> bool:
        """Tells the server who asks, so that it can tell others who holds it."""
        session = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT", **{AS_IS: True})
        try:
            session.exec_driver_sql("SELECT set_config('application_name', %s, false)", (f"muster {this_process()}",))
            if session.exec_driver_sql(_TRY_LOCK).scalar_one():
                self._session = session
                return True
        except BaseException:
            session.invalidate()
            session.close()
            raise
        session.close()
        return False

    def holder(self) -> str | None:
        """What the session that holds it calls itself, which any role may see."""
        with self._engine.connect() as connection:
            name = connection.exec_driver_sql(_HOLDER, (_CONCLUDING,)).scalar()
        return printable(str(name).removeprefix("muster ")) if name else None

    def release(self) -> None:
        """Where the connection is gone, so is the lock."""
        if self._session is None:
            return
        session, self._session = self._session, None
        with suppress(SQLAlchemyError):
            session.exec_driver_sql(_UNLOCK)
        # Not back into the pool, where it would still bear the name of a holder.
        with suppress(SQLAlchemyError):
            session.invalidate()
        session.close()
