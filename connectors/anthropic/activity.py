"""Anthropic's activity feed, as its Compliance API lists it, from files or live.

Source: Anthropic's documentation, "Compliance API", "Activity Feed".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from msgspec import Struct

from connectors.ai_vendors.logs import Actions, RawAct, VendorCounting, VendorLog
from connectors.anthropic.connector import AnthropicConnector
from connectors.anthropic.spec import TABLE
from connectors.core.contract import Connector
from connectors.core.offline import Unreadable
from connectors.logs import LogSpec
from connectors.logs.content import Records
from connectors.logs.events import Event
from connectors.logs.folders import Layout
from connectors.logs.live import LiveLog, LiveSource, Span
from connectors.logs.names import Networks

SPEC = LogSpec(
    name="anthropic_activity",
    title="Anthropic activity feed",
    provider="anthropic",
    permissions=(TABLE.events.permission,),
    is_live=True,
    blind_spots=(
        "Requests to models with a key: usage by key has their number.",
        "Everything before the Compliance API was switched on.",
        "Refused calls.",
    ),
    unlogged=("messages:*", "message:*"),
)

_READS = frozenset(
    {"viewed", "accessed", "read", "listed", "downloaded", "exported", "retrieved", "searched", "succeeded", "in"}
)
"""Verbs that change nothing."""


class _Actor(Struct, gc=False, frozen=True):
    """The actor; its members depend on the type."""

    type: str = ""
    email_address: str | None = None
    user_id: str | None = None
    service_account_id: str | None = None
    api_key_id: str | None = None
    admin_api_key_id: str | None = None
    ip_address: str | None = None
    user_agent: str | None = None

    @property
    def name(self) -> str:
        """A service account's id, a person's address or id, or the id of a key."""
        return self.service_account_id or self.email_address or self.user_id or self.credential

    @property
    def credential(self) -> str:
        """The id of the key."""
        return self.api_key_id or self.admin_api_key_id or ""


class Entry(Struct, gc=False, frozen=True):
    """The fields of an activity that are read."""

    type: str
    created_at: str | None = None
    id: str | None = None
    organization_id: str | None = None
    actor: _Actor | None = None
    api_key_id: str | None = None
    service_account_id: str | None = None
    user_id: str | None = None


class AnthropicActivityCounting(VendorCounting[Entry]):
    """Counts the activities of one unit."""

    anywhere = "anthropic"
    actions = Actions(
        separator="_",
        reads=_READS,
    )

    def event(self, record: Entry) -> Event | str | None:
        """See ``EventCounting``. Raises Unreadable for an activity without a time."""
        if not record.created_at:
            raise Unreadable("one of its records is not an activity")
        actor = record.actor or _Actor()
        raw = RawAct(
            record.organization_id or "",
            actor.name,
            record.type,
            actor.ip_address or "",
            (actor.user_agent or "")[:400],
            actor.credential,
            record.service_account_id or record.api_key_id or record.user_id or "",
        )
        return Event(record.created_at, record.id or "", raw)


class ActivityFeed(VendorLog):
    """The activities of a source's organization, which Anthropic keeps for six years."""

    connector = AnthropicConnector
    kept = 2190
    kept_by: ClassVar[str] = "Anthropic"

    def asked_of(self, span: Span) -> Mapping[str, str]:
        """See ``VendorLog``."""
        form = "%Y-%m-%dT%H:%M:%SZ"
        return {"created_at.gte": f"{span.since:{form}}", "created_at.lt": f"{span.until:{form}}"}


class AnthropicActivityLog(LiveLog):
    """Reads answers of the API from files, or asks Anthropic."""

    spec: ClassVar[LogSpec] = SPEC
    layout: ClassVar[Layout] = Layout()
    records: ClassVar[Records[Entry]] = Records(Entry, ("data",))

    def counting(self, networks: Networks) -> AnthropicActivityCounting:
        """See ``FileLog``."""
        return AnthropicActivityCounting(networks)

    def live(self, source: Connector | None) -> LiveSource:
        """See ``LiveLog``."""
        return ActivityFeed(source)
