"""Records of a comparison of two scans."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from scanner.model import Aspect, Change, ScanInfo


class Difference(Struct, frozen=True, kw_only=True, gc=False):
    """A change of one aspect of an identity; None for a side without a value.

    ``reach_grew``: it can do or assume more than before, even at the same privilege level. ``caveat``: why the change
    may be older, or no change.
    """

    aspect: Aspect
    before: str | None = None
    after: str | None = None
    reach_grew: bool = False
    caveat: str | None = None


class Counts(Struct, frozen=True, kw_only=True):
    """Numbers of changed identities (``moved`` includes ``replaced``), findings and entries."""

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
    worsened: int = 0
    appeared: int = 0


class Diff(Struct, frozen=True, kw_only=True):
    """All changes between two scans.

    Who appeared, what has worsened and who became an admin come first; then identities, findings and entries, the most
    important first.
    """

    old: ScanInfo
    new: ScanInfo
    summary: Counts
    changes: tuple[Change, ...] = ()
    notices: tuple[str, ...] = ()


class Era(Struct, frozen=True, kw_only=True):
    """A period in which an identity did not change. ``until`` None: the current one.

    ``states``: verdicts of the first period, by axis. ``differences``: from the period before. ``was_gone``: the
    identity was absent between the two.
    """

    since: datetime
    until: datetime | None
    states: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    was_gone: bool = False
