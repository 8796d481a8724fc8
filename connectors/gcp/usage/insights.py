"""Recommender's insights of service accounts: which went unused, and how much of their roles they used.

Source: the documentation of the insight types google.iam.serviceAccount.Insight and google.iam.policy.Insight.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct, field

from connectors.base import DiscoveredRecord, SectionReading
from connectors.gcp import requests as r
from connectors.gcp.payloads import Moment, in_utc
from connectors.gcp.reader import Reader
from connectors.gcp.usage.joined import INSIGHTS
from scanner.errors import SourceError

_ACCOUNT = "serviceAccount:"


class _Content(Struct, frozen=True, kw_only=True, rename="camel"):
    email: str = ""
    last_authenticated_time: Moment | None = None
    member: str = ""
    role: str = ""
    exercised_permissions: list[Any] = []
    total: str | int = field(name="currentTotalPermissionsCount", default="")


class Insight(Struct, kw_only=True):
    """An insight as recommender.googleapis.com v1 has it; its content is of its type."""

    name: str = ""
    content: _Content = _Content()


def unused_since(row: Insight) -> str:
    """What it says of an account that went unused."""
    last = in_utc(row.content.last_authenticated_time)
    return "in 90 days" if last is None else f"since {last:%Y-%m-%d}"


def role_used(row: Insight) -> str | None:
    """How much of a role was used in 90 days; None where it says nothing of a service account."""
    content = row.content
    if not content.member.startswith(_ACCOUNT) or not content.role:
        return None
    of = f" of {content.total}" if str(content.total).isdecimal() else ""
    return f"{content.role}: {len(content.exercised_permissions)}{of} permissions used"


def read_insights(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Noted by e-mail of the account. One of the two types may be refused without the other."""
    readings = (_read_unused, _read_roles_used)
    failed: list[SourceError] = []
    with reader.section(INSIGHTS) as section:
        for read in readings:
            try:
                read(reader, section)
            except SourceError as error:
                failed.append(error)
        for each in failed:
            section.lost(each, partial=len(failed) < len(readings))
    yield from reader.done(section)


def _read_unused(reader: Reader, section: SectionReading) -> None:
    for row in reader.rows(section, r.ACCOUNT_INSIGHTS, Insight, parent=reader.place.name):
        reader.found.unused[row.content.email] = unused_since(row)


def _read_roles_used(reader: Reader, section: SectionReading) -> None:
    for row in reader.rows(section, r.POLICY_INSIGHTS, Insight, parent=reader.place.name):
        if (used := role_used(row)) is not None:
            reader.found.roles_used[row.content.member.removeprefix(_ACCOUNT)].append(used)
