"""The logs of OpenAI and Anthropic."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any, ClassVar
from urllib.parse import parse_qs

import pytest

from connectors import testing as hub
from connectors.anthropic import activity as activity_feed
from connectors.anthropic.activity import ActivityFeed, AnthropicActivityLog
from connectors.logs.live import LiveReader
from connectors.logs.names import Networks
from connectors.openai import audit as openai_audit
from connectors.openai.audit import OpenaiAuditLog, OpenaiLog
from tests.connectors.ai_vendors import fake as vendors
from tests.connectors.ai_vendors.fake import Vendor
from tests.connectors.anthropic import estates as anthropic
from tests.connectors.openai import estates as openai
from tests.contract.live.base import Live


class _OfVendor(Live):
    """The log of an organization at a vendor. ``path``: of its listing; ``since``, ``until``: its parameters."""

    path: ClassVar[str]
    since: ClassVar[str]
    until: ClassVar[str]

    def __init__(self, vendor: tuple[Vendor, str]) -> None:
        self.vendor, self.url = vendor
        self.events: list[dict[str, Any]] = []
        self.requests = 0
        self.replies: Iterator[hub.Reply] = iter(())
        self.vendor.faults = self._fault

    @abstractmethod
    def seconds(self, event: dict[str, Any]) -> float:
        """When an event was."""

    @abstractmethod
    def bound(self, value: str) -> float:
        """A parameter's time."""

    def _fault(self, asked: hub.Asked) -> hub.Reply | None:
        """Filters as the API does, the newest first, unless something else is to be answered."""
        if asked.path != self.path:
            return None
        self.requests += 1
        query = {name: self.bound(values[0]) for name, values in parse_qs(asked.query).items() if "_at" in name}
        start, end = query[self.since], query[self.until]
        found = [event for event in self.events if start <= self.seconds(event) < end]
        self.vendor.rest[self.path] = sorted(found, key=self.seconds, reverse=True)
        return next(self.replies, None)

    def asked(self) -> int:
        return self.requests

    def refuse(self, status: int, *, times: int, retry_after: str | None = None) -> None:
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        self.replies = iter([hub.Reply(status=status, body={"error": {"message": "No"}}, headers=headers)] * times)

    def go_in_circles(self) -> None:
        self.replies = iter([hub.Reply(body={"data": [], "has_more": True, "last_id": "again"})] * 1_000)


class Openai(_OfVendor):
    """OpenAI's audit log."""

    scope, caller = "acme", "svc_acct_deploy"
    permission, kept, page = openai_audit.SPEC.permissions[0], 365, 100
    path, since, until = "/v1/organization/audit_logs", "effective_at[gte]", "effective_at[lt]"

    def reader(self) -> LiveReader:
        source = OpenaiLog(openai.connector(self.url))
        return LiveReader("live", source, OpenaiAuditLog.records, partial(openai_audit.OpenaiAuditCounting, Networks()))

    def act(self, at: str, **facts: Any) -> None:
        key = {"id": "key_deploy", "type": "service_account", "service_account": {"id": self.caller}}
        when = round(datetime.fromisoformat(at).timestamp())
        about = {"id": "proj_shop", "changes_requested": {"title": "shop"}}
        self.events.append(
            {"id": f"audit_{len(self.events)}", "type": "project.updated", "effective_at": when,
             "actor": {"type": "api_key", "api_key": key}, "project.updated": about, **facts}
        )  # fmt: skip

    def seconds(self, event: dict[str, Any]) -> float:
        return float(event["effective_at"])

    def bound(self, value: str) -> float:
        return float(value)


class Anthropic(_OfVendor):
    """Anthropic's activity feed."""

    scope, caller = "org_acme", "ada@acme.example"
    permission, kept, page = activity_feed.SPEC.permissions[0], 2190, 1_000
    path, since, until = "/v1/compliance/activities", "created_at.gte", "created_at.lt"

    def reader(self) -> LiveReader:
        source = ActivityFeed(anthropic.connector(self.url))
        return LiveReader(
            "live", source, AnthropicActivityLog.records, partial(activity_feed.AnthropicActivityCounting, Networks())
        )

    def act(self, at: str, **facts: Any) -> None:
        actor = {"type": "user_actor", "email_address": self.caller, "user_id": "user_ada"}
        self.events.append(
            {"id": f"activity_{len(self.events)}", "type": "workspace_created", "created_at": at,
             "organization_id": self.scope, "actor": actor, "workspace_id": "wrkspc_1", **facts}
        )  # fmt: skip

    def seconds(self, event: dict[str, Any]) -> float:
        return datetime.fromisoformat(event["created_at"]).timestamp()

    def bound(self, value: str) -> float:
        return datetime.fromisoformat(value).timestamp()


@pytest.fixture
def openai_vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Vendor, str]]:
    """An organization of OpenAI."""
    monkeypatch.setenv(openai.TOKEN, openai.VALUE)
    api = openai.organization()
    with vendors.served(api) as url:
        yield api, url


@pytest.fixture
def anthropic_vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Vendor, str]]:
    """An organization of Anthropic."""
    monkeypatch.setenv(anthropic.TOKEN, anthropic.VALUE)
    api = anthropic.organization()
    with vendors.served(api) as url:
        yield api, url
