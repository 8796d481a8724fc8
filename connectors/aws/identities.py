"""What the identities of an account have in common (pure)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from connectors.aws.payloads import Boundary

USER_USE_TRACKED_DAYS = 3650
"""Passwords have been tracked since 2014-10-20 and keys since 2015-04-22: longer than this, and ever longer."""


class Place(Struct, frozen=True, kw_only=True, gc=False):
    """Where identities were found; ``partition`` is the part of every ARN that tells AWS's worlds apart."""

    source: str
    account: str
    partition: str = "aws"


def boundary_of(boundary: Boundary | None) -> str | None:
    """The ARN of a permissions boundary."""
    return None if boundary is None else boundary.permissions_boundary_arn


def newest(*moments: datetime | None) -> datetime | None:
    """The latest of them; None where none is known."""
    return max((moment for moment in moments if moment is not None), default=None)


def iso(moment: datetime | None) -> str | None:
    """A moment as attributes hold it."""
    return None if moment is None else moment.isoformat()


def known(**facts: Any) -> dict[str, Any]:
    """The facts that are known; an empty list is none."""
    return {name: fact for name, fact in facts.items() if fact is not None and fact != []}
