"""Sessions of MariaDB and MySQL by PyMySQL. They only read, and no file of this machine is ever sent."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Any, NoReturn

from connectors.core.contract import Malformed, Meter
from connectors.databases.session import DatabaseSession, ended_after
from connectors.mysql.spec import MysqlSettings
from scanner.errors import Denied, NotOffered, SourceError, Unreachable

_CONNECT_SECONDS = 20.0
_SIGNED_OUT = frozenset({1044, 1045, 1129, 1130, 1698, 1820, 1862, 3118, 4151})
"""Refusals to sign in: access, host, expired password, locked account."""
_DENIED = frozenset({1044, 1142, 1143, 1227, 1370})
_MISSING = frozenset({1054, 1146, 1109, 1193})
_NEEDS_TLS = frozenset({b"mysql_clear_password", b"dialog", b"mysql_old_password"})
"""Ways to sign in that give the password away.

MySQL's own do over TLS, too, but PyMySQL answers some of them before it asks ours.
"""


class _Refused:
    """Refuses a way to sign in, whatever the server asks for."""

    def __init__(self, connection: Any) -> None:
        del connection

    def authenticate(self, packet: Any) -> NoReturn:
        """Answer the server's request."""
        from pymysql.err import OperationalError

        del packet
        raise OperationalError(2061, "the server asks for the password in clear text, and is not verified")


class MysqlSession(DatabaseSession):
    """A session. Raises SourceError if it cannot be had."""

    def __init__(self, settings: MysqlSettings, meter: Meter) -> None:
        super().__init__(meter, settings.timeout)
        self._connection = _connected(settings, self.seconds())
        try:
            for _ in self.run("SET SESSION TRANSACTION READ ONLY"):
                pass
            for _ in self.run("START TRANSACTION READ ONLY"):
                pass
        except BaseException:
            self.close()
            raise

    def run(self, sql: str) -> Iterator[dict[str, Any]]:
        """See ``DatabaseSession.run``."""
        import pymysql

        try:
            with (
                ended_after(self.seconds(), self._connection._sock.fileno()),  # noqa: SLF001  # it has no other name
                self._connection.cursor() as cursor,
            ):
                cursor.execute(sql)
                yield from cursor
        except pymysql.MySQLError as error:
            raise _error(error) from None
        except OSError as error:
            raise Unreachable(f"the connection ended: {error.strerror or error}") from None
        except (UnicodeDecodeError, ValueError, IndexError, TypeError):
            raise Malformed("the server's answer cannot be read") from None

    def close(self) -> None:
        """See ``DatabaseSession.close``."""
        self._connection._force_close()  # noqa: SLF001  # a farewell could wait for the server


def _connected(settings: MysqlSettings, seconds: float) -> Any:
    import pymysql
    from pymysql.cursors import SSDictCursor

    security = settings.security
    given: dict[str, Any] = {
        "host": settings.host,
        "port": settings.at_port,
        "user": settings.user,
        "password": "" if settings.password is None else settings.password.resolve(),
        "connect_timeout": max(1, int(min(seconds, _CONNECT_SECONDS))),
        "read_timeout": seconds,
        "write_timeout": seconds,
        "charset": "utf8mb4",
        "local_infile": False,
        "autocommit": False,
        "program_name": "muster",
        "cursorclass": SSDictCursor,
    }
    try:
        if security == "verify":
            given["ssl"] = ssl.create_default_context(cafile=settings.ca_file)
        else:
            given["auth_plugin_map"] = dict.fromkeys(_NEEDS_TLS, _Refused)
            if security == "encrypt":
                given["ssl"] = _unverified()
            else:
                given["ssl_disabled"] = security == "none"
        return pymysql.connect(**given)
    except pymysql.MySQLError as error:
        raise _refusal(error) from None
    except (OSError, ssl.SSLError) as error:
        raise Unreachable(f"{settings.place}: {error.strerror or error}", hint="give ca_file, or set tls") from None
    except (UnicodeDecodeError, ValueError, IndexError, TypeError, AttributeError, KeyError):
        raise Unreachable(f"{settings.place} does not answer as MySQL does") from None


def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _told(error: Any) -> tuple[int, str]:
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    return code, " ".join(str(error.args[-1] if error.args else error).split())


def _refusal(error: Any) -> SourceError:
    code, words = _told(error)
    if code in _SIGNED_OUT:
        return Denied(words, permission="an account")
    hint = "give ca_file, or set tls" if "certificate" in words or "SSL" in words else None
    return Unreachable(words or "the server does not answer", hint=hint)


def _error(error: Any) -> SourceError:
    code, words = _told(error)
    if code in _DENIED:
        return Denied(words)
    return NotOffered(words) if code in _MISSING else Unreachable(words)
