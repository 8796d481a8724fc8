"""The history of one identity: what was different from one version to the next. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import TypeAlias

from scanner.diff.aspects import differences
from scanner.diff.records import Era
from scanner.model import Assessment

Version: TypeAlias = tuple[datetime, datetime | None, Assessment]
"""Since when, until when (None: still so), and what it was."""


def eras(versions: Sequence[Version]) -> tuple[Era, ...]:
    """Each version with what it differs in from the one before. ``versions``: oldest first."""
    return tuple(_eras(versions))


def _eras(versions: Sequence[Version]) -> Iterator[Era]:
    for since, until, first in versions[:1]:
        yield Era(since=since, until=until, states=_states(first))
    for (_, ended, before), (since, until, after) in pairwise(versions):
        found = differences(before, after)
        yield Era(since=since, until=until, differences=found, was_gone=ended != since)


def _states(one: Assessment) -> tuple[str, ...]:
    return one.registry.state, one.ownership.state, one.usage.state, one.privilege.level
