"""The steps that lead from an empty database to the tables of schema.py. Append only: what was released never changes.

A step is SQL that SQLite and PostgreSQL both understand (there TEXT is sorted as on SQLite). All that a store lacks are
applied in one transaction, so it is always at exactly one version, the number of its last step, and never halfway.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import Connection, Engine, func, insert, inspect, select

from scanner.errors import StoreError
from scanner.history import schema
from scanner.history.engine import database_of, reading, where, writing


class Migration(Struct, frozen=True, kw_only=True):
    """One step. Its number is its place in the list, counted from 1."""

    name: str
    statements: tuple[str, ...]


_INTERVALS_SCAN = """
CREATE TABLE scan (
    seq INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    started_at TEXT NOT NULL,
    finished_at TEXT NOT NULL,
    version TEXT NOT NULL,
    summary TEXT NOT NULL,
    policy TEXT NOT NULL,
    notices TEXT NOT NULL
)"""

_INTERVALS_COVERAGE = """
CREATE TABLE coverage (
    scan INTEGER NOT NULL REFERENCES scan (seq),
    position INTEGER NOT NULL,
    source TEXT NOT NULL,
    scope TEXT NOT NULL,
    section TEXT NOT NULL,
    status TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (scan, position)
)"""

_INTERVALS_TABLE = """
CREATE TABLE {name} (
    key TEXT NOT NULL,
    first_scan INTEGER NOT NULL REFERENCES scan (seq),
    until_scan INTEGER REFERENCES scan (seq),
    {content}body TEXT NOT NULL,
    PRIMARY KEY (key, first_scan)
)"""

_INTERVALS_CONTENT = {
    "identity": "provider source scope kind registry_state ownership_state usage_state privilege_level",
    "secret": "provider source scope",
    "entry": "state",
    "finding": "rule severity identity entry",
}


def _intervals_versions(name: str, facts: str) -> tuple[str, str]:
    content = "hash TEXT NOT NULL, " + "".join(f"{fact} TEXT, " for fact in facts.split())
    return (
        _INTERVALS_TABLE.format(name=name, content=content),
        f"CREATE INDEX {name}_open ON {name} (key, hash, until_scan) WHERE until_scan IS NULL",
    )


def _intervals_narrow(name: str) -> tuple[str, str]:
    return (
        _INTERVALS_TABLE.format(name=name, content=""),
        f"CREATE INDEX {name}_open ON {name} (key) WHERE until_scan IS NULL",
    )


_WORDINGS = (
    "CREATE TABLE wording (hash TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL)",
    "ALTER TABLE finding ADD COLUMN wording TEXT",
    "ALTER TABLE finding ADD COLUMN held_back TEXT",
    # Quotes inside JSON strings are escaped, so no name or text can look like this member.
    """UPDATE finding SET held_back = 'yes' WHERE body LIKE '%"held_back":true%'""",
    "DROP INDEX finding_open",
    "CREATE INDEX finding_open ON finding (key, hash, until_scan, held_back) WHERE until_scan IS NULL",
    "CREATE INDEX finding_on_entry ON finding (entry) WHERE until_scan IS NULL AND entry IS NOT NULL",
)

_CREATORS = (
    "ALTER TABLE identity ADD COLUMN unique_id TEXT",
    "ALTER TABLE identity ADD COLUMN created_by TEXT",
    """CREATE INDEX identity_created_by ON identity (key, unique_id, created_by)
    WHERE until_scan IS NULL AND created_by IS NOT NULL""",
)

_WORKLOADS = (
    *_intervals_versions("workload", "provider source scope kind"),
    *_intervals_narrow("workload_sighting"),
)

_ALARMS = (
    """CREATE TABLE outbox (
    id TEXT NOT NULL PRIMARY KEY,
    channel TEXT NOT NULL,
    created_at TEXT NOT NULL,
    position INTEGER NOT NULL,
    body TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    claimed_until TEXT,
    fault TEXT
)""",
    """CREATE TABLE blind_spot (
    source TEXT NOT NULL,
    scope TEXT NOT NULL,
    section TEXT NOT NULL,
    status TEXT NOT NULL,
    since TEXT NOT NULL,
    PRIMARY KEY (source, scope, section)
)""",
)

_FIRST_SEEN = (
    "ALTER TABLE finding ADD COLUMN first_seen TEXT",
    """UPDATE finding SET first_seen = (SELECT started_at FROM scan WHERE seq = (
        SELECT min(first_scan) FROM finding AS earlier WHERE earlier.key = finding.key))""",
    "DROP INDEX finding_open",
    """CREATE INDEX finding_open ON finding (key, hash, until_scan, held_back, first_seen)
    WHERE until_scan IS NULL""",
)

_ENDED = "CREATE INDEX {name}_ended ON {name} (until_scan) WHERE until_scan IS NOT NULL"
_INTERVALS = ("identity", "secret", "workload", "entry", "finding")

_CHANGES = (
    "ALTER TABLE scan ADD COLUMN pruned_at TEXT",
    *(
        _ENDED.format(name=name)
        for kind in (*_INTERVALS, "ordering")
        for name in ((kind,) if kind == "ordering" else (kind, f"{kind}_sighting"))
    ),
    *(
        f"CREATE INDEX {name}_begun ON {name} (first_scan) WHERE first_scan > 1"
        for name in ("identity", "entry", "finding")
    ),
)

_STAGING = (
    """CREATE TABLE staged_part (
    scan TEXT NOT NULL,
    part TEXT NOT NULL,
    head TEXT NOT NULL,
    received_at TEXT NOT NULL,
    PRIMARY KEY (scan, part)
)""",
    """CREATE TABLE staged_line (
    scan TEXT NOT NULL,
    part TEXT NOT NULL,
    position INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (scan, part, position)
)""",
)

_ASSIGNMENTS = (
    *_intervals_versions("assignment", "provider source scope"),
    *_intervals_narrow("assignment_sighting"),
    *(_ENDED.format(name=name) for name in ("assignment", "assignment_sighting")),
)

_RECREATED = "CREATE INDEX finding_recreated ON finding (key) WHERE until_scan IS NULL AND rule = 'recreated'"

_IDENTITY_SINCE = """CREATE TABLE identity_since (
    key TEXT NOT NULL PRIMARY KEY,
    first_scan INTEGER NOT NULL REFERENCES scan (seq)
)"""

MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        name="intervals",
        statements=(
            _INTERVALS_SCAN,
            _INTERVALS_COVERAGE,
            *(sql for name, facts in _INTERVALS_CONTENT.items() for sql in _intervals_versions(name, facts)),
            *(sql for name in _INTERVALS_CONTENT for sql in _intervals_narrow(f"{name}_sighting")),
            *_intervals_narrow("ordering"),
        ),
    ),
    Migration(name="wordings", statements=_WORDINGS),
    Migration(name="creators", statements=_CREATORS),
    Migration(name="workloads", statements=_WORKLOADS),
    Migration(name="inputs", statements=("ALTER TABLE scan ADD COLUMN inputs TEXT NOT NULL DEFAULT '[]'",)),
    Migration(name="alarms", statements=_ALARMS),
    Migration(name="first seen", statements=_FIRST_SEEN),
    Migration(name="changes and pruning", statements=_CHANGES),
    Migration(name="staging", statements=_STAGING),
    Migration(name="recreated", statements=(_RECREATED,)),
    Migration(name="assignments", statements=_ASSIGNMENTS),
    Migration(name="forgetting", statements=("ALTER TABLE scan ADD COLUMN forgot TEXT",)),
    Migration(name="identities since", statements=(_IDENTITY_SINCE,)),
)


def migrate(engine: Engine, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Bring the store forward to the last of ``migrations``, or leave it as it is.

    Raises StoreError for a store that a newer Muster wrote, and for a database that holds something else.
    """
    if version(engine, migrations) == len(migrations):
        return
    with writing(engine) as connection:
        current = _version(connection)  # another process may have been faster
        schema.migration.create(connection, checkfirst=True)
        for number in range(current + 1, len(migrations) + 1):
            _apply(connection, number, migrations[number - 1])


def version(engine: Engine, migrations: Sequence[Migration] = MIGRATIONS) -> int:
    """The number of the store's last step; 0 for an empty database. Raises StoreError as :func:`migrate` does."""
    with reading(engine) as connection:
        current = _version(connection)
    if current > len(migrations):
        raise StoreError(
            f"the store {where(engine)} was written by a newer Muster"
            f" (store version {current}, this one knows {len(migrations)})",
            hint="upgrade Muster, or name another store with --store",
        )
    return current


def _apply(connection: Connection, number: int, step: Migration) -> None:
    for statement in map(database_of(connection).dialect, step.statements):
        # No % in it stands for a parameter.
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
    connection.execute(insert(schema.migration).values(number=number, name=step.name))


def _version(connection: Connection) -> int:
    tables = inspect(connection).get_table_names()
    if schema.migration.name in tables:
        return connection.execute(select(func.max(schema.migration.c.number))).scalar() or 0
    if tables:
        raise StoreError(
            f"the store {where(connection.engine)} is not a Muster store: it holds another program's tables",
            hint="name another with --store, or on PostgreSQL a schema of its own: ?schema=muster",
        )
    return 0
