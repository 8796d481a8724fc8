"""The stored form of a caller's day: features by number, few samples, one line of JSON. Pure."""

from __future__ import annotations

import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from itertools import chain
from typing import TypeAlias

import msgspec

from scanner.errors import DamagedRow
from scanner.model.activity import ACTIONS, CONSEQUENTIAL, TIMED, CallerDay, DayCounts, LeftOut, LogDay, feature_of
from scanner.model.coverage import CoverageStatus

MOST_SAMPLES = 4
"""Event ids kept for a usual day of one caller; a median day shall take at most 300 bytes."""
_MOST_NEEDED = 10
"""Event ids kept for a day with many services, or with several networks, clients and the like."""
_OF_CONSEQUENCE = 2
"""The number of these for actions that change something, if there are any."""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(DayCounts)


def counts_of(day: CallerDay, numbers: Mapping[str, int]) -> DayCounts:
    """The day by the numbers of its features."""
    first, last = int(day.first_at.timestamp()), int(day.last_at.timestamp())
    times = (
        (numbers[text], int(begin.timestamp()) - first, last - int(end.timestamp()))
        for text, (begin, end) in day.times.items()
    )
    return DayCounts(
        first=first,
        last=last,
        hours=day.hours,
        events=day.events,
        denied=day.denied,
        counts=tuple(sorted((numbers[text], *_trimmed(counts)) for text, counts in day.counts.items())),
        samples=tuple(sorted((numbers[text], day.samples[text]) for text in _sampled(day))),
        times=tuple(chain.from_iterable(sorted(one for one in times if one[1:] != (0, 0)))),
    )


def _sampled(day: CallerDay) -> Iterable[str]:
    """Select the features that keep the id of an event: new features are rare, and findings cite their events.

    Marks, the rarest writes, the rarest action of each service, the rarest of several networks, clients and so on; then
    the rarest of all. A feature of all events needs no id.
    """
    rarest = [
        (text, feature_of(text))
        for text in sorted(day.samples.keys() & day.counts.keys(), key=lambda text: (sum(day.counts[text]), text))
    ]
    actions = [(text, feature) for text, feature in rarest if feature.sort in ACTIONS]
    others = [
        (text, feature)
        for text, feature in rarest
        if feature.sort == "assumed_by" or (feature.sort not in ACTIONS and sum(day.counts[text]) < day.events)
    ]
    first_of: dict[tuple[str, str], str] = {}
    for text, feature in (*others, *actions):
        first_of.setdefault((feature.sort, "") if feature.sort not in ACTIONS else ("", feature.service), text)
    marks = [text for text, feature in rarest if feature.sort == "mark"]
    writes = [text for text, feature in actions if feature.sort in CONSEQUENTIAL][:_OF_CONSEQUENCE]
    needed = list(dict.fromkeys((*marks, *writes, *first_of.values())))[:_MOST_NEEDED]
    return list(dict.fromkeys((*needed, *(text for text, _ in actions))))[: max(MOST_SAMPLES, len(needed))]


def _trimmed(counts: tuple[int, int, int]) -> tuple[int, ...]:
    """Without trailing zeros."""
    done, denied, failed = counts
    if failed:
        return done, denied, failed
    if denied:
        return done, denied
    return (done,) if done else ()


def merged(one: DayCounts, other: DayCounts) -> DayCounts:
    """Two records merged, which represent a week."""
    by_feature = {feature: counts for feature, *counts in one.counts}
    for feature, *counts in other.counts:
        there = by_feature.get(feature, [])
        longest = max(len(there), len(counts))
        padded = [[*some, *[0] * (longest - len(some))] for some in (there, counts)]
        by_feature[feature] = [sum(pair) for pair in zip(*padded, strict=True)]
    early, late = sorted((one, other), key=lambda day: (day.first, day.last, day.samples))
    samples = dict(late.samples) | dict(early.samples)
    return DayCounts(
        first=early.first,
        last=max(one.last, other.last),
        hours=one.hours | other.hours,
        events=one.events + other.events,
        denied=one.denied + other.denied,
        counts=tuple(sorted((feature, *counts) for feature, counts in by_feature.items())),
        samples=tuple(sorted(samples.items())[:MOST_SAMPLES]),
        days=7,
    )


def joined(one: CallerDay, other: CallerDay) -> CallerDay:
    """Merge two records of the same caller and day from one unit."""
    counts = dict(one.counts)
    for text, (done, denied, failed) in other.counts.items():
        had = counts.get(text, (0, 0, 0))
        counts[text] = (had[0] + done, had[1] + denied, had[2] + failed)
    return msgspec.structs.replace(
        one,
        first_at=min(one.first_at, other.first_at),
        last_at=max(one.last_at, other.last_at),
        hours=one.hours | other.hours,
        events=one.events + other.events,
        denied=one.denied + other.denied,
        counts=counts,
        samples={**other.samples, **one.samples},
        times=_joined_times(one, other),
    )


def _joined_times(one: CallerDay, other: CallerDay) -> dict[str, tuple[datetime, datetime]]:
    times: dict[str, tuple[datetime, datetime]] = {}
    for day in (one, other):
        for text in day.counts:
            if feature_of(text).sort in TIMED:
                first, last = day.times.get(text, (day.first_at, day.last_at))
                known = times.get(text, (first, last))
                times[text] = min(first, known[0]), max(last, known[1])
    return times


# --- As text ---

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_PACKED, _AS_IS = "~", "="
"""Prefixes: a UUID is stored as 22 characters after the first; other ids that begin with either are stored after the
second.
"""


_DEFAULTS = ",1,[]]"
"""A day with no times of its own."""


def body_of(counts: DayCounts) -> str:
    """One line of JSON, without defaults at its end."""
    samples = tuple((feature, _packed(event)) for feature, event in counts.samples)
    body = _encoder.encode(msgspec.structs.replace(counts, samples=samples)).decode()
    return body[: -len(_DEFAULTS)] + "]" if body.endswith(_DEFAULTS) else body


def counts_in(body: str, what: str) -> DayCounts:
    """Parse the text of :func:`body_of`. Raises DamagedRow, which names the row as ``what``."""
    try:
        counts = _decoder.decode(body)
        samples = tuple((feature, _unpacked(event)) for feature, event in counts.samples)
        return msgspec.structs.replace(counts, samples=samples) if samples else counts
    except (msgspec.DecodeError, ValueError) as error:
        raise DamagedRow(f"the store's {what} cannot be read") from error


def _packed(event: str) -> str:
    if _UUID.fullmatch(event):
        return _PACKED + b2a_base64(bytes.fromhex(event.replace("-", "")), newline=False)[:22].decode()
    return _AS_IS + event if event[:1] in (_PACKED, _AS_IS) else event


def _unpacked(event: str) -> str:
    if event[:1] == _PACKED:
        digits = a2b_base64(event[1:] + "==").hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
    return event[1:] if event[:1] == _AS_IS else event


class _Day(msgspec.Struct, frozen=True, array_like=True, gc=False):
    scope: str
    day: int
    status: CoverageStatus = "complete"
    detail: str | None = None
    permission: str | None = None


_days = msgspec.json.Decoder(tuple[_Day, ...])

Planned: TypeAlias = tuple[str, tuple[tuple[str, int], ...]]
"""The name of a unit that is to be read, and its days: scope and ordinal."""
_plan = msgspec.json.Decoder(tuple[Planned, ...])


def _place(row: tuple[str, int, str, str | None, str | None]) -> tuple[str, int, str, str, str]:
    scope, day, status, detail, permission = row
    return scope, day, status, detail or "", permission or ""


def coverage_text(days: Iterable[LogDay]) -> str:
    """Days of scopes as sorted JSON; completely read days have two values each."""
    rows = {(one.scope, one.day.toordinal(), one.status, one.detail, one.permission) for one in days}
    complete = ("complete", None, None)
    short = [row[:2] if row[2:] == complete else row for row in sorted(rows, key=_place)]
    return _encoder.encode(short).decode()


def plan_text(units: Iterable[Planned]) -> str:
    """Units that are to be read, as sorted JSON."""
    return _encoder.encode(sorted(units)).decode()


def plan_in(text: str, what: str) -> tuple[Planned, ...]:
    """Parse the text of :func:`plan_text`. Raises DamagedRow as :func:`counts_in`."""
    try:
        return _plan.decode(text)
    except msgspec.DecodeError as error:
        raise DamagedRow(f"the store's {what} cannot be read") from error


class Note(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of a unit, the marks of its files (``LogUnit.marks``), by scope its events in profiles, and its other records.

    ``counted``: None if it was read before they were counted.
    """

    files: bytes = b""
    counted: Mapping[str, int] | None = None
    left_out: tuple[LeftOut, ...] = ()


_notes = msgspec.json.Decoder(Note)


def note_in(body: str, what: str) -> Note:
    """Parse the body of a note. Raises DamagedRow as :func:`counts_in`."""
    try:
        return _notes.decode(body)
    except msgspec.DecodeError as error:
        raise DamagedRow(f"the store's {what} cannot be read") from error


def note_text(note: Note) -> str:
    """One line of JSON."""
    return _encoder.encode(note).decode()


def coverage_in(text: str, what: str) -> tuple[tuple[int, LogDay], ...]:
    """Parse the text of :func:`coverage_text`; each day has its ordinal. Raises DamagedRow as :func:`counts_in`."""
    try:
        return tuple(
            (
                one.day,
                LogDay(
                    scope=one.scope,
                    day=date.fromordinal(one.day),
                    status=one.status,
                    detail=one.detail,
                    permission=one.permission,
                ),
            )
            for one in _days.decode(text)
        )
    except (msgspec.DecodeError, ValueError, OverflowError) as error:
        raise DamagedRow(f"the store's {what} cannot be read") from error
