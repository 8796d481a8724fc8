"""The connector for MariaDB and MySQL: one scope, the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, TypeVar

from msgspec import Struct

from connectors.core.contract import Check, DiscoveredRecord, Meter, Scope, Spec
from connectors.core.reading import ReadSection, SectionReader, require_sdk
from connectors.databases.session import DatabaseSession
from connectors.mysql import rows as r
from connectors.mysql.client import MysqlSession
from connectors.mysql.identities import Identities, ServerFacts, programs, shown
from connectors.mysql.rights import Rows
from connectors.mysql.spec import SPEC, TABLE, MysqlSettings
from scanner.errors import Denied, SourceError
from scanner.model import EVERY_SCOPE, Coverage

T = TypeVar("T", bound=Struct)


class MysqlConnector:
    """Reads accounts, their rights, and what runs as them. Never a password, never its hash.

    Raises MissingExtra if PyMySQL is not installed.
    """

    spec: ClassVar[Spec] = SPEC

    def __init__(self, source: str, settings: MysqlSettings) -> None:
        require_sdk("pymysql", SPEC)
        self._source = source
        self._settings = settings

    def scopes(self) -> Iterator[Scope | Coverage]:
        """The server. See ``Connector.scopes``."""
        meter = Meter()
        nowhere = Scope(source=self._source, spec=SPEC, id=EVERY_SCOPE)
        found: list[Scope] = []
        with nowhere.section("server", meter=meter) as section, MysqlSession(self._settings, meter) as session:
            server = session.one(TABLE.sections["server"].sql(), r.Server)
            found.append(Scope(source=self._source, spec=SPEC, id=self._settings.place, context=server))
        yield from found
        yield section.coverage

    def discover(self, scope: Scope) -> Iterator[DiscoveredRecord]:
        """Read the accounts and their rights, then what runs as them."""
        meter = Meter()
        with MysqlSession(self._settings, meter) as session:
            reader = _MysqlReader(scope, meter, session)
            accounts = yield from reader.listed("accounts", r.MysqlAccount)
            rows = Rows(
                kind=reader.kind,
                version=scope.context.release,
                accounts=accounts,
                dynamic=(yield from reader.listed("dynamic", r.Dynamic)),
                members=(yield from reader.listed("members", r.MysqlMember)),
                schemas=(yield from reader.listed("schemas", r.Schema)),
                tables=(yield from reader.listed("tables", r.MysqlTables)),
            )
            facts = ServerFacts(
                server=scope.context,
                rows=rows,
                defaults=(yield from reader.listed("defaults", r.Default)),
                proxies=(yield from reader.listed("proxies", r.Proxy)),
                gaps=frozenset(reader.gaps),
            )
            yield from Identities(scope, facts)
            known = frozenset(shown(one.account) for one in accounts)
            for kind in ("routine", "view", "trigger", "event"):
                yield from programs(scope, kind, (yield from reader.listed(f"{kind}s", r.Program)), known)

    def check(self) -> Iterator[Check]:
        """See ``Preflight.check``."""
        meter = Meter()
        try:
            with MysqlSession(self._settings, meter) as session:
                server = session.one(TABLE.sections["server"].sql(), r.Server)
                yield Check(name="server", ok=True, detail=f"{server.version} answers")
                yield from _sections(session, server)
        except SourceError as error:
            yield Check(name="server", ok=False, detail=str(error), fix=error.hint or error.permission)

    @classmethod
    def base_policy(cls) -> str:
        """See ``LeastPrivilege.base_policy``. Of both kinds of servers, each under its name."""
        return f"-- MariaDB\n{TABLE.policy('mariadb')}\n-- MySQL\n{TABLE.policy('mysql')}"

    def policy(self) -> str:
        """See ``LeastPrivilege.policy``. Raises SourceError if the server does not answer."""
        with MysqlSession(self._settings, Meter()) as session:
            return TABLE.policy(session.one(TABLE.sections["server"].sql(), r.Server).kind)


_HIDDEN = "the server shows them only to accounts that may also change them"


def _sections(session: DatabaseSession, server: r.Server) -> Iterator[Check]:
    """Whether each query is permitted: the server says so before it gives a row."""
    kind = server.kind
    for name, section in TABLE.sections.items():
        sql = section.sql(kind)
        if not sql or section.entrance:
            continue
        fix = "; ".join(section.granted(kind)) or None
        if not server.shows(section):
            yield Check(name=name, ok=fix is None, detail="not permitted" if fix else f"off: {_HIDDEN}", fix=fix)
            continue
        try:
            for _ in session.raw(f"SELECT 1 AS allowed FROM ({sql}) AS muster_rows LIMIT 0"):  # noqa: S608  # of sections.toml
                pass
        except SourceError as error:
            yield Check(name=name, ok=False, detail=str(error), fix=fix)
        else:
            yield Check(name=name, ok=True, detail="permitted")


class _MysqlReader(SectionReader):
    """Reads sections by their queries."""

    def __init__(self, scope: Scope, meter: Meter, session: DatabaseSession) -> None:
        super().__init__(scope, meter)
        self._session = session
        self._server: r.Server = scope.context
        self.kind = self._server.kind

    def listed(self, name: str, shape: type[T]) -> ReadSection[list[T]]:
        """The rows of a section; none where this kind of server has no such section."""
        wanted = TABLE.sections[name]
        sql, is_shown, grants = wanted.sql(self.kind), self._server.shows(wanted), wanted.granted(self.kind)
        if not sql:
            yield self.scope.coverage(name, "not_offered")
            return []
        if not is_shown and not grants:
            yield self.scope.coverage(name, "off", detail=_HIDDEN)
            return []
        found: list[T] = []
        with self.section(name) as section:
            if not is_shown:
                raise Denied("the server would give no rows", permission="; ".join(grants))
            for row in self._session.rows(section, sql, shape):
                found.append(row)
                section.found()
        yield self.done(section)
        return found
