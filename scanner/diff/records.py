"""The vocabulary of a difference between two scans."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from scanner.model import Aspect, Change, ScanInfo


class Difference(Struct, frozen=True, kw_only=True, gc=False):
    """One aspect of an identity that is another than before; None where there is nothing to tell of a side.

    ``reach_grew``: it can do or become more than before, also where its privilege is called the same.
    ``caveat``: why it may not be as it looks.
    """

    aspect: Aspect
    before: str | None = None
    after: str | None = None
    reach_grew: bool = False
    caveat: str | None = None


class Counts(Struct, frozen=True, kw_only=True):
    """How many identities each thing happened to (``moved``: those replaced, too), and how many findings."""

    joined: int = 0
    moved: int = 0
    left: int = 0
    returned: int = 0
    not_rechecked: int = 0
    reach_grew: int = 0
    replaced: int = 0
    new_findings: int = 0
    reopened_findings: int = 0
    resolved_findings: int = 0
    entries: int = 0
    forgotten: int = 0
    forgotten_findings: int = 0


class Diff(Struct, frozen=True, kw_only=True):
    """All that changed from one scan to another: what matters first, identities before findings before entries."""

    old: ScanInfo
    new: ScanInfo
    summary: Counts
    changes: tuple[Change, ...] = ()
    notices: tuple[str, ...] = ()


class Era(Struct, frozen=True, kw_only=True):
    """A time in which an identity was the same. ``until`` None: it still is.

    ``states``: the first one's verdicts, axis by axis. ``differences``: to the era before.
    ``was_gone``: between the two it was not there.
    """

    since: datetime
    until: datetime | None
    states: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    was_gone: bool = False
