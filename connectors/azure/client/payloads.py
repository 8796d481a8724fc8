"""Envelopes and dates of the services' answers. Rows stay raw, so that a malformed row affects no other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from msgspec import Meta, Raw, Struct, field

ObjectId = Annotated[str, Meta(pattern=r"\A(?!\.{1,2}\Z)[A-Za-z0-9._~!$&'()*+,=:@-]{1,255}\Z")]
"""An id: a GUID, or any text that needs no quoting in a path segment (RFC 3986, section 3.3)."""


class Page(Struct, frozen=True):
    """One page of a list. Graph, and the resource manager and vaults, name the next link differently."""

    value: list[Raw]
    graph_next: str | None = field(default=None, name="@odata.nextLink")
    arm_next: str | None = field(default=None, name="nextLink")

    @property
    def next_link(self) -> str | None:
        """The link to the next page; None on the last."""
        return self.graph_next or self.arm_next or None


class GraphQuestion(Struct, frozen=True):
    """One inner request of a batch; its id is its place among the others."""

    id: str
    url: str
    headers: Mapping[str, str] = {}
    method: str = "GET"


class GraphAnswer(Struct, frozen=True):
    """One inner answer of a batch. The order of answers is arbitrary."""

    id: str
    status: int
    headers: dict[str, Any] = {}
    body: Raw = Raw(b"null")

    @property
    def status_code(self) -> int:
        """The status, under the name in an outer answer."""
        return self.status

    @property
    def content(self) -> bytes:
        """The body, under the name in an outer answer."""
        return bytes(self.body)


class GraphAnswers(Struct, frozen=True):
    """The answer to a batch."""

    responses: list[GraphAnswer]


class Rows(Struct, frozen=True, rename={"skip_token": "$skipToken", "truncated": "resultTruncated"}):
    """One page of a Resource Graph query. ``truncated`` is a string, not a boolean."""

    data: list[Raw]
    skip_token: str | None = None
    truncated: str | None = None


# --- Dates in Microsoft's formats ---

RESTORABLE = timedelta(days=30)
"""How long a deleted object can be restored. Source: https://learn.microsoft.com/graph/api/resources/directory"""
# The samples of Graph's reports have offsets of one digit: 2021-04-01T00:00:00-8:00.
_SHORT_OFFSET = re.compile(r"([+-])(\d:\d\d)\Z")


def moment(value: object) -> datetime | None:
    """A date in UTC; None if it is invalid or has no offset."""
    try:
        reported = (
            value if isinstance(value, datetime) else datetime.fromisoformat(_SHORT_OFFSET.sub(r"\g<1>0\2", str(value)))
        )
        return reported.astimezone(UTC) if reported.tzinfo else None
    except (ValueError, OverflowError):
        return None
