"""What a kind of record is to the store: what is its content, and what moves from scan to scan without it changing.

Content goes into a version's body and its hash. What moves (when it was last used, whether its place was read this
time, whether a finding is new, which row of a spreadsheet an entry stands in) goes into a :class:`Sighting`, so that
an identity that is used every day is not stored anew every day. Both are put together again on loading.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Generic, TypeAlias, TypeVar

from msgspec import Struct
from sqlalchemy import Row, Table

from scanner.history.bodies import compact
from scanner.history.wordings import Wording
from scanner.model import Assessment, Assignment, EntryAssessment, Finding, Origin, StoredSecret, Workload

R = TypeVar("R", Assessment, StoredSecret, Workload, Assignment, EntryAssessment, Finding)

Wordings: TypeAlias = Mapping[str, Wording]


class Sighting(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What moves in a record. One with nothing but defaults is not stored.

    ``credentials``: last use of each credential, in the identity's order; empty when none is known.
    ``usage_evidence`` is here because it tells the date of the last use.
    """

    rechecked: bool = True
    new: bool = False
    reopened: bool = False
    last_used_at: datetime | None = None
    observed_at: datetime | None = None
    credentials: tuple[datetime | None, ...] = ()
    usage_last_used_at: datetime | None = None
    usage_evidence: str = ""
    origin: Origin | None = None


class RecordKind(Struct, Generic[R], frozen=True, kw_only=True):
    """One kind of record and its tables.

    ``content`` takes out what ``sighting`` holds, ``restore`` puts it back: ``restore(content(r), sighting(r)) == r``.
    ``moves`` is false where the sighting is empty. Of the content, ``facts`` are the columns between a version's hash
    and its body, ``body`` is what the body holds, and ``load`` makes it out of both again. ``order`` is what the
    records of a scan are sorted by, if they are.
    """

    name: str
    versions: Table
    sightings: Table
    key: Callable[[R], str]
    order: Callable[[R], Any]
    content: Callable[[R], R]
    facts: Callable[[R], tuple[str | None, ...]]
    body: Callable[[R], Struct] = compact
    load: Callable[[Row[Any], Wordings], R]
    moves: Callable[[R], bool] = lambda _: True
    sighting: Callable[[R], Sighting]
    restore: Callable[[R, Sighting], R]
