"""PostgreSQL's server log as an activity log: who signed in, who was refused, and what pgaudit says that they did."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from connectors.core.contract import Connector
from connectors.core.offline import Unreadable
from connectors.logs import LogSettings, LogSpec
from connectors.logs.content import Records
from connectors.logs.events import Event, EventCounting, LogAct
from connectors.logs.files import FileLog
from connectors.logs.folders import Layout, file_endings
from connectors.logs.names import Networks, plain
from connectors.logs.tally import DENIED, DONE, FAILED, valid_time
from connectors.postgresql.connector import PostgresqlConnector
from connectors.postgresql.logs.lines import PostgresqlLine, PostgresqlRecords
from scanner.model.activity import FeatureSort

SPEC = LogSpec(
    name="postgresql_log",
    title="PostgreSQL server log",
    provider="postgresql",
    blind_spots=(
        "Sign-ins while `log_connections` is off; a superuser can switch it off for a session.",
        "What a session does, unless pgaudit writes it; that of roles that it became is under the one that signed in.",
        "Sessions that go on from before the first line.",
        "Messages in another language than English.",
    ),
    sees_all_use_of=("login_role",),
)
_AUTHORIZED = ("connection authorized:", "replication connection authorized:")
_AUDIT = "AUDIT: "
_ENDS = frozenset({"FATAL", "PANIC"})
_REFUSED = re.compile(r"28...|42501|53300")
"""Of a sign-in: no proof, no rule or no such role; no right to the database; too many connections (a limit of 0)."""
_BEGINS = frozenset({"startup", "authentication"})
"""Commands that a session is at before it is one."""
_NO_RIGHT = "42501"
_LOCAL = "[local]"
_SIGNS_IN = "connect"
_MOST_BEGUN = 100_000
_WORD = re.compile(r"[A-Z][A-Z ]{0,60}")
_SORTS: Mapping[str, FeatureSort] = {"READ": "read"}
"""Of pgaudit's classes; of all others `write`."""
_TIME = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d{1,6})?) (?:UTC|GMT|Z|([+-]\d\d)(?::?(\d\d))?)", re.ASCII)


class _PostgresqlRaw(NamedTuple):
    role: str
    action: str
    sort: FeatureSort
    address: str
    program: str
    outcome: int


class PostgresqlCounting(EventCounting[PostgresqlLine]):
    """Counts the lines of one unit. ``place``: the server, None if it is unknown; ``log``: the log's name."""

    def __init__(self, networks: Networks, place: str | None, log: str) -> None:
        super().__init__(networks)
        self._place = place
        self._scope = plain(place or log, 128)
        self._days_with_sign_ins: set[str] = set()
        self._began: dict[str, Event] = {}

    def event(self, record: PostgresqlLine) -> Event | str | None:
        """See ``EventCounting``. Raises Unreadable for a time without a known zone."""
        when = valid_time(time_of(record.timestamp))
        if not record.user:
            return "of the server itself"
        said = _said(record)
        if said is None:
            return "neither sign-in, refusal nor audit"
        action, sort, outcome = said
        if action == _SIGNS_IN and outcome == DONE:
            self._days_with_sign_ins.add(when[:10])
        raw = _PostgresqlRaw(
            record.user,
            f"{record.dbname}:{action}",
            sort,
            "" if record.remote_host == _LOCAL else record.remote_host[:200],
            record.application_name[:100],
            outcome,
        )
        session = record.session_id
        event = Event(when, f"{session}:{record.line_num}" if session else "", raw)
        if action == _SIGNS_IN and session:
            # The server logs that a role may come in before it finds its limit of connections, or that of a database.
            self.raw.rows_of(when)  # the file has this day, though the event is added later
            before = self._began.pop(session, None)
            if outcome == DONE:
                if len(self._began) >= _MOST_BEGUN:
                    self.add([self._began.pop(next(iter(self._began)))])
                self._began[session] = event
                return before if before is not None and before.event_id != event.event_id else None
        return event

    def finish(self) -> None:
        """See ``Counting``: sign-ins that no refusal followed."""
        self.add(self._began.values())
        self._began = {}
        super().finish()

    def act(self, raw: Any) -> LogAct:
        """See ``EventCounting``. The caller is the key of the role, if the server is known."""
        what: _PostgresqlRaw = raw
        features = self.features(what.sort, what.action, address=what.address)
        if what.program:
            features = (*features, f"client={plain(what.program, 60)}")
        if what.outcome != DONE and what.address:
            features = (*features, f"host={self.networks.host(what.address)}")
        caller = what.role if self._place is None else f"postgresql:{self._place}/roles/{what.role}"
        return LogAct(self._scope, plain(caller), features, outcome=what.outcome)

    def left_out_besides(self, scope: str, day: str) -> str:
        """See ``Counting``. Of a day without any sign-in it is not known whether the server logs them."""
        del scope
        return (
            "" if day in self._days_with_sign_ins else "sign-ins, if the server does not log any: see log_connections"
        )


def time_of(text: str) -> str:
    """A time of the log. Raises Unreadable for one of a zone that has no number, but for UTC."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise Unreadable("its times have no known zone: set log_timezone = 'UTC'")
    day, time, hours, minutes = found.groups()
    return f"{day}T{time}" + ("Z" if hours is None else f"{hours}:{minutes or '00'}")


def _said(line: PostgresqlLine) -> tuple[str, FeatureSort, int] | None:
    """Action, sort and outcome of a line; None for one that says nothing of the kind."""
    if line.error_severity in _ENDS:
        refused = DENIED if _REFUSED.fullmatch(line.state_code) else FAILED
        return (_SIGNS_IN, "read", refused) if line.ps in _BEGINS else None
    if line.state_code == _NO_RIGHT:
        return "statement", "read", DENIED
    if line.error_severity == "LOG" and line.message.startswith(_AUTHORIZED):
        return _SIGNS_IN, "read", DONE
    if line.error_severity == "LOG" and line.message.startswith(_AUDIT):
        kind, command = ([*line.message.split(",", 5), "", "", "", ""])[3:5]
        word = command.lower().replace(" ", "-") if _WORD.fullmatch(command) else "statement"
        return word, _SORTS.get(kind, "write"), DONE
    return None


class PostgresqlLog(FileLog):
    """Reads files of ``jsonlog`` and ``csvlog``. ``source``: the server's source, from which keys are taken."""

    spec: ClassVar[LogSpec] = SPEC
    records: ClassVar[Records[PostgresqlLine]] = PostgresqlRecords()
    layout: ClassVar[Layout] = Layout(appended=True, endings=file_endings("json", "ndjson", "jsonl", "csv"))

    def __init__(self, settings: LogSettings, source: Connector | None) -> None:
        super().__init__(settings, source)
        self._place = source.place if isinstance(source, PostgresqlConnector) else None

    def counting(self, networks: Networks) -> PostgresqlCounting:
        """See ``FileLog``."""
        return PostgresqlCounting(networks, self._place, self.settings.log)
