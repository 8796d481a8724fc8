"""The coverage of logs: days that were read, days that were not, and records that are in no profile. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

from msgspec.structs import replace

from scanner.model import Coverage
from scanner.model.activity import LOG_SECTION, MALFORMED, LeftOut, LogDay, LogPast
from scanner.store.activity.units import NOT_YET_READ
from scanner.text import counted

_OF_RECORDS = f"{LOG_SECTION}:records"
_MOST_SPANS = 20


def gap_places(name: str, past: LogPast) -> Iterator[tuple[str, str, str]]:
    """Log, scope and section of each gap: days, days that are not read yet, and malformed records."""
    for scope, days in past.gaps.items():
        for day in days.values():
            yield name, scope, LOG_SECTION if day.detail == NOT_YET_READ else f"{LOG_SECTION}:{day.day}"
    for scope, left_out in past.left_out.items():
        if any(one.what == MALFORMED for one in left_out):
            yield name, scope, _OF_RECORDS


def is_day_before(section: str, day: date) -> bool:
    """Whether a section is a log's day before that one."""
    name, colon, text = section.partition(":")
    return name == LOG_SECTION and bool(colon) and text < day.isoformat()


def coverage_of(past: Mapping[str, LogPast], today: date, keep_days: int) -> tuple[Coverage, ...]:
    """The coverage of logs for reports: for each scope the days that were read, and recent days that were not."""
    oldest = today - timedelta(days=keep_days)
    return tuple(
        row
        for name, one in past.items()
        for scope in sorted({*one.covered, *one.left_out})
        for row in _coverage_of_scope(
            Coverage(source=name, provider=one.provider, scope=scope, section=LOG_SECTION, status="complete"),
            sorted(day for day in one.covered.get(scope, ()) if day >= oldest.toordinal()),
            [day for day in one.gaps.get(scope, {}).values() if day.day >= oldest],
            one.left_out.get(scope, ()),
            one.counted.get(scope),
        )
    )


def _coverage_of_scope(
    whole: Coverage, days: Sequence[int], gaps: Sequence[LogDay], left_out: Sequence[LeftOut], in_profiles: int | None
) -> Iterator[Coverage]:
    unread = [day.day.toordinal() for day in gaps if day.detail == NOT_YET_READ]
    said = []
    if days:
        first, last = date.fromordinal(days[0]), date.fromordinal(days[-1])
        said.append(f"{counted(len(days), 'day', 'days')} read in full, {first} to {last}")
    if unread:
        said.append(f"{counted(len(unread), 'day', 'days')} not read yet: {_spans(unread)}")
    classes = [one for one in left_out if one.what != MALFORMED]
    others = ", ".join(f"{one.records:,} {one.what}" for one in classes)
    if in_profiles is not None:
        read = in_profiles + sum(one.records for one in classes)
        parts = f": {in_profiles:,} counted, {others}" if others else ""
        said.append(f"{counted(read, 'event', 'events')} read{parts}")
    elif others:
        said.append(f"not counted: {others}")
    if said:
        yield replace(whole, status="partial" if unread else "complete", detail="; ".join(said))
    for one in left_out:
        if one.what == MALFORMED:
            lost = f"{counted(one.records, 'record', 'records')} {MALFORMED}, such as {one.example}"
            yield replace(whole, section=_OF_RECORDS, status="partial", detail=lost)
    for day in gaps:
        if day.detail != NOT_YET_READ:
            section = f"{LOG_SECTION}:{day.day}"
            yield replace(whole, section=section, status=day.status, detail=day.detail, permission=day.permission)


def _spans(days: Sequence[int]) -> str:
    """Days as spans: ``2026-09-01 to 2026-09-30, 2026-11-02``."""
    spans: list[list[int]] = []
    for day in sorted(days):
        if spans and day == spans[-1][-1] + 1:
            spans[-1][1:] = [day]
        else:
            spans.append([day])
    shown = [" to ".join(str(date.fromordinal(day)) for day in span) for span in spans[:_MOST_SPANS]]
    more = len(spans) - len(shown)
    return ", ".join((*shown, *([f"and {counted(more, 'more span', 'more spans')}"] if more else ())))


_MOST_SPANS = 20
