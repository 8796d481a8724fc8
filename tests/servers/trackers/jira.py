"""One project of Jira Cloud, held against Atlassian's own descriptions of the API and of documents."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from tests.servers.trackers.base import TOKEN, Call, Reply, Ticket, Tracker
from tests.servers.trackers.described import check_document, description

PROJECT, USER = "SEC", "bot@example.com"
_JQL = re.compile(rf'project = "{PROJECT}" AND labels = "([^"]+)" ORDER BY created ASC')
_ISSUE = re.compile(r"/rest/api/3/issue/(SEC-\d+)(/transitions|/comment)?")
_STATUSES = {"11": ("To Do", "new"), "21": ("In Progress", "indeterminate"), "31": ("Done", "done")}
_LONGEST = 32_767


class Jira(Tracker):
    """``transitions``: ids that the workflow offers."""

    kind: ClassVar[str] = "jira"

    def __init__(self) -> None:
        super().__init__()
        self.page = 2
        self.transitions = list(_STATUSES)
        self.lacking: set[str] = set()

    def answer(self, call: Call) -> Reply:
        """Authorizes, then validates."""
        described = description("jira")
        described.check_request(call.method, call.path, call.query, call.body)
        if call.authorization != f"Basic {base64.b64encode(f'{USER}:{TOKEN}'.encode()).decode()}":
            return Reply(401, {"errorMessages": ["Client must be authenticated to access this resource."]})
        reply = self._answer(call)
        described.check_answer(call.method, call.path, reply.status, reply.body)
        return reply

    def _answer(self, call: Call) -> Reply:
        match call.path.removeprefix("/rest/api/3/"):
            case "search/jql":
                return self._search(call.body)
            case "mypermissions":
                return self._rights(call.query)
            case "issue/createmeta/SEC/issuetypes":
                return Reply(200, {"issueTypes": [{"id": "1", "name": "Task", "subtask": False}], "total": 1})
            case "issue":
                return self._open(call.body["fields"])
            case _:
                return self._on_one(call)

    def _rights(self, query: Mapping[str, str]) -> Reply:
        assert query["projectKey"] == PROJECT
        keys = query["permissions"].split(",")
        rights = {key: {"key": key, "havePermission": key not in self.lacking} for key in keys}
        return Reply(200, {"permissions": rights})

    def _on_one(self, call: Call) -> Reply:
        found = _ISSUE.fullmatch(call.path)
        assert found
        if found[1] not in self.tickets:
            return Reply(404, {"errorMessages": ["Issue does not exist or you do not have permission to see it."]})
        if call.method in self.forbidden:
            return Reply(403, {"errorMessages": ["You do not have permission to edit issues in this project."]})
        ticket = self.tickets[found[1]]
        if found[2] == "/comment":
            check_document(call.body["body"])
            ticket.comments = [*ticket.comments, call.body["body"]]
            return Reply(201, {"id": "1", "body": call.body["body"]})
        if found[2]:
            return self._transitions() if call.method == "GET" else self._move(ticket, call.body)
        self._change(ticket, call.body)
        return Reply(204)

    def _search(self, body: dict[str, Any]) -> Reply:
        label = _JQL.fullmatch(body["jql"])
        assert label, body["jql"]
        chosen = [one for one in self.tickets.values() if label[1] in one.marks]
        start = int(body.get("nextPageToken", 0))
        size = min(self.page, body["maxResults"])
        issues = [self._shown(one, body["fields"]) for one in chosen[start : start + size]]
        more = start + size < len(chosen)
        return Reply(
            200, {"issues": issues, "isLast": not more, **({"nextPageToken": str(start + size)} if more else {})}
        )

    def _open(self, fields: dict[str, Any]) -> Reply:
        if "POST" in self.forbidden:
            return Reply(403, {"errorMessages": ["You do not have permission to create issues in this project."]})
        assert fields["project"] == {"key": PROJECT}
        if fields["issuetype"] != {"name": "Task"}:
            return Reply(400, {"errorMessages": [], "errors": {"issuetype": "Specify a valid issue type"}})
        assignee = fields.get("assignee", {}).get("accountId")
        if assignee is not None and assignee not in self.accounts:
            return Reply(400, {"errorMessages": [], "errors": {"assignee": "User does not exist."}})
        self._check(fields)
        known = {"project", "issuetype", "summary", "description", "labels", "assignee"}
        ticket = Ticket(id=f"{PROJECT}-{self.new_id()}", title=fields["summary"], body=fields["description"])
        ticket.marks, ticket.assignee = fields["labels"], assignee
        ticket.fields = {name: value for name, value in fields.items() if name not in known}
        self.tickets[ticket.id] = ticket
        url = f"https://acme.atlassian.net/rest/api/3/issue/{ticket.id}"
        return Reply(201, {"id": "1" + self.new_id(), "key": ticket.id, "self": url})

    def _check(self, fields: dict[str, Any]) -> None:
        assert "\n" not in fields["summary"]
        assert len(fields["summary"]) <= 255
        assert all(" " not in label for label in fields.get("labels", ()))
        check_document(fields["description"])
        assert len(self.text_of(fields["description"])) <= _LONGEST

    def _change(self, ticket: Ticket, body: dict[str, Any]) -> None:
        if "fields" in body:
            self._check(body["fields"])
            ticket.title, ticket.body = body["fields"]["summary"], body["fields"]["description"]
        for operation in body.get("update", {}).get("comment", ()):
            check_document(operation["add"]["body"])
            ticket.comments = [*ticket.comments, operation["add"]["body"]]

    def _transitions(self) -> Reply:
        offered = [{"id": one, "name": _STATUSES[one][0], "to": _status(*_STATUSES[one])} for one in self.transitions]
        return Reply(200, {"expand": "transitions", "transitions": offered})

    def _move(self, ticket: Ticket, body: dict[str, Any]) -> Reply:
        if body["transition"]["id"] not in self.transitions:
            return Reply(400, {"errorMessages": ["It seems that the transition is not valid."]})
        ticket.is_open = _STATUSES[body["transition"]["id"]][1] != "done"
        ticket.closed_at = None if ticket.is_open else datetime.now(UTC)
        ticket.fields = {**ticket.fields, **body.get("fields", {})}
        return Reply(204)

    def _shown(self, ticket: Ticket, wanted: list[str]) -> dict[str, Any]:
        changed = (ticket.closed_at or datetime(2026, 11, 25, tzinfo=UTC)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
        status = _status("To Do", "new") if ticket.is_open else _status("Done", "done")
        fields = {"labels": ticket.marks, "status": status, "statuscategorychangedate": changed}
        return {"id": "1", "key": ticket.id, "fields": {name: fields[name] for name in wanted}}

    def text_of(self, body: Any) -> str:
        """The text of all nodes."""
        if isinstance(body, list):
            return "\n".join(map(self.text_of, body))
        return str(body["text"]) if body["type"] == "text" else self.text_of(body["content"])


def _status(name: str, category: str) -> dict[str, Any]:
    return {"id": "1", "name": name, "statusCategory": {"id": 1, "key": category, "name": name}}
