"""The steps that lead from an empty database to the tables of schema.py. Never change a released step; append.

A step is SQL that both SQLite and PostgreSQL accept (TEXT is made to sort as on SQLite). All missing steps run in one
transaction, so a store is always at exactly one version: the number of its last step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct
from sqlalchemy import Connection, Engine, func, insert, inspect, select

from scanner.errors import StoreError
from scanner.store import schema
from scanner.store.decisions import import_decisions
from scanner.store.engine import database_of, reading, where, writing


class Migration(Struct, frozen=True, kw_only=True):
    """One step. Its number is its position in the list, counted from 1."""

    name: str
    statements: tuple[str, ...]
    append_only: tuple[str, ...] = ()
    """Tables of which the database then refuses to change or delete rows."""
    fill: Callable[[Connection], None] | None = None
    """Fills tables in the same transaction."""


_SCAN = """
CREATE TABLE scan (
    seq INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    started_at TEXT NOT NULL,
    finished_at TEXT NOT NULL,
    version TEXT NOT NULL,
    summary TEXT NOT NULL,
    policy TEXT NOT NULL,
    notices TEXT NOT NULL,
    inputs TEXT NOT NULL,
    records INTEGER NOT NULL,
    forgot TEXT,
    pruned_at TEXT,
    removed INTEGER NOT NULL DEFAULT 0,
    checksum TEXT NOT NULL
)"""

_COVERAGE = """
CREATE TABLE coverage (
    scan INTEGER NOT NULL REFERENCES scan (seq),
    position INTEGER NOT NULL,
    source TEXT NOT NULL,
    scope TEXT NOT NULL,
    section TEXT NOT NULL,
    status TEXT NOT NULL,
    body TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (scan, position)
)"""

_INTERVAL = """
CREATE TABLE {name} (
    key TEXT NOT NULL,
    first_scan INTEGER NOT NULL,
    until_scan INTEGER,
    {content}body TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (key, first_scan)
){by_key}"""

_FACTS = {
    "identity": "provider source scope kind registry_state ownership_state usage_state privilege_level"
    " unique_id created_by",
    "secret": "provider source scope",
    "workload": "provider source scope kind",
    "assignment": "provider source scope",
    "exposure": "provider source scope",
    "entry": "state",
    "finding": "rule severity identity entry wording held_back first_seen",
}
"""The columns of each kind of record between its hash and its body."""

_BY_KEY = ("finding", *(f"{name}_sighting" for name in _FACTS))
"""Tables that SQLite keeps in the order of their keys."""


def _interval(name: str, facts: str | None = None) -> tuple[str, ...]:
    """A table of versions, or of sightings if ``facts`` is None, with its indexes of open and of ended rows."""
    by_key = " WITHOUT ROWID" if name in _BY_KEY else ""
    content, opened = "", "key"
    if facts is not None:
        content = "hash TEXT NOT NULL, " + "".join(f"{fact} TEXT, " for fact in facts.split())
        opened = "key, hash, until_scan"
    statements = (
        _INTERVAL.format(name=name, content=content, by_key=by_key),
        f"CREATE INDEX {name}_ended ON {name} (until_scan) WHERE until_scan IS NOT NULL",
        f"CREATE INDEX {name}_open ON {name} ({opened}) WHERE until_scan IS NULL",
    )
    return statements if name != "finding" else statements[:-1]


_INDEXES = (
    *(
        f"CREATE INDEX {name}_begun ON {name} (first_scan) WHERE first_scan > 1"
        for name in ("identity", "entry", "finding")
    ),
    """CREATE INDEX identity_created_by ON identity (key, unique_id, created_by)
    WHERE until_scan IS NULL AND created_by IS NOT NULL""",
    "CREATE INDEX finding_on_entry ON finding (entry) WHERE until_scan IS NULL AND entry IS NOT NULL",
    "CREATE INDEX finding_recreated ON finding (key) WHERE until_scan IS NULL AND rule = 'recreated'",
    """CREATE INDEX finding_on_trust ON finding (key)
    WHERE until_scan IS NULL AND rule IN ('trust_unused', 'trust_never_matches')""",
)

_OTHERS = (
    "CREATE TABLE wording (hash TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL)",
    "CREATE TABLE announced (fingerprint TEXT NOT NULL PRIMARY KEY, at TEXT NOT NULL)",
    """CREATE TABLE identity_since (
    key TEXT NOT NULL PRIMARY KEY,
    first_scan INTEGER NOT NULL REFERENCES scan (seq)
)""",
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

_ACTIVITY = (
    """CREATE TABLE audit_log (
    number INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    at TEXT NOT NULL,
    body TEXT NOT NULL,
    checksum TEXT NOT NULL
)""",
    """CREATE TABLE log_unit (
    number INTEGER NOT NULL PRIMARY KEY,
    log TEXT NOT NULL,
    sort TEXT NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    read_at TEXT NOT NULL,
    events INTEGER NOT NULL,
    days INTEGER NOT NULL,
    changes INTEGER NOT NULL,
    coverage TEXT NOT NULL,
    checksum TEXT NOT NULL
)""",
    """CREATE TABLE log_caller (
    number INTEGER NOT NULL PRIMARY KEY,
    log TEXT NOT NULL,
    scope TEXT NOT NULL,
    caller TEXT NOT NULL,
    unique_id TEXT NOT NULL,
    hash TEXT NOT NULL,
    checksum TEXT NOT NULL
)""",
    "CREATE INDEX log_caller_hash ON log_caller (hash)",
    """CREATE TABLE log_feature (
    caller INTEGER NOT NULL,
    number INTEGER NOT NULL,
    feature TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (caller, number)
)""",
    """CREATE TABLE log_day (
    caller INTEGER NOT NULL,
    day INTEGER NOT NULL,
    unit INTEGER NOT NULL,
    body TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (caller, day, unit)
)""",
    "CREATE INDEX log_day_unit ON log_day (unit)",
    """CREATE TABLE log_change (
    unit INTEGER NOT NULL,
    position INTEGER NOT NULL,
    body TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (unit, position)
)""",
)

_TICKET = """CREATE TABLE ticket (
    marker TEXT NOT NULL PRIMARY KEY,
    target TEXT NOT NULL,
    wanted TEXT NOT NULL,
    wanted_at TEXT NOT NULL,
    written TEXT,
    reference TEXT,
    shown TEXT,
    closed_at TEXT,
    reopened INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    claimed_until TEXT,
    fault TEXT
)"""

_OF_REVIEW = """CREATE TABLE {name} (
    review INTEGER NOT NULL REFERENCES review (number),
    position INTEGER NOT NULL,
    body TEXT NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (review, position)
)"""

_REVIEWS = (
    """CREATE TABLE review (
    number INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL,
    checksum TEXT NOT NULL
)""",
    _OF_REVIEW.format(name="review_item"),
    _OF_REVIEW.format(name="review_record"),
)

_PAGE_RECORDS = (
    """CREATE TABLE page_record (
    id TEXT NOT NULL PRIMARY KEY,
    sort TEXT NOT NULL,
    at TEXT NOT NULL,
    person TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    checksum TEXT NOT NULL
)""",
    "CREATE INDEX page_record_sort ON page_record (sort, subject)",
)

BASELINE = "0.1.0"
"""The name of the first step. Stores of development versions before it began with another."""

MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        name=BASELINE,
        statements=(
            _SCAN,
            _COVERAGE,
            *(sql for name, facts in _FACTS.items() for sql in _interval(name, facts)),
            *(sql for name in _FACTS for sql in _interval(f"{name}_sighting")),
            *_interval("ordering"),
            *_INDEXES,
            *_OTHERS,
            *_ACTIVITY,
            _TICKET,
            *_REVIEWS,
            *_PAGE_RECORDS,
        ),
    ),
    Migration(
        name="scans whose events are to open reviews",
        statements=("CREATE TABLE scan_to_review (scan TEXT NOT NULL PRIMARY KEY)",),
    ),
    Migration(
        name="runs that ended without a result",
        statements=(
            """CREATE TABLE run (
    id TEXT NOT NULL,
    sort TEXT NOT NULL,
    at TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (id, sort)
)""",
        ),
    ),
    Migration(
        name="files that units of audit logs were read from",
        statements=(
            """CREATE TABLE log_note (
    unit INTEGER NOT NULL PRIMARY KEY,
    body TEXT NOT NULL,
    checksum TEXT NOT NULL
)""",
        ),
    ),
    Migration(
        name="the log of decisions",
        statements=(
            """CREATE TABLE decision (
    number INTEGER NOT NULL PRIMARY KEY,
    body TEXT NOT NULL,
    hash TEXT NOT NULL
)""",
        ),
        append_only=("decision",),
        fill=import_decisions,
    ),
    Migration(
        name="what policies allow, once for all identities",
        statements=("CREATE TABLE policy (hash TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL)",),
    ),
    Migration(
        name="retirements",
        statements=(
            """CREATE TABLE retirement_record (
    number INTEGER NOT NULL PRIMARY KEY,
    identity TEXT NOT NULL,
    at TEXT NOT NULL,
    body TEXT NOT NULL,
    checksum TEXT NOT NULL
)""",
        ),
    ),
)


def migrate(engine: Engine, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Bring the store to the last of ``migrations``, or leave it unchanged.

    Raises StoreError for a store that a newer Muster wrote, and for a database with tables of another program.
    """
    if version(engine, migrations) == len(migrations):
        return
    with writing(engine) as connection:
        current = _version(connection)  # another process may have migrated it meanwhile
        schema.migration.create(connection, checkfirst=True)
        for number in range(current + 1, len(migrations) + 1):
            _apply(connection, number, migrations[number - 1])
        database_of(connection).made_tables(connection)


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
    database = database_of(connection)
    append_only = (statement for table in step.append_only for statement in database.append_only(table))
    for statement in (*map(database.dialect, step.statements), *append_only):
        # No % in it is a parameter.
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
    if step.fill is not None:
        step.fill(connection)
    connection.execute(insert(schema.migration).values(number=number, name=step.name))


def _version(connection: Connection) -> int:
    tables = inspect(connection).get_table_names()
    if schema.migration.name in tables:
        steps = schema.migration.c
        first = connection.execute(select(steps.name).where(steps.number == 1)).scalar()
        if first not in (None, BASELINE):
            raise StoreError(
                f"the store {where(connection.engine)} was made by a version before 0.1, which this one cannot read",
                hint="move it away, or name another with --store: the next scan makes a new one",
            )
        return connection.execute(select(func.max(steps.number))).scalar() or 0
    if tables:
        raise StoreError(
            f"the store {where(connection.engine)} is not a Muster store: it holds another program's tables",
            hint="name another with --store, or on PostgreSQL a schema of its own: ?schema=muster",
        )
    return 0
