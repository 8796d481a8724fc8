"""SQL for least-privilege roles of a store on PostgreSQL: for psql, and for tables that a migration added."""

from __future__ import annotations

from string import Template

from msgspec import Struct
from sqlalchemy import Connection

from scanner.store import schema as tables
from scanner.store.integrity import INTERVALS

_ROLE = Template("SELECT $create WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = $text) \\gexec\n")

# The writer adds scans and closes intervals. Earlier versions granted it every privilege, hence REVOKE. Default
# privileges cover tables of later versions; the columns that the writer may update are granted once the tables exist.
_GRANTS = Template("""\
GRANT CONNECT ON DATABASE :"DBNAME" TO $owner, $writer, $reader, $page;
CREATE SCHEMA IF NOT EXISTS $schema AUTHORIZATION $owner;
GRANT USAGE, CREATE ON SCHEMA $schema TO $owner;
GRANT USAGE ON SCHEMA $schema TO $writer, $reader, $page;
REVOKE UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA $schema FROM $writer;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA $schema TO $writer;
GRANT SELECT ON ALL TABLES IN SCHEMA $schema TO $reader, $page;
ALTER DEFAULT PRIVILEGES FOR ROLE $owner IN SCHEMA $schema REVOKE UPDATE, DELETE ON TABLES FROM $writer;
ALTER DEFAULT PRIVILEGES FOR ROLE $owner IN SCHEMA $schema GRANT SELECT, INSERT ON TABLES TO $writer;
ALTER DEFAULT PRIVILEGES FOR ROLE $owner IN SCHEMA $schema GRANT SELECT ON TABLES TO $reader, $page;
""")


class Roles(Struct, frozen=True, kw_only=True):
    """Names of the roles: the owner of the tables, the writer (scans), the reader (reports) and the served page."""

    owner: str
    writer: str
    reader: str
    page: str


def grants(roles: Roles, schema: str) -> str:
    """SQL to run in psql as a superuser, any number of times. Only the owner may create and change tables."""
    names = {"owner": roles.owner, "writer": roles.writer, "reader": roles.reader, "page": roles.page}
    made = [
        _ROLE.substitute(create=_text(f"CREATE ROLE {_name(name)} LOGIN"), text=_text(name))
        for name in dict.fromkeys(names.values())
    ]
    quoted = {part: _name(name) for part, name in (names | {"schema": schema}).items()}
    changes = _changes(quoted["schema"], quoted["writer"]) + _inserts(quoted["schema"], quoted["page"])
    return "".join(made) + _GRANTS.substitute(quoted) + changes


def grant_changes(connection: Connection) -> None:
    """Grant writers the changes that a scan makes, and pages their inserts, after tables were created or migrated.

    Writers are roles that may insert scans and do not own the tables, pages those that may insert records of the page.
    Runs as the owner.
    """
    (schema,) = connection.exec_driver_sql("SELECT current_schema()").one()
    for table, granted in ((tables.scan, _changes), (tables.page_record, _inserts)):
        for (role,) in connection.exec_driver_sql(_MAY_INSERT.substitute(table=table.name)).all():
            statement = granted(_name(schema), _name(role))
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


_MAY_INSERT = Template("""SELECT DISTINCT rolname FROM pg_class, aclexplode(relacl)
JOIN pg_roles ON pg_roles.oid = grantee
WHERE pg_class.oid = '$table'::regclass AND privilege_type = 'INSERT' AND grantee <> relowner""")

# Only the owner deletes rows, and so prunes. Messages, tickets and staged parts are queues, not history: a scan deletes
# what it delivered or joined.
_MAY_CHANGE = {
    **{
        table.name: "UPDATE (until_scan, hash, checksum)" if "hash" in table.c else "UPDATE (until_scan)"
        for table in INTERVALS
    },
    tables.outbox.name: "UPDATE, DELETE",
    tables.ticket.name: "UPDATE, DELETE",
    tables.blind_spot.name: "DELETE",
    tables.staged_part.name: "DELETE",
    tables.staged_line.name: "DELETE",
}
_MAY_ONLY_READ = (tables.migration.name, tables.identity_since.name)


def _changes(schema: str, writer: str) -> str:
    """The statements for one writer; both names are quoted. They do nothing in a schema without tables."""
    grants = [f"GRANT {what} ON {schema}.{table} TO {writer};" for table, what in _MAY_CHANGE.items()]
    revokes = [f"REVOKE INSERT ON {schema}.{table} FROM {writer};" for table in _MAY_ONLY_READ]
    return _where_tables_are(schema, "\n".join((*grants, *revokes)))


def _inserts(schema: str, page: str) -> str:
    """The served page reads everything, and inserts into its own table and the log of decisions."""
    made = (tables.page_record.name, tables.decision.name)
    grants = "\n".join(f"GRANT INSERT ON {schema}.{table} TO {page};" for table in made)
    return _where_tables_are(schema, grants)


def _where_tables_are(schema: str, statements: str) -> str:
    exists = f"to_regclass({_text(f'{schema}.scan')}) IS NOT NULL"
    return f"DO $muster$ BEGIN IF {exists} THEN\n{statements}\nEND IF; END $muster$;\n"


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
