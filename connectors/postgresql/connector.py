"""The connector for PostgreSQL: one scope, the server with all its databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import ClassVar, TypeVar

from msgspec import Struct

from connectors.core.contract import Check, DiscoveredRecord, Meter, Scope, Spec
from connectors.core.reading import ReadSection, SectionReader, require_sdk
from connectors.databases.session import DatabaseSession
from connectors.postgresql import rows as r
from connectors.postgresql.client import PostgresSession
from connectors.postgresql.exports import check_exports, exports, read_export
from connectors.postgresql.identities import PostgresqlIdentities, ServerFacts, functions, mappings, subscriptions
from connectors.postgresql.rights import service_of
from connectors.postgresql.spec import SPEC, TABLE, PostgresqlSettings
from scanner.errors import Denied, SourceError
from scanner.model import EVERY_SCOPE, Coverage

T = TypeVar("T", bound=Struct)
_CONNECT = 'GRANT CONNECT ON DATABASE "{name}" TO muster'


class PostgresqlConnector:
    """Reads login roles, their rights, and what runs as them. Never a password, never the options of a mapping.

    Raises MissingExtra if psycopg is not installed.
    """

    spec: ClassVar[Spec] = SPEC

    def __init__(self, source: str, settings: PostgresqlSettings) -> None:
        if settings.from_files is None:
            require_sdk("psycopg", SPEC)
        self._source = source
        self._settings = settings

    @property
    def place(self) -> str | None:
        """The server, as its records name it; None for files."""
        return None if self._settings.from_files is not None else self._settings.place

    def scopes(self) -> Iterator[Scope | Coverage]:
        """The server, or each file. See ``Connector.scopes``."""
        if self._settings.from_files is not None:
            yield from exports(self._source, self._settings, self._settings.from_files)
            return
        meter = Meter()
        nowhere = Scope(source=self._source, spec=SPEC, id=EVERY_SCOPE)
        found: list[Scope] = []
        with nowhere.section("server", meter=meter) as section, PostgresSession(self._settings, meter) as session:
            server = session.one(TABLE.sections["server"].sql(), r.PostgresqlServer)
            found.append(Scope(source=self._source, spec=SPEC, id=self._settings.place, context=server))
        yield from found
        yield section.coverage

    def discover(self, scope: Scope) -> Iterator[DiscoveredRecord]:
        """Read the server, then each database."""
        if isinstance(scope.context, Path):
            yield from read_export(scope, scope.context)
            return
        meter = Meter()
        with PostgresSession(self._settings, meter) as session:
            reader = _PostgresqlReader(scope, meter, session)
            facts = yield from reader.server(scope.context)
            identities = PostgresqlIdentities(scope, facts)
            yield from identities
            names = identities.graph.by_id
            subscribed = yield from reader.listed("subscriptions", r.Subscription)
            yield from subscriptions(scope, subscribed, names)
            databases = yield from reader.listed("databases", r.Database)
        for database in databases:
            yield from self._database(scope, meter, database, facts, names)

    def _database(
        self, scope: Scope, meter: Meter, database: r.Database, facts: ServerFacts, names: dict[int, r.PostgresqlRole]
    ) -> Iterator[DiscoveredRecord]:
        """The functions and mappings of a database."""
        wanted, service = self._settings.databases, service_of(facts.roles)[1]
        if not database.is_open or (wanted and database.name not in wanted):
            return
        sections = (f"definers:{database.name}", f"mappings:{database.name}")
        if service is not None and database.name in service.databases:
            for name in sections:
                yield scope.coverage(name, "not_offered", detail=f"a database of {service.title} itself")
            return
        try:
            if not database.may_connect:
                raise Denied(f"the role may not connect to the database {database.name}")
            session = PostgresSession(self._settings, meter, database.name)
        except SourceError as error:
            grant = _CONNECT.format(name=database.name)
            for name in sections:
                with scope.section(name, meter=meter) as section:
                    section.lost(Denied(str(error), permission=grant) if isinstance(error, Denied) else error)
                yield section.coverage
            return
        with session:
            reader = _PostgresqlReader(scope, meter, session)
            definers = yield from reader.listed("definers", r.Definer, part=database.name)
            yield from functions(scope, database.name, definers, names)
            mapped = yield from reader.listed("mappings", r.Mapping, part=database.name)
            yield from mappings(scope, database.name, mapped, names)

    def check(self) -> Iterator[Check]:
        """See ``Preflight.check``."""
        if self._settings.from_files is not None:
            yield from check_exports(self._settings.from_files)
            return
        meter = Meter()
        try:
            with closing(PostgresSession(self._settings, meter)) as session:
                server = session.one(TABLE.sections["server"].sql(), r.PostgresqlServer)
                databases = list(session.raw(TABLE.sections["databases"].sql()))
        except SourceError as error:
            yield Check(name="server", ok=False, detail=str(error), fix=error.hint or error.permission)
            return
        yield Check(name="server", ok=True, detail=f"PostgreSQL {server.version // 10000} answers")
        yield Check(
            name="role",
            ok=not server.is_superuser,
            detail="a superuser, which Muster does not need" if server.is_superuser else "it is no superuser",
            fix="muster connectors postgresql --policy" if server.is_superuser else None,
        )
        yield _granted("activity", "; ".join(TABLE.permissions("activity")), may=server.sees_activity)
        yield Check(
            name="hba",
            ok=True,
            detail="permitted" if server.sees_hba else "not permitted: off",
            fix=None if server.sees_hba else "; ".join(TABLE.permissions("hba")),
        )
        for row in databases:
            if row["is_open"]:
                name = str(row["name"])
                yield _granted(
                    f"database {name}", f'GRANT CONNECT ON DATABASE "{name}" TO muster', may=row["may_connect"]
                )

    @classmethod
    def base_policy(cls) -> str:
        """See ``LeastPrivilege.base_policy``."""
        return TABLE.policy()

    def policy(self) -> str:
        """See ``LeastPrivilege.policy``."""
        return TABLE.policy()


def _granted(name: str, grant: str, *, may: bool) -> Check:
    return Check(name=name, ok=may, detail="permitted" if may else "not permitted", fix=None if may else grant)


class _PostgresqlReader(SectionReader):
    """Reads sections by their queries in one database."""

    def __init__(self, scope: Scope, meter: Meter, session: DatabaseSession) -> None:
        super().__init__(scope, meter)
        self._session = session

    def listed(self, name: str, shape: type[T], *, part: str = "") -> ReadSection[list[T]]:
        """The rows of a section. ``part``: the database."""
        found: list[T] = []
        with self.section(f"{name}:{part}" if part else name) as section:
            for row in self._session.rows(section, TABLE.sections[name].sql(), shape):
                found.append(row)
                section.found()
        yield self.done(section)
        return found

    def server(self, server: r.PostgresqlServer) -> ReadSection[ServerFacts]:
        """All that is the same in every database."""
        roles = yield from self.listed("roles", r.PostgresqlRole)
        members = yield from self.listed("members", r.PostgresqlMember)
        settings = yield from self.listed("settings", r.Setting)
        owned = yield from self.listed("owned", r.Owned)
        connected: list[r.Connected] = []
        if server.sees_activity:
            connected = yield from self.listed("activity", r.Connected)
        else:
            with self.section("activity") as section:
                section.lost(Denied("connections of other roles are hidden"))
            yield self.done(section)
        hba: list[r.HbaRule] | None = None
        if server.sees_hba:
            hba = yield from self.listed("hba", r.HbaRule)
        else:
            yield self.scope.coverage("hba", "off", detail="the role may not read it")
        principals: list[r.PostgresqlPrincipal] = []
        if service_of(roles)[0] == "azure":
            principals = yield from self.listed("entra", r.PostgresqlPrincipal)
        else:
            yield self.scope.coverage("entra", "not_offered")
        return ServerFacts(
            version=server.version,
            roles=roles,
            members=members,
            settings=settings,
            owned=owned,
            connected=connected,
            hba=hba,
            principals=principals,
            gaps=frozenset(self.gaps),
        )
