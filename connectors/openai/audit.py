"""OpenAI's audit log, as its API lists it: from files, or asked for live.

Source: OpenAI's API reference, "Audit logs", and the types of its SDK 3.57.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar

from msgspec import Struct, field

from connectors.ai_vendors.logs import Actions, RawAct, VendorCounting, VendorLog
from connectors.core.contract import Connector
from connectors.core.offline import Unreadable
from connectors.logs import LogSpec
from connectors.logs.content import Records
from connectors.logs.events import Event
from connectors.logs.folders import Layout
from connectors.logs.live import LiveLog, LiveSource, Span
from connectors.logs.names import Networks
from connectors.openai.connector import OpenaiConnector
from connectors.openai.payloads import Actor
from connectors.openai.spec import TABLE

SPEC = LogSpec(
    name="openai_audit",
    title="OpenAI audit log",
    provider="openai",
    permissions=(TABLE.events.permission,),
    is_live=True,
    blind_spots=(
        "Requests to models: usage by key has their number.",
        "Everything before an owner switched audit logging on.",
        "Refused calls, besides failed sign-ins.",
        "Clients.",
    ),
    unlogged=("api.model:*", "model:*", "responses:*", "chat:*"),
)


class _About(Struct, gc=False, frozen=True):
    """The subject of an event, or the holder of a role."""

    id: str | None = None
    principal_id: str | None = None


class OpenAiEntry(Struct, gc=False, frozen=True):
    """One event, as far as it is read. ``at``: seconds since 1970."""

    type: str
    at: int | float | None = field(default=None, name="effective_at")
    id: str | None = None
    actor: Actor | None = None
    key_created: _About | None = field(default=None, name="api_key.created")
    key_updated: _About | None = field(default=None, name="api_key.updated")
    key_deleted: _About | None = field(default=None, name="api_key.deleted")
    account_created: _About | None = field(default=None, name="service_account.created")
    account_updated: _About | None = field(default=None, name="service_account.updated")
    account_deleted: _About | None = field(default=None, name="service_account.deleted")
    user_added: _About | None = field(default=None, name="user.added")
    user_updated: _About | None = field(default=None, name="user.updated")
    user_deleted: _About | None = field(default=None, name="user.deleted")
    role_given: _About | None = field(default=None, name="role.assignment.created")
    role_taken: _About | None = field(default=None, name="role.assignment.deleted")

    @property
    def changed(self) -> str:
        """The id of the identity or key that was changed."""
        for about in (self.key_created, self.key_updated, self.key_deleted, self.account_created, self.account_updated,
                      self.account_deleted, self.user_added, self.user_updated, self.user_deleted):  # fmt: skip
            if about is not None:
                return about.id or ""
        given = self.role_given or self.role_taken
        return "" if given is None else given.principal_id or ""


class OpenaiAuditCounting(VendorCounting[OpenAiEntry]):
    """Counts the events of one unit. A log is of one organization, which its events do not name."""

    covers_everything = True
    anywhere = "openai"
    actions = Actions(
        separator=".",
        reads=frozenset({"succeeded", "failed", "issued", "request", "viewed", "read", "listed"}),
        becomes="access_token:issued",
        failed="failed",
    )

    def event(self, record: OpenAiEntry) -> Event | str | None:
        """See ``EventCounting``. Raises Unreadable for an event without a time."""
        if record.at is None:
            raise Unreadable("one of its records is not an event")
        try:
            time = f"{datetime.fromtimestamp(record.at, UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        except (ValueError, OverflowError, OSError) as error:
            raise Unreadable("the time of a record is not a time") from error
        actor = record.actor or Actor()
        session = actor.session
        raw = RawAct(
            "",
            actor.name or "",
            record.type,
            (session and session.ip_address) or "",
            ((session and session.user_agent) or "")[:400],
            (actor.api_key and actor.api_key.id) or "",
            record.changed,
        )
        return Event(time, record.id or "", raw)


class OpenaiLog(VendorLog):
    """The audit log of a source's organization. OpenAI names no end of what it keeps; a year is relied on."""

    connector = OpenaiConnector
    kept = 365
    kept_by: ClassVar[str] = "OpenAI, as far as Muster relies on it,"

    def asked_of(self, span: Span) -> Mapping[str, str]:
        """See ``VendorLog``."""
        since, until = int(span.since.timestamp()), int(span.until.timestamp())
        return {"effective_at[gte]": str(since), "effective_at[lt]": str(until)}


class OpenaiAuditLog(LiveLog):
    """Reads answers of the API from files, or asks OpenAI."""

    spec: ClassVar[LogSpec] = SPEC
    layout: ClassVar[Layout] = Layout()
    records: ClassVar[Records[OpenAiEntry]] = Records(OpenAiEntry, ("data",))

    def counting(self, networks: Networks) -> OpenaiAuditCounting:
        """See ``FileLog``."""
        return OpenaiAuditCounting(networks)

    def live(self, source: Connector | None) -> LiveSource:
        """See ``LiveLog``."""
        return OpenaiLog(source)
