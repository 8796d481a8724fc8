"""Questions about a list, and the answers: records only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, get_args

from msgspec import Struct

from scanner.model import FindingState

ListName: TypeAlias = Literal[
    "identities", "agents", "findings", "entries", "credentials", "exposed", "changes", "coverage"
]
LIST_NAMES: tuple[ListName, ...] = get_args(ListName)

Value: TypeAlias = str | bool | None
"""The value of a facet, as it is in a cell."""


class Only(Struct, frozen=True, kw_only=True):
    """Identities by key and entries by id: only rows about these. ``name`` differs where they do."""

    identities: frozenset[str]
    entries: frozenset[str]
    name: str


class Marks(Struct, frozen=True, kw_only=True):
    """What people have done since the scan: states of findings that replace those in the index.

    ``findings``: by fingerprint. ``identities``: by key, the state of its open findings, of ``owner_rules`` only for
    "proposed". ``name`` differs where they do.
    """

    findings: Mapping[str, FindingState]
    identities: Mapping[str, FindingState]
    owner_rules: frozenset[str]
    name: str


class IndexQuestion(Struct, frozen=True, kw_only=True):
    """A question about a list. ``text``: words that a row must contain, anywhere and in any case.

    ``chosen``: by facet, values; a row must have one of them, in the form of :func:`facet_key`. ``sort``: a column;
    None for the list's own order. Unknown cells come last in both directions, and rows with equal cells in the list's
    own order. ``owners``: only rows that any of these people or groups own, by their ids, addresses and names in lower
    case; None for every row. ``only``: the same of an older scan, where the owners of its time do not count.
    ``suggested``: only identities of which any of these people are to be asked whether it is theirs. ``marks``: later
    states of findings.
    """

    list: ListName
    text: str = ""
    chosen: Mapping[str, frozenset[str]] = {}
    sort: str | None = None
    descending: bool = False
    owners: frozenset[str] | None = None
    only: Only | None = None
    suggested: frozenset[str] | None = None
    marks: Marks | None = None

    @property
    def is_limited(self) -> bool:
        """Whether it is about some rows only, whatever is asked."""
        return not (self.owners is None and self.only is None and self.suggested is None)


class Page(Struct, frozen=True, kw_only=True):
    """Some rows of an answer.

    ``keys``: of an identity or agent its key, of a finding its fingerprint, of an entry its id, of a credential or
    secret its key, of a change the key of its subject, of a coverage section ``source scope section``. ``rows``: the
    cells by column. ``total``: the number of rows in the whole answer. ``next``: the cursor for the rows after these;
    None at the end.
    """

    keys: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]
    total: int
    next: str | None


def facet_key(value: Value) -> str:
    """The text of a facet's value: ``""`` for an absent value, ``true`` and ``false``."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else value
