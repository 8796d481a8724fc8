"""OpenAI's audit log, as its API lists it: from files, or asked for live.

Source: OpenAI's API reference, "Audit logs", and the types of its SDK 3.57.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, ClassVar, Final, NamedTuple

from msgspec import Struct, field

from connectors.core.contract import Connector, Meter
from connectors.core.offline import Unreadable
from connectors.logs import LogSpec
from connectors.logs.content import Records
from connectors.logs.events import Act, Event, EventCounting
from connectors.logs.folders import Layout
from connectors.logs.live import LiveLog, LiveSource, Span
from connectors.logs.names import Networks, plain
from connectors.logs.tally import DENIED, DONE
from connectors.openai import requests as r
from connectors.openai.payloads import Actor
from connectors.vendors.live import VendorLog
from scanner.errors import UsageError
from scanner.model.activity import FeatureSort

SPEC = LogSpec(
    name="openai_audit",
    title="OpenAI audit log",
    provider="openai",
    permissions=(r.AUDIT_LOG.permission,),
    is_live=True,
    blind_spots=(
        "Requests to models: usage by key has their number.",
        "Everything before an owner switched audit logging on.",
        "Refused calls, besides failed sign-ins.",
        "Clients.",
    ),
    unlogged=("api.model:*", "model:*", "responses:*", "chat:*"),
)
_ANYWHERE: Final = "openai"
"""The scope of events in files, which do not name their organization."""
_VERBS_THAT_READ: Final = frozenset({"succeeded", "failed", "issued", "request", "viewed", "read", "listed"})
_FAILED: Final = "failed"
_BECOMES: Final = "access_token:issued"


class _About(Struct, gc=False, frozen=True):
    """The subject of an event, or the holder of a role."""

    id: str | None = None
    principal_id: str | None = None


class _Project(Struct, gc=False, frozen=True):
    id: str | None = None


class Entry(Struct, gc=False, frozen=True):
    """One event, as far as it is read. ``at``: seconds since 1970."""

    type: str
    at: int | float | None = field(default=None, name="effective_at")
    id: str | None = None
    actor: Actor | None = None
    project: _Project | None = None
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
        for one in (self.key_created, self.key_updated, self.key_deleted, self.account_created, self.account_updated,
                    self.account_deleted, self.user_added, self.user_updated, self.user_deleted):  # fmt: skip
            if one is not None:
                return one.id or ""
        given = self.role_given or self.role_taken
        return "" if given is None else given.principal_id or ""


class _Raw(NamedTuple):
    actor: str
    action: str
    address: str
    user_agent: str
    credential: str
    changed: str


class OpenaiAuditCounting(EventCounting[Entry]):
    """Counts the events of one unit. A log is of one organization, which its events do not name."""

    covers_everything = True

    def event(self, record: Entry) -> Event | None:
        """See ``EventCounting``. Raises Unreadable for an event without a time."""
        if record.at is None:
            raise Unreadable("one of its records is not an event")
        actor = record.actor or Actor()
        session = actor.session
        raw = _Raw(
            actor.name or "",
            record.type,
            (session and session.ip_address) or "",
            ((session and session.user_agent) or "")[:400],
            (actor.api_key and actor.api_key.id) or "",
            record.changed,
        )
        return Event(_time(record.at), record.id or "", raw)

    def act(self, raw: Any) -> Act:
        """See ``EventCounting``."""
        what: _Raw = raw
        if not what.actor:
            return Act(_ANYWHERE, by_provider=True)
        action = action_of(what.action)
        sort = sort_of(action)
        features = self.features(
            sort, action, address=what.address, user_agent=what.user_agent, credential=what.credential
        )
        outcome = DENIED if action.endswith(f":{_FAILED}") else DONE
        changed = (plain(what.changed),) if what.changed and sort == "write" else ()
        return Act(_ANYWHERE, plain(what.actor), features, outcome=outcome, changed=changed)


def _time(seconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    except (ValueError, OverflowError, OSError) as error:
        raise Unreadable("the time of a record is not a time") from error


@lru_cache(maxsize=20_000)
def action_of(name: str) -> str:
    """``category:action``, such as ``api_key:created`` of ``api_key.created``."""
    category, _, action = name.lower().rpartition(".")
    return f"{plain(category.replace(':', '.'), 64) or 'unknown'}:{plain(action, 100) or 'unknown'}"


@lru_cache(maxsize=20_000)
def sort_of(action: str) -> FeatureSort:
    """A token that is issued for a workload is how someone elsewhere becomes a service account."""
    if action.endswith(_BECOMES):
        return "become"
    return "read" if action.rpartition(":")[2] in _VERBS_THAT_READ else "write"


class OpenaiLog(VendorLog):
    """The audit log of a source's organization. OpenAI names no end of what it keeps; a year is relied on."""

    request = r.AUDIT_LOG
    kept = 365
    kept_by: ClassVar[str] = "OpenAI, as far as Muster relies on it,"

    def __init__(self, source: Connector | None) -> None:
        from connectors.openai.connector import OpenaiConnector

        if not isinstance(source, OpenaiConnector):
            raise UsageError("a log without a path is read through a source of type openai: set path, or source")
        meter = Meter()
        super().__init__(source.log_api(meter), meter)
        self._organization = source.organization

    def organization(self) -> str:
        """See ``VendorLog``."""
        return self._organization

    def asked_of(self, span: Span) -> Mapping[str, str]:
        """See ``VendorLog``."""
        since, until = int(span.since.timestamp()), int(span.until.timestamp())
        return {"effective_at[gte]": str(since), "effective_at[lt]": str(until)}


class OpenaiAuditLog(LiveLog):
    """Reads answers of the API from files, or asks OpenAI."""

    spec: ClassVar[LogSpec] = SPEC
    layout: ClassVar[Layout] = Layout()
    records: ClassVar[Records[Entry]] = Records(Entry, ("data",))

    def counting(self, networks: Networks) -> OpenaiAuditCounting:
        """See ``FileLog``."""
        return OpenaiAuditCounting(networks)

    def live(self, source: Connector | None) -> LiveSource:
        """See ``LiveLog``."""
        return OpenaiLog(source)
