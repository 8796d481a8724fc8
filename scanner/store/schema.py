"""The store's tables in this version; migrations.py has the steps that lead here.

Columns are integers and text, so that SQL means the same on SQLite and PostgreSQL: times are ISO 8601 in UTC, bodies
are JSON without default values. ``first_scan`` and ``until_scan`` bound an interval of scan numbers: a row is valid
from the first, included, to the second, excluded; an open row (``until_scan`` null) is still valid. Each kind of record
has two tables: *versions*, a row for each content it ever had, with some facts beside the body for queries that need
not decode it; and *sightings*, the part that changes without the content changing (see kinds.py). ``checksum``, always
the last column, covers the columns of a row that never change: see integrity.py.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, Table, Text, text

metadata = MetaData()

migration = Table(
    "muster_migration",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
)

# ``seq`` numbers the scans in the order they were stored, because a clock may go backwards. The row of a pruned scan
# stays, emptied: open versions may have begun with it. ``forgot`` is the place that ``history forget`` removed, null
# for a real scan. ``records`` is the number of records saved, ``removed`` how many damaged ones a repair removed.
scan = Table(
    "scan",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("started_at", Text, nullable=False),
    Column("finished_at", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("notices", Text, nullable=False),
    Column("inputs", Text, nullable=False),
    Column("records", Integer, nullable=False),
    Column("forgot", Text),
    Column("pruned_at", Text),
    Column("removed", Integer, nullable=False, server_default="0"),
    Column("checksum", Text, nullable=False),
)

# Calls and counts differ in every scan, so these are plain rows.
coverage = Table(
    "coverage",
    metadata,
    Column("scan", Integer, ForeignKey("scan.seq"), primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("source", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("section", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("checksum", Text, nullable=False),
)


def _interval_table(name: str, *content: Column[str], few: tuple[Index, ...], by_key: bool = False) -> Table:
    """A table of intervals. ``few``: its indexes, of a part of the rows each.

    Scans are no foreign keys: PostgreSQL would look one up for each row, which was half of its time for a first scan.
    `muster store check` finds lost ones.

    ``by_key``: SQLite keeps the rows in their primary key, and so each key once. That is for short rows: one above a
    quarter of a page would take pages of its own.
    """
    return Table(
        name,
        metadata,
        Column("key", Text, primary_key=True),
        Column("first_scan", Integer, primary_key=True, autoincrement=False),
        Column("until_scan", Integer),
        *content,
        Column("body", Text, nullable=False),
        Column("checksum", Text, nullable=False),
        *few,
        _few_rows(f"{name}_ended", "until_scan", that="until_scan IS NOT NULL"),
        sqlite_with_rowid=not by_key,
    )


def _open_rows(name: str, *columns: str, that: str = "") -> Index:
    """An index of the open rows that also meet a condition."""
    return _few_rows(name, *columns, that=f"until_scan IS NULL{that}")


def _few_rows(name: str, *columns: str, that: str) -> Index:
    # As in migrations.py, which creates it on both databases. Declaring it for PostgreSQL would load that dialect
    # and all of its drivers at every start.
    return Index(name, *columns, sqlite_where=text(that))


def _begun(name: str) -> Index:
    """An index of rows that began after the store's first scan, for comparisons. The first scan writes none of it."""
    return _few_rows(f"{name}_begun", "first_scan", that="first_scan > 1")


def _versions(name: str, *facts: str, few: tuple[Index, ...] = ()) -> Table:
    """A table of versions. A scan compares hashes in an index; SQLite uses it only if it includes ``until_scan``."""
    index = _open_rows(f"{name}_open", "key", "hash", "until_scan")
    return _interval_table(name, *_content(facts), few=(index, *few))


def _content(facts: tuple[str, ...]) -> tuple[Column[str], ...]:
    return Column("hash", Text, nullable=False), *(Column(fact, Text) for fact in facts)


def _sightings(name: str) -> Table:
    return _interval_table(name, few=(_open_rows(f"{name}_open", "key"),), by_key=True)


identity = _versions(
    "identity",
    "provider",
    "source",
    "scope",
    "kind",
    "registry_state",
    "ownership_state",
    "usage_state",
    "privilege_level",
    "unique_id",
    "created_by",
    few=(
        _open_rows("identity_created_by", "key", "unique_id", "created_by", that=" AND created_by IS NOT NULL"),
        _begun("identity"),
    ),
)
secret = _versions("secret", "provider", "source", "scope")
workload = _versions("workload", "provider", "source", "scope", "kind")
assignment = _versions("assignment", "provider", "source", "scope")
exposure = _versions("exposure", "provider", "source", "scope")
entry = _versions("entry", "state", few=(_begun("entry"),))
# ``held_back`` is the reason for which a finding was not announced ("yes": a gap; or "acknowledged"), else null.
# ``wording`` is a hash in the table of that name.
# Rows are short and few of them have ended, so a scan reads the rows, not an index of hashes.
finding = _interval_table(
    "finding",
    *_content(("rule", "severity", "identity", "entry", "wording", "held_back", "first_seen")),
    few=(
        _open_rows("finding_on_entry", "entry", that=" AND entry IS NOT NULL"),
        _open_rows("finding_recreated", "key", that=" AND rule = 'recreated'"),
        _open_rows("finding_on_trust", "key", that=" AND rule IN ('trust_unused', 'trust_never_matches')"),
        _begun("finding"),
    ),
    by_key=True,
)

# The first scan that had an identity, if the versions from then on were pruned and later ones remain.
identity_since = Table(
    "identity_since",
    metadata,
    Column("key", Text, primary_key=True),
    Column("first_scan", Integer, ForeignKey("scan.seq"), nullable=False),
)

# Texts that many findings share: title, remediation and controls.
wording = Table(
    "wording",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("body", Text, nullable=False),
)

# What a policy allows, as patterns of actions: once, however many identities have the policy.
policy = Table(
    "policy",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("body", Text, nullable=False),
)

identity_sighting = _sightings("identity_sighting")
secret_sighting = _sightings("secret_sighting")
workload_sighting = _sightings("workload_sighting")
assignment_sighting = _sightings("assignment_sighting")
exposure_sighting = _sightings("exposure_sighting")
entry_sighting = _sightings("entry_sighting")
finding_sighting = _sightings("finding_sighting")

# The order of a scan's records of one kind if it was not by key. ``key`` is the name of the kind.
ordering = _interval_table("ordering", few=(_open_rows("ordering_open", "key"),))

# Undelivered messages. ``position``: the order among messages of the same time. ``claimed_until``: a process is sending
# it.
outbox = Table(
    "outbox",
    metadata,
    Column("id", Text, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("claimed_until", Text),
    Column("fault", Text),
)

# Places that could not be read in full at the last attempt.
blind_spot = Table(
    "blind_spot",
    metadata,
    Column("source", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("section", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("since", Text, nullable=False),
)

# Findings that were announced between two scans: the next scan has them, and does not announce them again. Rows are
# never changed; pruning removes old ones.
announced = Table(
    "announced",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    Column("at", Text, nullable=False),
)

# Tickets. ``marker``: by which a ticket is found. ``wanted``: its content since the scan that started at
# ``wanted_at``; ``written``: what Muster wrote last. ``reference`` and ``shown``: its id in the ticket
# system, null until it is known. ``closed_at``: when people closed it; ``reopened``: 1 once Muster opened it again.
# ``claimed_until``: a process is at it.
ticket = Table(
    "ticket",
    metadata,
    Column("marker", Text, primary_key=True),
    Column("target", Text, nullable=False),
    Column("wanted", Text, nullable=False),
    Column("wanted_at", Text, nullable=False),
    Column("written", Text),
    Column("reference", Text),
    Column("shown", Text),
    Column("closed_at", Text),
    Column("reopened", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("claimed_until", Text),
    Column("fault", Text),
)

# What other machines read, until the scan is complete; see staging.py.
staged_part = Table(
    "staged_part",
    metadata,
    Column("scan", Text, primary_key=True),
    Column("part", Text, primary_key=True),
    Column("head", Text, nullable=False),
    Column("received_at", Text, nullable=False),
)
staged_line = Table(
    "staged_line",
    metadata,
    Column("scan", Text, primary_key=True),
    Column("part", Text, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
)

# Audit logs. ``name``: the log's; the newest row of a name holds. Adding rows changes no row; numbers
# grow. See activity/.
audit_log = Table(
    "audit_log",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("checksum", Text, nullable=False),
)

# ``sort``: ``unit``, ``gap``, ``week`` or ``plan``. Of each log, sort and name the row with the highest number is
# current.
# ``days`` and ``changes`` count the rows of log_day and log_change that belong to it; ``coverage``: days of scopes.
log_unit = Table(
    "log_unit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("log", Text, nullable=False),
    Column("sort", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("read_at", Text, nullable=False),
    Column("events", Integer, nullable=False),
    Column("days", Integer, nullable=False),
    Column("changes", Integer, nullable=False),
    Column("coverage", Text, nullable=False),
    Column("checksum", Text, nullable=False),
)

# ``hash``: of log, scope, caller and unique id, which may be longer than an index takes.
log_caller = Table(
    "log_caller",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("log", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("caller", Text, nullable=False),
    Column("unique_id", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("checksum", Text, nullable=False),
    Index("log_caller_hash", "hash"),
)

# Features of a caller, numbered from 0 without gaps.
log_feature = Table(
    "log_feature",
    metadata,
    Column("caller", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("feature", Text, nullable=False),
    Column("checksum", Text, nullable=False),
)

# ``day``: its ordinal; of a week, its Monday's.
log_day = Table(
    "log_day",
    metadata,
    Column("caller", Integer, primary_key=True, autoincrement=False),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("unit", Integer, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
    Column("checksum", Text, nullable=False),
    Index("log_day_unit", "unit"),
)

log_change = Table(
    "log_change",
    metadata,
    Column("unit", Integer, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
    Column("checksum", Text, nullable=False),
)

# Of a unit, by what its files are known again, and how many records are in no profile.
log_note = Table(
    "log_note",
    metadata,
    Column("unit", Integer, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
    Column("checksum", Text, nullable=False),
)

# Campaigns of access reviews. Rows are only ever added: `history prune` leaves them, because they are evidence.
review = Table(
    "review",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
    Column("body", Text, nullable=False),
    Column("checksum", Text, nullable=False),
)


def _of_review(name: str) -> Table:
    return Table(
        name,
        metadata,
        Column("review", Integer, ForeignKey("review.number"), primary_key=True, autoincrement=False),
        Column("position", Integer, primary_key=True, autoincrement=False),
        Column("body", Text, nullable=False),
        Column("checksum", Text, nullable=False),
    )


review_item = _of_review("review_item")
review_record = _of_review("review_record")

# Retirements: that one was started, with its plan, or stopped. Rows are only added.
retirement_record = Table(
    "retirement_record",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("identity", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("checksum", Text, nullable=False),
)

# Scans whose events have not opened their reviews yet: a scan may be ended after it was stored.
scan_to_review = Table("scan_to_review", metadata, Column("scan", Text, primary_key=True))

# Runs of scans: that one started (``detail``: its process), or failed (``detail``: why). One that was stored has a scan
# of that id. Rows are only added.
run = Table(
    "run",
    metadata,
    Column("id", Text, primary_key=True),
    Column("sort", Text, primary_key=True),
    Column("at", Text, nullable=False),
    Column("detail", Text, nullable=False),
)

# Records of the served page; see scanner/model/served.py. Rows are only added, by a role without other rights.
# ``id``: random, so that no two writers wait for each other. ``subject``: the finding, identity, review, query or
# scan that it is about.
page_record = Table(
    "page_record",
    metadata,
    Column("id", Text, primary_key=True),
    Column("sort", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("checksum", Text, nullable=False),
    Index("page_record_sort", "sort", "subject"),
)

# The log of decisions: what people decided, chained by hashes. Triggers refuse all but the next number. ``body``: the
# record in its canonical form, ``hash``: its SHA-256. See chain.py.
decision = Table(
    "decision",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
