"""The parameters of lists, as records: one for each list, from the columns and facets of the index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, get_args

from msgspec import UNSET, Meta, Struct, UnsetType, defstruct

from reports.exposed import KeyState
from reports.states import STATES
from scanner.model import Aspect, EntryStatus, FindingStatus, OrphanReason, Subject
from scanner.rules.catalog import RULES
from scanner.serve.index.lists import LISTS
from scanner.serve.index.questions import LIST_NAMES, IndexQuestion, ListName

T = TypeVar("T")

LONGEST = 1_000
"""Maximum rows in an answer."""
_USUAL = 100
_LONGEST_TEXT = 500
_PLAIN = r"^[^\x00]*$"
"""The pattern of every text: the server refuses null characters."""
_FLAGS = ("true", "false")
_FLAG_COLUMNS = ("abandoned", "rechecked", "gap", "reach_grew", "person", "verified", "public")
_VALUES: Mapping[tuple[ListName, str], tuple[str, ...]] = {
    ("identities", "reason"): get_args(OrphanReason),
    ("findings", "rule"): tuple(rule.id for rule in RULES),
    ("findings", "status"): get_args(FindingStatus),
    ("entries", "status"): get_args(EntryStatus),
    ("exposed", "state"): get_args(KeyState),
    ("changes", "subject"): get_args(Subject),
    ("changes", "aspect"): get_args(Aspect),
}
"""The known values of facets that are neither states nor flags."""

Text = Annotated[
    str, Meta(max_length=_LONGEST_TEXT, pattern=_PLAIN, description="Words that a row must contain, anywhere.")
]
ScanId = Annotated[
    str, Meta(max_length=_LONGEST_TEXT, pattern=_PLAIN, description="A scan by its id; by default the latest.")
]
Limit = Annotated[int, Meta(ge=1, le=LONGEST, description="How many at most.")]
Cursor = Annotated[str, Meta(max_length=4_096, pattern=_PLAIN, description="`next` of the answer before.")]
_ANY = Meta(description="Repeated: any of these. Empty: the value is unknown.")


def values_of(name: ListName, facet: str) -> tuple[str, ...] | None:
    """The values that a facet may have; None for a free text."""
    axis = LISTS[name].axes.get(facet)
    if axis is not None:
        return tuple(STATES[axis])
    return _FLAGS if facet in _FLAG_COLUMNS else _VALUES.get((name, facet))


def _facet(name: ListName, facet: str) -> tuple[str, Any, Any]:
    values = values_of(name, facet)
    value: Any = (
        Annotated[str, Meta(max_length=_LONGEST_TEXT, pattern=_PLAIN)] if values is None else _one_of(*values, "")
    )
    several: Any = tuple.__class_getitem__((value, ...))
    return facet, Annotated[several, _ANY], ()


def _one_of(*values: str) -> Any:
    return Literal.__getitem__(values)


def _record(title: str, name: ListName, *fields: tuple[str, Any, Any]) -> type[Struct]:
    spec = LISTS[name]
    sorts = _one_of(*(f"{sign}{column}" for column in spec.sorts for sign in ("", "-")))
    return defstruct(
        f"{title}{name.title()}",
        [
            ("q", Text, ""),
            ("sort", Annotated[sorts, Meta(description="A column; `-` before it: descending.")] | UnsetType, UNSET),
            ("scan", ScanId | UnsetType, UNSET),
            *fields,
            *(_facet(name, facet) for facet in spec.facets if facet != "scan"),
        ],
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
    )


LIST_QUERIES: Mapping[ListName, type[Struct]] = {
    name: _record("List", name, ("limit", Limit, _USUAL), ("cursor", Cursor | UnsetType, UNSET)) for name in LIST_NAMES
}
"""The parameters of each list."""
FILE_QUERIES: Mapping[ListName, type[Struct]] = {name: _record("File", name) for name in LIST_NAMES}
"""The parameters of the files of each list, which have all rows."""


def given(value: T | UnsetType) -> T | None:
    """An optional parameter. With None in the record, its schema would include ``null``."""
    return None if isinstance(value, UnsetType) else value


def question_of(name: ListName, query: Any) -> IndexQuestion:
    """The question to the index for a query, before the limits of a viewer."""
    sort: str | None = given(query.sort)
    chosen = {facet: frozenset(values) for facet in LISTS[name].facets if (values := getattr(query, facet))}
    return IndexQuestion(
        list=name,
        text=query.q,
        chosen=chosen,
        sort=sort.removeprefix("-") if sort else None,
        descending=bool(sort and sort.startswith("-")),
    )
