"""Checks against single answers that are malformed, denied, hostile, or have more fields than a connector reads."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TypeAlias

import msgspec
from msgspec import Struct

from connectors.core.contract import DiscoveredRecord
from connectors.testing.estate import Estate
from connectors.testing.reading import (
    coverage_of,
    gaps_of,
    read,
    read_healthy,
    read_unmasked,
    require_absent,
    require_none,
)
from connectors.testing.server import Asked, Json, Reply, Server
from scanner.model import Coverage

CANARY = "canary-7f3a9c51e2d84b60-no-connector-keeps-this"
"""The value of fields that no connector reads."""
HOSTILE = "\u202e../../../muster-was-here?muster-was-here=1#x\x1b[31m\n<script>{{7*7}}"
"""A name that reverses text, leaves a path, and holds a terminal sequence and markup."""
_TRACE = "muster-was-here"
_NULL = "null"
_EMPTY = ("[]", "{}")
_CUT = None
"""Instead of a body: the first half of the healthy answer."""
_BODIES = (*_EMPTY, '"text"', "17", "[null]", "[[[]]]", "[" * 100_000, "\xff", "", _CUT)
"""Bodies of another shape; ``null`` comes before them."""

_Place: TypeAlias = tuple[str, str]
"""Scope and section."""


class _Reading(Struct, frozen=True):
    """``requested``: operations."""

    records: Sequence[DiscoveredRecord]
    requested: AbstractSet[str]

    @property
    def gaps(self) -> set[_Place]:
        return {(gap.scope, gap.section) for gap in gaps_of(self.records)}


def check_malformed(estate: Estate) -> None:
    """Answers that are cut short or of another shape are gaps, never an exception.

    Each operation answers ``null`` alone first, which shows where it causes a gap. The other bodies then go to several
    operations at once if their gaps are in different places: 11 readings for each operation would take minutes. An
    operation whose gap is missing from such a reading is read alone.
    """
    operations, whole = read_healthy(estate)
    expected: dict[str, AbstractSet[_Place]] = {}
    for name in operations:
        alone = _read_malformed(estate, [name], _NULL)
        _require_gap(estate, name, alone.records, whole, _described(_NULL))
        expected[name] = alone.gaps if alone.requested >= set(operations) else frozenset()
    groups = _distinct_groups(expected)
    for body in _BODIES:
        for group in groups:
            together = _read_malformed(estate, group, body)
            if body in _EMPTY:  # may be the right answer where the provider has nothing
                continue
            for name in group:
                if name in together.requested and not expected[name].isdisjoint(together.gaps):
                    continue
                alone = together if len(group) == 1 else _read_malformed(estate, [name], body)
                _require_gap(estate, name, alone.records, whole, _described(body))


def _distinct_groups(places: Mapping[str, AbstractSet[_Place]]) -> list[list[str]]:
    """Operations in groups whose places do not overlap. An operation without places has a group of its own."""
    groups: list[tuple[list[str], set[_Place]]] = []
    for name, own in places.items():
        for names, taken in groups:
            if own and taken and taken.isdisjoint(own):
                names.append(name)
                taken.update(own)
                break
        else:
            groups.append(([name], set(own)))
    return [names for names, _ in groups]


def _read_malformed(estate: Estate, operations: Sequence[str], body: str | None) -> _Reading:
    """Read a provider that answers ``operations`` with ``body``, and everything else as the healthy provider."""

    def answering(asked: Asked) -> Reply:
        if estate.operation(asked) not in operations:
            return estate.healthy(asked)
        if body is not _CUT:
            return Reply(body=body.encode("latin-1"))
        reply = estate.healthy(asked)
        content = reply.content()
        half = len(content) // 2
        return msgspec.structs.replace(reply, body=content[:half], cut=len(content) - half)

    with Server(answering) as server:
        records = read(estate.make(server.url))
        return _Reading(records, {estate.operation(request) for request in server.asked})


def _described(body: str | None) -> str:
    return "answered cut short" if body is _CUT else f"answered {body[:20]!r}"


def check_denied(estate: Estate) -> None:
    """Each operation that is denied alone is a gap that names the permission and does not quote the credentials."""
    quoting = f"{estate.secret} may not do this"
    operations, whole = read_healthy(estate)
    for name in operations:

        def denied(asked: Asked, name: str = name) -> Reply:
            return estate.refusal(asked, quoting) if estate.operation(asked) == name else estate.healthy(asked)

        with Server(denied) as server:
            records = read(estate.make(server.url))
        _require_gap(estate, name, records, whole, "was denied")
        # A scope that cannot be listed is a gap of all sections, "*", which need a permission each.
        unnamed = [
            gap.section
            for gap in gaps_of(records)
            if gap.status == "denied" and gap.section != "*" and not gap.permission
        ]
        require_none("denied sections that name no permission", unnamed)
        require_absent(estate.secret, records, f"the credentials, which the refusal of {name} quoted")


def check_hostile_names(estate: Estate) -> None:
    """No name breaks a reading, and none leads a request to another path."""
    bodies = [answer.body if isinstance(answer, Reply) else answer for answer in estate.answers.values()]
    if bodies == [_renamed(body, estate.names) for body in bodies]:
        raise AssertionError(f"no answer of the estate has a text under {', '.join(estate.names)}: say names=…")

    def renamed(asked: Asked) -> Reply:
        reply = estate.healthy(asked)
        return msgspec.structs.replace(reply, body=_renamed(reply.body, estate.names))

    with Server(renamed) as server:
        read(estate.make(server.url))
        for request in server.asked:
            parts = request.path.split("/")
            if _TRACE in request.query or ".." in parts or any(part.startswith(_TRACE) for part in parts):
                raise AssertionError(f"a name changed the path of a request: {request.target!r}; quote names in paths")


def check_secrets(estate: Estate) -> None:
    """No record holds a field that the connector does not read, or the credentials."""

    def extended(asked: Asked) -> Reply:
        reply = estate.healthy(asked)
        return msgspec.structs.replace(reply, body=_with_canaries(reply.body, estate))

    with Server(extended) as server:
        records = read_unmasked(estate.make(server.url))
    require_none("gaps only because responses have more fields", [gap.section for gap in gaps_of(records)])
    require_absent(CANARY, records, "an unrequested field")
    require_absent(estate.secret, records, "the credentials")


def _require_gap(
    estate: Estate, name: str, records: Sequence[DiscoveredRecord], whole: Sequence[DiscoveredRecord], what: str
) -> None:
    """Raise AssertionError if the records have no gap although an operation failed.

    A spare operation needs none, if a section is off because of it or the records are those of the ``whole`` reading.
    """
    if gaps_of(records):
        return
    if name not in estate.spare:
        raise AssertionError(f"{name} {what}, and no section is a gap")
    if not _off(records) <= _off(whole):
        return
    lost = _facts(whole) - _facts(records)
    require_none(f"records that are lost because {name} {what}, without a gap", sorted(lost))


def _off(records: Sequence[DiscoveredRecord]) -> set[str]:
    return {coverage.section for coverage in coverage_of(records) if coverage.status == "off"}


def _facts(records: Sequence[DiscoveredRecord]) -> set[str]:
    """Records without coverage, as text. Each server has another port, which may be part of a key."""
    found = (repr(record) for record in records if not isinstance(record, Coverage))
    return {re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1", text) for text in found}


def _renamed(body: Json, names: Sequence[str]) -> Json:
    match body:
        case dict():
            return {key: (_hostile if key in names else _renamed)(value, names) for key, value in body.items()}
        case list():
            return [_renamed(item, names) for item in body]
    return body


def _hostile(body: Json, names: Sequence[str]) -> Json:
    """A hostile name or list of names; anything else as ``_renamed`` returns it."""
    match body:
        case str():
            return f"{body}{HOSTILE}"
        case list() if all(isinstance(item, str) for item in body):
            return [f"{item}{HOSTILE}" for item in body]
    return _renamed(body, names)


def _with_canaries(body: Json, estate: Estate) -> Json:
    match body:
        case dict():
            more = dict.fromkeys(estate.unread, CANARY)
            kept = {key: value if key in estate.maps else _with_canaries(value, estate) for key, value in body.items()}
            return {**more, **kept}
        case list():
            return [_with_canaries(item, estate) for item in body]
    return body
