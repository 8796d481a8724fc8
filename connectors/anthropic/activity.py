"""Anthropic's activity feed, as its Compliance API lists it, from files or live.

Source: Anthropic's documentation, "Compliance API", "Activity Feed".
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar, Final, NamedTuple

from msgspec import Struct

from connectors.anthropic import requests as r
from connectors.core.contract import Connector, Meter
from connectors.core.offline import Unreadable
from connectors.logs import LogSpec
from connectors.logs.content import Records
from connectors.logs.events import Act, Event, EventCounting
from connectors.logs.folders import Layout
from connectors.logs.live import LiveLog, LiveSource, Span
from connectors.logs.names import Networks, plain
from connectors.vendors.live import VendorLog
from scanner.errors import UsageError
from scanner.model.activity import FeatureSort

SPEC = LogSpec(
    name="anthropic_activity",
    title="Anthropic activity feed",
    provider="anthropic",
    permissions=(r.ACTIVITIES.permission,),
    is_live=True,
    blind_spots=(
        "Requests to models with a key: usage by key has their number.",
        "Everything before the Compliance API was switched on.",
        "Refused calls.",
    ),
    unlogged=("messages:*", "message:*"),
)
_ANYWHERE: Final = "anthropic"
_VERBS_THAT_READ: Final = frozenset(
    {"viewed", "accessed", "read", "listed", "downloaded", "exported", "retrieved", "searched", "succeeded", "in"}
)


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


class _Raw(NamedTuple):
    scope: str
    actor: str
    action: str
    address: str
    user_agent: str
    credential: str
    changed: str


class AnthropicActivityCounting(EventCounting[Entry]):
    """Counts the activities of one unit."""

    def event(self, record: Entry) -> Event | None:
        """See ``EventCounting``. Raises Unreadable for an activity without a time."""
        if not record.created_at:
            raise Unreadable("one of its records is not an activity")
        actor = record.actor or _Actor()
        raw = _Raw(
            record.organization_id or "",
            actor.name,
            record.type,
            actor.ip_address or "",
            (actor.user_agent or "")[:400],
            actor.credential,
            record.service_account_id or record.api_key_id or record.user_id or "",
        )
        return Event(record.created_at, record.id or "", raw)

    def act(self, raw: Any) -> Act:
        """See ``EventCounting``."""
        what: _Raw = raw
        scope = plain(what.scope, 128) or _ANYWHERE
        if not what.actor:
            return Act(scope, by_provider=True)
        action = action_of(what.action)
        sort = sort_of(action)
        features = self.features(
            sort, action, address=what.address, user_agent=what.user_agent, credential=what.credential
        )
        changed = (plain(what.changed),) if what.changed and sort == "write" else ()
        return Act(scope, plain(what.actor), features, changed=changed)


@lru_cache(maxsize=20_000)
def action_of(name: str) -> str:
    """``category:action``, such as ``claude_chat:created`` of ``claude_chat_created``."""
    category, _, action = name.lower().rpartition("_")
    return f"{plain(category.replace(':', '.'), 64) or 'unknown'}:{plain(action, 100) or 'unknown'}"


@lru_cache(maxsize=20_000)
def sort_of(action: str) -> FeatureSort:
    """The class of an action, by its verb."""
    return "read" if action.rpartition(":")[2] in _VERBS_THAT_READ else "write"


class ActivityFeed(VendorLog):
    """The activities of a source's organization, which Anthropic keeps for six years."""

    request = r.ACTIVITIES
    kept = 2190
    kept_by: ClassVar[str] = "Anthropic"

    def __init__(self, source: Connector | None) -> None:
        from connectors.anthropic.connector import AnthropicConnector

        if not isinstance(source, AnthropicConnector):
            raise UsageError("a log without a path is read through a source of type anthropic: set path, or source")
        meter = Meter()
        super().__init__(source.log_api(meter), meter)
        self._source = source

    def organization(self) -> str:
        """See ``VendorLog``."""
        return self._source.named(self._api)

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
