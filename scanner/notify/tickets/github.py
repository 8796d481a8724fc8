"""GitHub Issues. The marker is an HTML comment in the description: labels would fill the repository's list of them."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

from msgspec import Struct

from scanner.notify.http import Undelivered
from scanner.notify.tickets.client import Client, Refused
from scanner.notify.tickets.content import Draft, Text
from scanner.notify.tickets.settings import GitHubTarget
from scanner.notify.tickets.tracker import Check, Remote, Sleep, TrackerChange, fitting
from scanner.text import cut, markdown_code, markdown_sentence, printable

log = logging.getLogger(__name__)

_LONGEST_TITLE = 256
_LONGEST_BODY = 65_000
"""GitHub takes 65,536 characters; the marker needs some."""
_PAGE = 100
_MARKER = re.compile(r"<!-- muster ticket ([0-9a-f]{32}) -->\s*$")
_MAY_LABEL = ("admin", "maintain", "push", "triage")


class _Label(Struct, frozen=True):
    name: str = ""


class _Issue(Struct, frozen=True, kw_only=True):
    number: int
    state: Literal["open", "closed"]
    body: str | None = None
    closed_at: datetime | None = None
    labels: tuple[_Label | str, ...] = ()
    pull_request: object = None


class _Repository(Struct, frozen=True, kw_only=True):
    private: bool
    has_issues: bool
    permissions: Mapping[str, bool] | None = None


class GitHubIssues:
    """Issues of one repository."""

    def __init__(self, target: GitHubTarget, *, sleep: Sleep = time.sleep) -> None:
        self._target = target
        self._repository = f"/repos/{quote(target.repository)}"
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {target.token.resolve()}",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        self._client = Client(target.url, headers, target.timeout, explain=_reasons, sleep=sleep)
        self._may_open = target.allow_public

    def listed(self) -> Mapping[str, Remote]:
        """All issues with the label, a hundred a request."""
        found: dict[str, Remote] = {}
        page = 0
        full = True
        while full:
            page += 1
            query: dict[str, str | int] = {"labels": self._target.labels[0], "state": "all", "sort": "created"}
            query |= {"direction": "asc", "per_page": _PAGE, "page": page}
            issues = self._client.send("GET", f"{self._repository}/issues", list[_Issue], query=query)
            for issue in issues:
                mark = _MARKER.search(issue.body or "")
                if mark and issue.pull_request is None:
                    found.setdefault(mark[1], _remote(issue))
            full = len(issues) == _PAGE
        return found

    def create(self, draft: Draft) -> Remote:
        """Open an issue, in a private repository unless the config says otherwise."""
        if not self._may_open:
            if not self._client.send("GET", self._repository, _Repository).private:
                raise Undelivered(f"{self._target.repository} {_PUBLIC}", again=False)
            self._may_open = True
        labels = [*self._target.labels, *self._target.by_severity.get(draft.severity, ())]
        assigned = {"assignees": [draft.assignee]} if draft.assignee else {}
        body = {**_written(draft), "labels": labels, **assigned}
        issue = self._client.send("POST", f"{self._repository}/issues", _Issue, body=body, once=True)
        if self._target.labels[0] not in {one if isinstance(one, str) else one.name for one in issue.labels}:
            log.warning(
                "%s has no label %s, by which it is found again: the token needs push access to set labels",
                f"{self._target.repository}#{issue.number}",
                self._target.labels[0],
            )
        return _remote(issue)

    def change(self, reference: str, change: TrackerChange) -> None:
        """Change an issue. The comment comes last, because earlier steps may be repeated."""
        issue = f"{self._repository}/issues/{int(reference)}"
        body: dict[str, Any] = {} if change.draft is None else _written(change.draft)
        if change.state is not None:
            body |= {"state": change.state, "state_reason": "completed" if change.state == "closed" else "reopened"}
        if body:
            self._client.send("PATCH", issue, object, body=body)
        if change.comment is not None:
            written = markdown(fitting(change.comment, markdown, _LONGEST_BODY))
            self._client.send("POST", f"{issue}/comments", object, body={"body": written}, once=True)

    def checks(self) -> Iterator[Check]:
        """Read the repository and its issues, and try to create one without a title: only a missing right ends that."""
        repository = self._client.send("GET", self._repository, _Repository)
        shown = f"{printable(self._target.repository)} at {self._client.host}"
        yield Check(ok=True, detail=f"{shown} can be read")
        if not repository.private and not self._target.allow_public:
            yield Check(ok=False, detail=f"{shown} {_PUBLIC}")
        if not repository.has_issues:
            yield Check(ok=False, detail=f"{shown} has no issues: switch them on in its settings")
        may = repository.permissions
        if may is not None and not any(may.get(right) for right in _MAY_LABEL):
            yield Check(ok=False, detail="the token's user may not set labels, by which tickets are found: give push")
        number = len(self.listed())
        try:
            self._client.send("POST", f"{self._repository}/issues", object, body={}, once=True)
        except Refused:
            yield Check(ok=True, detail=f"issues can be opened; {number} are there")


_PUBLIC = "is public, and everyone could read the findings: take a private one, or set allow_public = true"


def _written(draft: Draft) -> dict[str, str]:
    body = markdown(fitting(draft.body, markdown, _LONGEST_BODY))
    title = cut(draft.title, _LONGEST_TITLE)
    return {"title": title, "body": f"{body}\n\n<!-- muster ticket {draft.marker} -->"}


def markdown(text: Text) -> str:
    """The text in GitHub's Markdown."""
    parts = [markdown_sentence(text.opening)]
    for point in text.points:
        details = "".join(f"\n  - {markdown_sentence(detail)}" for detail in point.details)
        details += f"\n  - [Open](<{quote(point.link, safe=_IN_ADDRESS)}>)" if point.link is not None else ""
        parts.append(f"- **{markdown_sentence(point.heading)}** {markdown_code(point.subject)}{details}")
    parts += [markdown_sentence(line) for line in text.last]
    parts += [f"[{words}](<{quote(address, safe=_IN_ADDRESS)}>)" for words, address in text.links]
    return "\n\n".join(parts)


_IN_ADDRESS = ":/?#[]@!$&'()*+,;=%~"


def _remote(issue: _Issue) -> Remote:
    return Remote(
        reference=str(issue.number),
        shown=f"#{issue.number}",
        is_open=issue.state == "open",
        closed_at=issue.closed_at,
    )


def _reasons(answer: Any) -> Iterable[object]:
    yield answer.get("message")
    for error in answer.get("errors") or ():
        yield error if isinstance(error, str) else " ".join(map(str, error.values()))
