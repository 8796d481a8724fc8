"""Random records and random sequences of scans, made from the records' own types so that no field is forgotten."""

from __future__ import annotations

import types
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from scanner.model import (
    Assessment,
    Assignment,
    Coverage,
    EntryAssessment,
    Finding,
    Policy,
    ScanInfo,
    ScanResult,
    StoredSecret,
    Summary,
    Workload,
)

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
_scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
_json = st.recursive(
    _scalars | _text,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_text, inner, max_size=2),
    max_leaves=3,
)
_LEAVES: dict[Any, st.SearchStrategy[Any]] = {
    str: _text,
    bool: st.booleans(),
    int: st.integers(-(2**31), 2**31),
    float: st.floats(0, 1),
    datetime: st.datetimes(timezones=st.just(UTC)),
    date: st.dates(),
    types.NoneType: st.none(),
    Any: _json,
}


@cache
def of(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a type, as far as the model's records use types."""
    if kind in _LEAVES:
        return _LEAVES[kind]
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        return st.sampled_from(parts)
    if origin in (Union, types.UnionType):
        return st.one_of(*map(of, parts))
    if origin is tuple:
        return st.lists(of(parts[0]), max_size=2).map(tuple)
    if origin is Mapping:
        return st.dictionaries(of(parts[0]), of(parts[1]), max_size=2)
    hints = {name: hint for name, hint in get_type_hints(kind).items() if (kind, name) not in _KEPT_APART}
    return st.builds(kind, **{name: of(hint) for name, hint in hints.items()})


_KEPT_APART = {(Assessment, "activity"), (Assessment, "deviations")}
"""What an identity did is kept by day, and not with it."""


def _rekeyed(record: Any, key: str) -> Any:
    match record:
        case Assessment():
            return replace(record, identity=replace(record.identity, key=key))
        case EntryAssessment():
            return replace(record, entry=replace(record.entry, id=key))
        case Finding():
            return replace(record, fingerprint=key, asked=None, handled=None)  # what people do has tables of its own
        case _:
            return replace(record, key=key)


@st.composite
def _states(draw: st.DrawFn, kind: type[Struct], scans: int) -> list[tuple[Any, ...]]:
    """One kind's records in each of several scans: a few keys that come, go and change, in any order."""
    keys = draw(st.lists(_text, unique=True, max_size=3))
    variants = {key: [_rekeyed(one, key) for one in draw(st.lists(of(kind), min_size=1, max_size=2))] for key in keys}
    return [
        tuple(draw(st.sampled_from(variants[key])) for key in draw(st.permutations(keys)) if draw(st.booleans()))
        for _ in range(scans)
    ]


@st.composite
def scan_sequences(draw: st.DrawFn) -> list[ScanResult]:
    """One to four scans that follow each other."""
    count = draw(st.integers(1, 4))
    identities, secrets, workloads, assignments, entries, findings = (
        draw(_states(kind, count))
        for kind in (Assessment, StoredSecret, Workload, Assignment, EntryAssessment, Finding)
    )
    return [
        ScanResult(
            scan=replace(draw(of(ScanInfo)), id=f"scan-{number}"),
            summary=draw(of(Summary)),
            coverage=draw(of(tuple[Coverage, ...])),
            identities=identities[number],
            secrets=secrets[number],
            workloads=workloads[number],
            assignments=assignments[number],
            entries=entries[number],
            findings=findings[number],
            policy=draw(of(Policy)),
            notices=draw(of(tuple[str, ...])),
        )
        for number in range(count)
    ]
