"""The table ``incident`` of ServiceNow, as the Table API is documented.

https://www.servicenow.com/docs/r/api-reference/rest-apis/c_TableAPI.html. A published machine-readable description does
not exist. All values are text; unknown columns are ignored; a data policy wants a code and notes for what is resolved.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, ClassVar

from tests.servers.trackers.base import TOKEN, Call, Reply, Ticket, Tracker

TABLE = "/api/now/table/incident"
_PARAMETERS = {
    "GET": {"sysparm_query", "sysparm_fields", "sysparm_limit", "sysparm_offset", "sysparm_exclude_reference_link"},
    "POST": set[str](),
    "PATCH": set[str](),
}
_LONGEST = {"short_description": 160, "description": 4_000, "work_notes": 4_000, "correlation_id": 100}
_QUERY = re.compile(r"correlation_idSTARTSWITH([a-z:]+)\^ORDERBYsys_created_on")
_CLOSED = ("6", "7", "8")


class ServiceNow(Tracker):
    """``policy``: whether a resolution needs a code and notes."""

    kind: ClassVar[str] = "servicenow"

    def __init__(self) -> None:
        super().__init__()
        self.policy = True

    def answer(self, call: Call) -> Reply:
        """Authorizes, then does it."""
        assert set(call.query) <= _PARAMETERS[call.method]
        if call.authorization != f"Bearer {TOKEN}":
            return _error(401, "User Not Authenticated", "Required to provide Auth information")
        if call.method in self.forbidden:
            return _error(403, "Insufficient rights to query records", "ACL Exception")
        if call.method == "GET":
            assert call.path == TABLE
            return self._list(call)
        assert all(isinstance(value, str) for value in call.body.values())
        assert all(len(call.body.get(name, "")) <= most for name, most in _LONGEST.items())
        if call.method == "POST":
            assert call.path == TABLE
            return self._insert(call.body)
        ticket = self.tickets.get(call.path.removeprefix(f"{TABLE}/"))
        if ticket is None:
            return _error(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")
        return self._update(ticket, call.body)

    def _list(self, call: Call) -> Reply:
        query = _QUERY.fullmatch(call.query["sysparm_query"])
        assert query, call.query
        chosen = [one for one in self.tickets.values() if one.fields["correlation_id"].startswith(query[1])]
        start, size = int(call.query["sysparm_offset"]), int(call.query["sysparm_limit"])
        columns = call.query["sysparm_fields"].split(",")
        records = [self._record(one) for one in chosen[start : start + size]]
        return Reply(200, {"result": [{name: record[name] for name in columns} for record in records]})

    def _insert(self, body: dict[str, str]) -> Reply:
        if body.get("assigned_to", "ada-account") not in self.accounts:
            return _error(400, "Invalid reference", "assigned_to")
        ticket = Ticket(id=f"{len(self.tickets) + 1:032x}", title=body["short_description"], body=body["description"])
        ticket.assignee = body.get("assigned_to")
        ticket.fields = {"state": "1", **body}
        ticket.marks = [body["correlation_id"]]
        self.tickets[ticket.id] = ticket
        return Reply(201, {"result": self._record(ticket)})

    def _update(self, ticket: Ticket, body: dict[str, str]) -> Reply:
        fields = {**ticket.fields, **body}
        if self.policy and fields["state"] == "6" and not (fields.get("close_code") and fields.get("close_notes")):
            return _error(403, "Operation Failed", "Data Policy Exception: Resolution code is mandatory")
        if "work_notes" in body:
            ticket.comments = [*ticket.comments, body["work_notes"]]
        was_open = ticket.is_open
        ticket.fields = fields
        ticket.title, ticket.body = fields["short_description"], fields["description"]
        ticket.is_open = fields["state"] not in _CLOSED
        if was_open != ticket.is_open:
            ticket.closed_at = None if ticket.is_open else datetime.now(UTC)
        return Reply(200, {"result": self._record(ticket)})

    def close(self, ticket: Ticket, at: datetime | None = None) -> None:
        """As people do."""
        super().close(ticket, at)
        ticket.fields = {**ticket.fields, "state": "7"}

    def _record(self, ticket: Ticket) -> dict[str, Any]:
        closed = "" if ticket.closed_at is None else ticket.closed_at.strftime("%Y-%m-%d %H:%M:%S")
        return {
            "sys_id": ticket.id,
            "number": f"INC{int(ticket.id, 16):07}",
            "correlation_id": ticket.fields["correlation_id"],
            "state": "1" if ticket.is_open else ticket.fields["state"],
            "active": "false" if ticket.fields["state"] == "7" and not ticket.is_open else "true",
            "resolved_at": closed,
            "closed_at": closed,
            "sys_updated_on": "2026-11-25 08:00:00",
            "assigned_to": {"link": "https://acme.service-now.com/api/now/table/sys_user/1", "value": "1"},
        }


def _error(status: int, message: str, detail: str) -> Reply:
    return Reply(status, {"error": {"message": message, "detail": detail}, "status": "failure"})
