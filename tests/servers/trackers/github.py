"""GitHub Issues of one repository, held against GitHub's own description."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, ClassVar

from tests.servers.trackers.base import TOKEN, Call, Reply, Ticket, Tracker
from tests.servers.trackers.described import description

REPOSITORY = "acme/identities"
_ISSUE = re.compile(rf"/repos/{REPOSITORY}/issues/(\d+)(/comments)?")
_USERS_URLS = (
    *("avatar_url", "events_url", "followers_url", "following_url", "gists_url", "html_url", "organizations_url"),
    *("received_events_url", "repos_url", "starred_url", "subscriptions_url", "url"),
)
_USER = {
    **dict.fromkeys(_USERS_URLS, "https://api.github.com/users/muster"),
    "gravatar_id": "",
    "id": 1,
    "node_id": "U_1",
    "login": "muster",
    "site_admin": False,
    "type": "Bot",
}


class GitHub(Tracker):
    """``private``, ``push``: of the repository, and of anyone who has the token."""

    kind: ClassVar[str] = "github"

    def __init__(self) -> None:
        super().__init__()
        self.private = True
        self.push = True

    def answer(self, call: Call) -> Reply:
        """Authorizes, then validates, as GitHub does."""
        described = description("github")
        described.check_request(call.method, call.path, call.query, call.body if call.body != {} else None)
        if call.authorization != f"Bearer {TOKEN}":
            return Reply(401, {"message": "Bad credentials"})  # described for none of the operations, and given by all
        if call.method in self.forbidden:
            return Reply(403, {"message": "Resource not accessible by personal access token"})
        reply = self._answer(call)
        described.check_answer(call.method, call.path, reply.status, reply.body)
        return reply

    def _answer(self, call: Call) -> Reply:
        if call.path == f"/repos/{REPOSITORY}":
            may = {"admin": False, "maintain": False, "push": self.push, "triage": self.push, "pull": True}
            facts = {"id": 1, "name": "identities", "full_name": REPOSITORY, "private": self.private}
            return Reply(200, {**facts, "has_issues": True, "permissions": may, "archived": False})
        if call.path == f"/repos/{REPOSITORY}/issues":
            return self._list(call) if call.method == "GET" else self._open(call.body)
        found = _ISSUE.fullmatch(call.path)
        assert found
        if found[1] not in self.tickets:
            return Reply(410, {"message": "This issue was deleted"})
        ticket = self.tickets[found[1]]
        if found[2]:
            assert len(call.body["body"]) <= 65_536
            ticket.comments = [*ticket.comments, call.body["body"]]
            return Reply(201, self._comment(ticket))
        self._change(ticket, call.body)
        return Reply(200, self._shown(ticket))

    def _list(self, call: Call) -> Reply:
        assert call.query["state"] == "all"
        chosen = [one for one in self.tickets.values() if call.query["labels"] in one.marks]
        size, page = int(call.query["per_page"]), int(call.query["page"])
        return Reply(200, [self._shown(one) for one in chosen[(page - 1) * size : page * size]])

    def _open(self, body: dict[str, Any]) -> Reply:
        if not body.get("title"):
            return Reply(422, _invalid("title", "missing_field"))
        if unknown := set(body.get("assignees", ())) - self.accounts:
            return Reply(422, _invalid("assignees", f"invalid: {unknown}"))
        assert len(body["body"]) <= 65_536
        assert len(body["title"]) <= 256
        ticket = Ticket(id=self.new_id(), title=body["title"], body=body["body"])
        ticket.marks = body.get("labels", []) if self.push else []
        ticket.assignee = next(iter(body.get("assignees", ())), None)
        self.tickets[ticket.id] = ticket
        return Reply(201, self._shown(ticket))

    def _change(self, ticket: Ticket, body: dict[str, Any]) -> None:
        ticket.title = body.get("title", ticket.title)
        ticket.body = body.get("body", ticket.body)
        if "state" in body:
            ticket.is_open = body["state"] == "open"
            ticket.closed_at = None if ticket.is_open else datetime.now(UTC)

    def _shown(self, ticket: Ticket) -> dict[str, Any]:
        url = f"https://api.github.com/repos/{REPOSITORY}/issues/{ticket.id}"
        urls = ("comments_url", "events_url", "html_url", "labels_url", "repository_url", "url")
        closed = None if ticket.closed_at is None else ticket.closed_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        label = {"url": url, "node_id": "L_1", "color": "ededed", "default": False, "description": None}
        return {
            **dict.fromkeys(urls, url),
            "id": int(ticket.id) + 1_000,
            "node_id": f"I_{ticket.id}",
            "number": int(ticket.id),
            "title": ticket.title,
            "body": ticket.body,
            "state": "open" if ticket.is_open else "closed",
            "state_reason": None if ticket.is_open else "completed",
            "labels": [{**label, "id": place, "name": name} for place, name in enumerate(ticket.marks)],
            "user": _USER,
            "assignee": None,
            "milestone": None,
            "locked": False,
            "comments": len(ticket.comments),
            "closed_at": closed,
            "created_at": "2026-11-25T08:00:00Z",
            "updated_at": "2026-11-25T08:00:00Z",
            "author_association": "NONE",
        }

    def _comment(self, ticket: Ticket) -> dict[str, Any]:
        url = f"https://api.github.com/repos/{REPOSITORY}/issues/{ticket.id}"
        return {
            **dict.fromkeys(("html_url", "issue_url", "url"), url),
            "id": len(ticket.comments),
            "node_id": "IC_1",
            "user": _USER,
            "created_at": "2026-11-25T08:00:00Z",
            "updated_at": "2026-11-25T08:00:00Z",
            "author_association": "NONE",
            "body": ticket.comments[-1],
        }


def _invalid(field: str, code: str) -> dict[str, Any]:
    return {
        "message": "Validation Failed",
        "documentation_url": "https://docs.github.com/rest/issues/issues",
        "errors": [{"resource": "Issue", "field": field, "code": code}],
    }
