"""Rows, counts and groups of a list, as the page's tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any
from urllib.parse import parse_qsl

from msgspec import Struct
from msgspec.structs import replace

from reports.html.packing import pairs_by_name, table, text
from scanner.model import SEVERITIES, Assessment
from scanner.rules.catalog import RULES
from scanner.serve.answers import Refusal
from scanner.serve.api.lists import index_of
from scanner.serve.api.operations import OperationCall
from scanner.serve.index.lists import LISTS
from scanner.serve.index.questions import LIST_NAMES, IndexQuestion
from scanner.serve.index.reading import ScanIndex

MOST_ROWS = 500
_MOST_VALUES = 101
"""Maximum values of a facet: one more than the page lists, so that it can show that there are others."""
_MOST_FIELDS = 200
_EXPLAINED = 50
"""Maximum rows for which the page explains why each was found, which reads their records."""
_NUMBER = re.compile(r"[0-9]{1,9}")
_TITLES = {rule.id: rule.title for rule in RULES}


class ListAsked(Struct, frozen=True, kw_only=True):
    """A request for a list. ``offset``, ``limit``: which rows."""

    index: ScanIndex
    question: IndexQuestion
    offset: int = 0
    limit: int = 100


def fields_of(query: str) -> list[tuple[str, str]]:
    """The names and values of a query string. Raises Refusal if it is malformed."""
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        raise Refusal(400, "the parameters cannot be read") from None


def asked_of(call: OperationCall, name: str, query: str) -> ListAsked:
    """Parse a query in the page's address. Raises Refusal, and UsageError for an unknown facet."""
    if name not in LIST_NAMES:
        raise Refusal(404, "there is no such list")
    given: dict[str, list[str]] = {}
    for field, value in fields_of(query):
        given.setdefault(field, []).append(value)
    known = {field: given.pop(field, [""])[-1] for field in ("q", "sort", "scan", "offset", "limit", "group", "view")}
    sort = known["sort"]
    index = index_of(call, known["scan"] or None)
    question = IndexQuestion(
        list=name,
        text=known["q"],
        chosen={facet: frozenset(values) for facet, values in given.items()},
        sort=sort.removeprefix("-") or None,
        descending=sort.startswith("-"),
    )
    return ListAsked(
        index=index,
        question=call.visible.question(index, question),
        offset=_number(known["offset"] or "0"),
        limit=min(_number(known["limit"] or "100"), MOST_ROWS),
    )


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise Refusal(400, "offset and limit are numbers")
    return int(text)


def rows(call: OperationCall, asked: ListAsked) -> dict[str, Any]:
    """``{"scan", "total", "all", "table"}``: number of rows found, of all rows, and the requested rows."""
    index, question = asked.index, asked.question
    page = index.page(question, limit=asked.limit, offset=asked.offset)
    every = index.page(replace(question, text="", chosen={}, sort=None, descending=False), limit=0)
    columns: dict[str, Callable[[Mapping[str, Any]], Any]] = {
        name: _cell(name) for name in LISTS[question.list].columns
    }
    listed: Sequence[Mapping[str, Any]] = page.rows
    if question.list == "identities":
        columns |= {"stem": itemgetter("key"), "named": lambda _: False}
        if question.text and page.total <= _EXPLAINED:
            columns["why"] = itemgetter("why")
            listed = list(_with_reasons(call, asked, page.keys, page.rows))
    return {"scan": index.scan, "total": page.total, "all": every.total, "table": table(columns, listed)}


def _cell(name: str) -> Callable[[Mapping[str, Any]], Any]:
    """Cells must be hashable."""

    def cell(row: Mapping[str, Any]) -> Any:
        value = row[name]
        return tuple(value) if isinstance(value, list) else value

    return cell


def counts(asked: ListAsked) -> Mapping[str, Any]:
    """The values of each facet with the number of rows for each."""
    return asked.index.counts(asked.question, most=_MOST_VALUES)


def groups(asked: ListAsked) -> list[dict[str, Any]]:
    """The findings by rule, the highest severity first, then the most findings."""
    index, question = asked.index, asked.question
    if question.list != "findings":
        raise Refusal(404, "this list has no groups")

    def by_rule(**chosen: frozenset[str]) -> dict[Any, int]:
        narrowed = {facet: frozenset(values) for facet, values in {**question.chosen, **chosen}.items()}
        for facet, values in chosen.items():
            if facet in question.chosen:
                narrowed[facet] = values & question.chosen[facet]
                if not narrowed[facet]:
                    return {}
        return dict(index.counts(replace(question, chosen=narrowed), facets=("rule",))["rule"])

    chosen_rules = question.chosen.get("rule")
    severities = {severity: by_rule(severity=frozenset({severity})) for severity in SEVERITIES}
    fresh = by_rule(status=frozenset({"new", "reopened"}))
    found = [
        {
            "value": rule,
            "title": _TITLES.get(str(rule), rule),
            "many": many,
            "severities": {severity: of.get(rule, 0) for severity, of in severities.items()},
            "fresh": fresh.get(rule, 0),
        }
        for rule, many in index.counts(question, facets=("rule",))["rule"]
        if many and (not chosen_rules or rule in chosen_rules)
    ]
    return sorted(found, key=_gravity)


def _gravity(group: Mapping[str, Any]) -> tuple[int, int]:
    worst = next((rank for rank, severity in enumerate(SEVERITIES) if group["severities"][severity]), len(SEVERITIES))
    return worst, -group["many"]


# --- Why a search found an identity ---


def _with_reasons(
    call: OperationCall, asked: ListAsked, keys: Sequence[str], cells: Sequence[Mapping[str, Any]]
) -> Iterator[Mapping[str, Any]]:
    words = asked.question.text.lower().split()
    with call.serving.store.records(asked.index.scan) as records:
        found = {one.identity.key: one for one in records.identities(keys)}
    for key, row in zip(keys, cells, strict=True):
        own = "\n".join(str(row[name] or "") for name in ("key", "name", "display_name", "owner", "scope")).lower()
        hidden = [word for word in words if word not in own]
        reasons = (_reason(found[key], word) for word in hidden if key in found)
        yield {**row, "why": tuple(reason for reason in reasons if reason)}


class _Reason(Struct, frozen=True):
    what: str
    text: str
    at: int


def _reason(judged: Assessment, word: str) -> _Reason | None:
    for what, value in _held(judged):
        shown = text(value)
        if shown and (at := shown.lower().find(word)) >= 0:
            return _Reason(what, shown, at)
    return None


def _held(judged: Assessment) -> Iterator[tuple[str, str | None]]:
    identity = judged.identity
    yield from (("alias", one) for one in identity.aliases)
    yield from (("tag", part) for pair in pairs_by_name(identity.tags) for part in pair)
    yield from (("credential", one.id) for one in identity.credentials)
    for grant in identity.grants:
        yield from (("grant", grant.name), ("granted through", grant.via), ("granted on", grant.resource))
    yield from (("trusts", one.principal) for one in identity.trusts)
    yield from (("runs", one) for one in judged.consumers)
    yield from (("linked with", one.target) for one in identity.links)
    yield from (("attribute", value) for _, value in pairs_by_name(identity.published_attributes))
    yield from (("entry", judged.registry.entry), ("unique id", identity.unique_id))
