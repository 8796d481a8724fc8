"""Least-privileged roles for a store on PostgreSQL, as SQL to be piped into psql."""

from __future__ import annotations

from string import Template

from msgspec import Struct

_ROLE = Template("SELECT $create WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = $text) \\gexec\n")

# Deleting is for pruning old scans. Default privileges are for tables that are yet to come.
_GRANTS = Template("""\
GRANT CONNECT ON DATABASE :"DBNAME" TO $owner, $writer, $reader;
CREATE SCHEMA IF NOT EXISTS $schema AUTHORIZATION $owner;
GRANT USAGE, CREATE ON SCHEMA $schema TO $owner;
GRANT USAGE ON SCHEMA $schema TO $writer, $reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA $schema TO $writer;
GRANT SELECT ON ALL TABLES IN SCHEMA $schema TO $reader;
ALTER DEFAULT PRIVILEGES FOR ROLE $owner IN SCHEMA $schema GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO $writer;
ALTER DEFAULT PRIVILEGES FOR ROLE $owner IN SCHEMA $schema GRANT SELECT ON TABLES TO $reader;
""")


class Roles(Struct, frozen=True, kw_only=True):
    """Names of the roles: whose the tables are, who scans, who only reports."""

    owner: str
    writer: str
    reader: str


def grants(roles: Roles, schema: str) -> str:
    """What psql is to run as a superuser, as often as you like. Only the owner may make and change tables."""
    names = {"owner": roles.owner, "writer": roles.writer, "reader": roles.reader}
    made = [
        _ROLE.substitute(create=_text(f"CREATE ROLE {_name(name)} LOGIN"), text=_text(name))
        for name in dict.fromkeys(names.values())
    ]
    quoted = {part: _name(name) for part, name in (names | {"schema": schema}).items()}
    return "".join(made) + _GRANTS.substitute(quoted)


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
