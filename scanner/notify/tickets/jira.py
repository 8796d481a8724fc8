"""Jira Cloud. The marker is a label of its own, so that a ticket is found without its description."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from msgspec import Struct, field

from scanner.notify.tickets.client import Client, Refused, basic
from scanner.notify.tickets.content import Draft, Text
from scanner.notify.tickets.settings import JiraTarget
from scanner.notify.tickets.tracker import Check, Remote, Sleep, TrackerChange, fitting, moment
from scanner.text import cut, printable

_LONGEST_SUMMARY = 255
_LONGEST_TEXT = 30_000
"""Jira takes 32,767 characters in a field of text."""
_PAGE = 100
_MARK = "muster-"
_RIGHTS = ("BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "ADD_COMMENTS", "TRANSITION_ISSUES")
_DONE = "done"
_CATEGORIES: Mapping[str, Sequence[str]] = {"closed": (_DONE,), "open": ("new", "indeterminate")}
"""The status categories that a transition may lead to, the preferred one first."""


class _Category(Struct, frozen=True):
    key: str


class _Status(Struct, frozen=True):
    category: _Category = field(name="statusCategory")


class _Fields(Struct, frozen=True, kw_only=True):
    labels: tuple[str, ...] = ()
    status: _Status
    since: str | None = field(name="statuscategorychangedate", default=None)


class _Issue(Struct, frozen=True):
    key: str
    fields: _Fields


class _JiraFound(Struct, frozen=True, kw_only=True):
    issues: tuple[_Issue, ...]
    next_page: str | None = field(name="nextPageToken", default=None)


class _Created(Struct, frozen=True):
    key: str


class _Transition(Struct, frozen=True):
    id: str
    to: _Status


class _Transitions(Struct, frozen=True):
    transitions: tuple[_Transition, ...]


class _Right(Struct, frozen=True):
    given: bool = field(name="havePermission", default=False)


class _Rights(Struct, frozen=True):
    permissions: Mapping[str, _Right]


class _IssueType(Struct, frozen=True):
    name: str
    subtask: bool = False


class _IssueTypes(Struct, frozen=True):
    types: tuple[_IssueType, ...] = field(name="issueTypes", default=())


class JiraIssues:
    """Issues of one project."""

    def __init__(self, target: JiraTarget, *, sleep: Sleep = time.sleep) -> None:
        self._target = target
        secret = target.token.resolve()
        signed = f"Bearer {secret}" if target.user is None else basic(target.user, secret)
        headers = {"Authorization": signed}
        self._client = Client(target.url, headers, target.timeout, explain=_reasons, sleep=sleep)

    def listed(self) -> Mapping[str, Remote]:
        """All issues with the label, a hundred a request."""
        found: dict[str, Remote] = {}
        search: dict[str, Any] = {
            "jql": f'project = "{self._target.project}" AND labels = "{self._target.labels[0]}" ORDER BY created ASC',
            "fields": ["labels", "status", "statuscategorychangedate"],
            "maxResults": _PAGE,
        }
        token: str | None = None
        while True:
            page = search if token is None else {**search, "nextPageToken": token}
            answer = self._client.send("POST", "/rest/api/3/search/jql", _JiraFound, body=page)
            for issue in answer.issues:
                for label in issue.fields.labels:
                    if label.startswith(_MARK):
                        found.setdefault(label.removeprefix(_MARK), _remote(issue))
            token = answer.next_page
            if token is None:
                return found

    def create(self, draft: Draft) -> Remote:
        """Open an issue."""
        fields: dict[str, Any] = {
            **self._target.fields,
            **self._target.by_severity.get(draft.severity, {}),
            **_written(draft),
            "project": {"key": self._target.project},
            "issuetype": {"name": self._target.issue_type},
            "labels": [*self._target.labels, f"{_MARK}{draft.marker}"],
        }
        if draft.assignee:
            fields["assignee"] = {"accountId": draft.assignee}
        issue = self._client.send("POST", "/rest/api/3/issue", _Created, body={"fields": fields}, once=True)
        return Remote(reference=issue.key, shown=issue.key)

    def change(self, reference: str, change: TrackerChange) -> None:
        """Edit and comment in one request; with a new status, comment last, because earlier steps may be repeated."""
        path = f"/rest/api/3/issue/{quote(reference, safe='')}"
        transition = None if change.state is None else self._transition(path, change.state)
        said = None if change.comment is None else adf(fitting(change.comment, _plain, _LONGEST_TEXT))
        body: dict[str, Any] = {} if change.draft is None else {"fields": _written(change.draft)}
        if said is not None and transition is None:
            body["update"] = {"comment": [{"add": {"body": said}}]}
        if body:
            self._client.send("PUT", path, object, body=body, once="update" in body)
        if transition is not None:
            fields = {"fields": self._target.closed} if change.state == "closed" and self._target.closed else {}
            asked = {"transition": {"id": transition}, **fields}
            self._client.send("POST", f"{path}/transitions", object, body=asked)
            if said is not None:
                self._client.send("POST", f"{path}/comment", object, body={"body": said}, once=True)

    def _transition(self, path: str, state: str) -> str:
        offered = self._client.send("GET", f"{path}/transitions", _Transitions).transitions
        for category in _CATEGORIES[state]:
            for transition in offered:
                if transition.to.category.key == category:
                    return transition.id
        wanted = " or ".join(_CATEGORIES[state])
        raise Refused(f"the workflow has no transition to a status of category {wanted}", again=False)

    def checks(self) -> Iterator[Check]:
        """Check the user's permissions in the project, and the types of issues there."""
        project = self._target.project
        query = {"projectKey": project, "permissions": ",".join(_RIGHTS)}
        rights = self._client.send("GET", "/rest/api/3/mypermissions", _Rights, query=query).permissions
        lacking = [right for right in _RIGHTS if not rights.get(right, _Right()).given]
        if lacking:
            yield Check(ok=False, detail=f"in project {project} the permission is missing: {', '.join(lacking)}")
            return
        types = self._client.send("GET", f"/rest/api/3/issue/createmeta/{project}/issuetypes", _IssueTypes).types
        names = sorted(one.name for one in types if not one.subtask)
        if self._target.issue_type not in names:
            there = printable(", ".join(names))
            yield Check(ok=False, detail=f"project {project} has no issue type {self._target.issue_type}, but: {there}")
            return
        number = len(self.listed())
        detail = f"issues can be opened, changed and closed in {project} at {self._client.host}; {number} are there"
        yield Check(ok=True, detail=detail)


def _written(draft: Draft) -> dict[str, Any]:
    body = fitting(draft.body, _plain, _LONGEST_TEXT)
    return {"summary": cut(draft.title, _LONGEST_SUMMARY), "description": adf(body)}


# --- Atlassian Document Format: text nodes, in which nothing is markup ---


def adf(text: Text) -> dict[str, Any]:
    """The text as a document."""
    content = [_paragraph(_text(text.opening))]
    if text.points:
        items = []
        for point in text.points:
            first = [_text(point.heading, "strong"), _text(" "), _text(point.subject, "code")]
            lines = [_paragraph(*first), *(_paragraph(_text(detail)) for detail in point.details)]
            lines += [_paragraph(_link("Open", point.link))] if point.link is not None else []
            items.append({"type": "listItem", "content": lines})
        content.append({"type": "bulletList", "content": items})
    content += [_paragraph(_text(line)) for line in text.last]
    content += [_paragraph(_link(words, address)) for words, address in text.links]
    return {"version": 1, "type": "doc", "content": content}


def _paragraph(*nodes: dict[str, Any]) -> dict[str, Any]:
    return {"type": "paragraph", "content": list(nodes)}


def _link(words: str, address: str) -> dict[str, Any]:
    return {"type": "text", "text": words, "marks": [{"type": "link", "attrs": {"href": address}}]}


def _text(text: str, *marks: str) -> dict[str, Any]:
    # A text node is never empty.
    node: dict[str, Any] = {"type": "text", "text": printable(text) or " "}
    return {**node, "marks": [{"type": mark} for mark in marks]} if marks else node


def _plain(text: Text) -> str:
    parts = [text.opening, *text.last]
    for point in text.points:
        parts += [point.heading, point.subject, *point.details, point.link or ""]
    return printable(" ".join(parts))


def _remote(issue: _Issue) -> Remote:
    is_open = issue.fields.status.category.key != _DONE
    closed_at = None if is_open else moment(issue.fields.since)
    return Remote(reference=issue.key, shown=printable(issue.key), is_open=is_open, closed_at=closed_at)


def _reasons(answer: Any) -> Iterable[object]:
    yield from answer.get("errorMessages") or ()
    for name, why in (answer.get("errors") or {}).items():
        yield f"{name}: {why}"
