"""ServiceNow's Table API. The marker is the record's correlation id, which the platform has for that."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from scanner.notify.tickets.client import Client, basic
from scanner.notify.tickets.content import Draft, Text
from scanner.notify.tickets.settings import ServiceNowTarget
from scanner.notify.tickets.tracker import Check, Remote, Sleep, TrackerChange, fitting, moment
from scanner.text import cut, printable

_LONGEST_SHORT = 160
_LONGEST_TEXT = 3_900
"""The column ``description`` takes 4,000 characters."""
_PAGE = 500
_MARK = "muster:"

# Journal fields show what is between these tags as HTML.
_TAG = re.compile(r"\[(?=/?code)", re.IGNORECASE)


class _Record(Struct, frozen=True, kw_only=True):
    sys_id: str
    number: str = ""
    correlation_id: str = ""
    state: str = ""
    active: str = ""
    resolved_at: str = ""
    closed_at: str = ""
    sys_updated_on: str = ""


class _One(Struct, frozen=True):
    result: _Record


class _Page(Struct, frozen=True):
    result: tuple[_Record, ...]


class ServiceNowRecords:
    """Records of one table."""

    def __init__(self, target: ServiceNowTarget, *, sleep: Sleep = time.sleep) -> None:
        self._target = target
        secret = target.token.resolve()
        signed = f"Bearer {secret}" if target.user is None else basic(target.user, secret)
        headers = {"Authorization": signed}
        self._client = Client(target.url, headers, target.timeout, explain=_reasons, sleep=sleep)
        self._table = f"/api/now/table/{target.table}"

    def listed(self) -> Mapping[str, Remote]:
        """All records with a marker, 500 a request."""
        found: dict[str, Remote] = {}
        offset, full = 0, True
        while full:
            records = self._page(offset, _PAGE)
            for record in records:
                mark = record.correlation_id.removeprefix(_MARK)
                found.setdefault(mark, self._remote(record))
            offset += _PAGE
            full = len(records) == _PAGE
        return found

    def _page(self, offset: int, limit: int) -> tuple[_Record, ...]:
        query: dict[str, str | int] = {
            "sysparm_query": f"correlation_idSTARTSWITH{_MARK}^ORDERBYsys_created_on",
            "sysparm_fields": ",".join(_Record.__struct_fields__),
            "sysparm_exclude_reference_link": "true",
            "sysparm_limit": limit,
            "sysparm_offset": offset,
        }
        return self._client.send("GET", self._table, _Page, query=query).result

    def create(self, draft: Draft) -> Remote:
        """Insert a record."""
        body: dict[str, Any] = {
            **self._target.fields,
            **self._target.by_severity.get(draft.severity, {}),
            **_written(draft),
            "correlation_id": f"{_MARK}{draft.marker}",
            "correlation_display": "Muster",
        }
        if draft.assignee:
            body["assigned_to"] = draft.assignee
        return self._remote(self._client.send("POST", self._table, _One, body=body, once=True).result)

    def change(self, reference: str, change: TrackerChange) -> None:
        """Change a record, in one request."""
        body: dict[str, Any] = {} if change.draft is None else dict(_written(change.draft))
        if change.comment is not None:
            body["work_notes"] = _TAG.sub("[ ", plain(fitting(change.comment, plain, _LONGEST_TEXT)))
        if change.state is not None:
            body |= self._target.closed if change.state == "closed" else self._target.reopened
        self._client.send(
            "PATCH", f"{self._table}/{quote(reference, safe='')}", object, body=body, once="work_notes" in body
        )

    def checks(self) -> Iterator[Check]:
        """Read one record. The platform has no way to query permissions without using them."""
        self._page(0, 1)
        where = f"{self._target.table} at {self._client.host}"
        yield Check(ok=True, detail=f"{where} can be read; whether records can be written shows with the first one")

    def _remote(self, record: _Record) -> Remote:
        is_open = record.state not in self._target.done and record.active != "false"
        times = (record.resolved_at, record.closed_at, record.sys_updated_on)
        closed_at = None if is_open else moment(next(filter(None, times), None))
        shown = printable(record.number or record.sys_id)
        return Remote(reference=record.sys_id, shown=shown, is_open=is_open, closed_at=closed_at)


def _written(draft: Draft) -> dict[str, str]:
    body = plain(fitting(draft.body, plain, _LONGEST_TEXT))
    return {"short_description": cut(draft.title, _LONGEST_SHORT), "description": body}


def plain(text: Text) -> str:
    """The text with a line for each thing. No line break comes from outside."""
    parts = [printable(text.opening)]
    for point in text.points:
        below = (point.subject, *point.details, *filter(None, (point.link,)))
        lines = (point.heading, *(f"  {detail}" for detail in below))
        parts.append("\n".join(map(printable, lines)))
    parts += map(printable, text.last)
    parts += [f"{words.removeprefix('Open the ').capitalize()}: {printable(address)}" for words, address in text.links]
    return "\n\n".join(parts)


def _reasons(answer: Any) -> Iterable[object]:
    yield answer["error"].get("message")
    yield answer["error"].get("detail")
