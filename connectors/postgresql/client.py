"""Sessions of PostgreSQL by psycopg. They only read, and nothing of the server's own search path decides a name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from connectors.core.contract import Malformed, Meter
from connectors.databases.session import DatabaseSession, ended_after
from connectors.postgresql.spec import PostgresqlSettings
from scanner.errors import Denied, NotOffered, SourceError, Unreachable

PROGRAM = "muster"
"""The name of the connection in pg_stat_activity."""
_MAINTENANCE = "postgres"
_CONNECT_SECONDS = 20.0
_SSL = {"verify": "verify-full", "encrypt": "require", "none": "disable", None: "prefer"}
_SIGNED_OUT = ("28", "3D", "42501", "53300")
"""Codes of refusals to connect: wrong password or rule, no such database, no CONNECT, too many connections."""
_BEGIN = """SELECT set_config('search_path', 'pg_catalog', false), set_config('TimeZone', 'UTC', false),
set_config('DateStyle', 'ISO', false), set_config('default_transaction_read_only', 'on', false),
set_config('statement_timeout', '{milliseconds}', false)"""


class PostgresSession(DatabaseSession):
    """A session in one database. Raises SourceError if it cannot be had."""

    def __init__(self, settings: PostgresqlSettings, meter: Meter, database: str = "") -> None:
        super().__init__(meter, settings.timeout)
        self._connection = _connected(settings, database or settings.database or _MAINTENANCE, self.seconds())
        try:
            self._execute(_BEGIN.format(milliseconds=int(settings.timeout * 1000)))
        except BaseException:
            self.close()
            raise

    def run(self, sql: str) -> Iterator[dict[str, Any]]:
        """See ``DatabaseSession.run``. Every row comes as JSON, in which any name and any time can be."""
        as_json = f"SELECT row_to_json(muster_row)::text FROM ({sql}) AS muster_row"  # noqa: S608  # of sections.toml
        for text in self._stream(as_json):
            try:
                yield msgspec.json.decode(text, type=dict[str, Any])
            except (msgspec.MsgspecError, RecursionError, TypeError, ValueError):
                raise Malformed("the server's answer is not the JSON of a row") from None

    def close(self) -> None:
        """See ``DatabaseSession.close``."""
        self._connection.close()

    def _execute(self, sql: str) -> None:
        for _ in self._stream(sql):
            pass

    def _stream(self, sql: str) -> Iterator[Any]:
        """The first value of each row, row by row."""
        import psycopg

        seconds = self.seconds()
        try:
            with ended_after(seconds, self._connection.fileno()), self._connection.cursor() as cursor:
                for row in cursor.stream(sql):
                    yield row[0]
        except psycopg.Error as error:
            raise _error(error) from None
        except UnicodeDecodeError:
            raise Malformed("the server's answer has a name that is not UTF-8") from None


def _connected(settings: PostgresqlSettings, database: str, seconds: float) -> Any:
    import psycopg

    security = settings.security
    given: dict[str, Any] = {
        "host": settings.host,
        "port": settings.at_port,
        "user": settings.user,
        "dbname": database,
        "sslmode": _SSL[security],
        "connect_timeout": max(2, int(min(seconds, _CONNECT_SECONDS))),
        "application_name": PROGRAM,
        "client_encoding": "UTF8",
        "gssencmode": "disable",
        # Nothing of this machine's own files and variables decides where, as whom and how it connects.
        "options": "",
        "target_session_attrs": "any",
        "channel_binding": "prefer",
        "passfile": "/dev/null/none",  # which is no file: of one that is none libpq warns on stderr
    }
    if security == "verify":
        given["sslrootcert"] = settings.ca_file or "system"
    else:
        given["require_auth"] = "!password"  # nobody knows who would get the password in clear text
    if settings.password is not None:
        given["password"] = settings.password.resolve()
    try:
        return psycopg.connect(**given, autocommit=True, prepare_threshold=None)
    except psycopg.Error as error:
        raise _refusal(error, settings) from None
    except UnicodeError:
        raise Unreachable("the server's refusal is not text") from None


def _refusal(error: Any, settings: PostgresqlSettings) -> SourceError:
    """Why a connection failed, in one line."""
    words = " ".join(str(error).split())
    state = error.sqlstate or ""
    if state.startswith(_SIGNED_OUT) or "authentication failed" in words or "no pg_hba.conf entry" in words:
        return Denied(words, permission="a role with LOGIN, and CONNECT on each database")
    hint = "give ca_file, or set tls" if "certificate" in words or "SSL" in words else None
    return Unreachable(words or f"{settings.place} does not answer", hint=hint)


def _error(error: Any) -> SourceError:
    state = error.sqlstate or ""
    words = " ".join(str(error).split())
    if state == "42501":
        return Denied(words)
    if state in ("42P01", "42883", "42703"):
        return NotOffered(words)
    return Unreachable(words)
