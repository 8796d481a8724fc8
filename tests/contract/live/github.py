"""The audit log of GitHub."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from connectors import testing as hub
from connectors.github.logs import audit as github_audit
from connectors.github.logs.live import OrganizationLog
from connectors.logs.live import LiveReader
from connectors.logs.names import Networks
from tests.connectors.github import estates
from tests.connectors.github.estates import connector as github_connector
from tests.connectors.github.fake import GithubServer, Organization, served
from tests.contract.live.base import Live


class Github(Live):
    """The audit log of an organization."""

    scope, caller = "acme", "ledger[bot]"
    permission = "organization_administration: read (App), or read:audit_log (token)"
    kept, page = 180, 100

    def __init__(self, github: tuple[GithubServer, str]) -> None:
        self.server, self.url = github
        self.requests = 0
        self.replies: Iterator[hub.Reply] = iter(())
        self.server.faults = self._fault

    def _fault(self, _: hub.Asked) -> hub.Reply | None:
        self.requests += 1
        return next(self.replies, None)

    def reader(self) -> LiveReader:
        source = OrganizationLog(github_connector(self.url))
        return LiveReader(
            "live", source, github_audit.GithubAuditLog.records, partial(github_audit.GithubAuditCounting, Networks())
        )

    def act(self, at: str, **facts: Any) -> None:
        rows = self.server.organization.rows("audit-log")
        when = round(datetime.fromisoformat(at).timestamp() * 1000)
        rows.append(
            {"@timestamp": when, "action": "repo.create", "actor": self.caller, "org": "acme",
             "_document_id": f"d{len(rows)}", **facts}
        )  # fmt: skip

    def asked(self) -> int:
        return self.requests

    def refuse(self, status: int, *, times: int, retry_after: str | None = None) -> None:
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        self.replies = iter([hub.Reply(status=status, body={"message": "No"}, headers=headers)] * times)

    def go_in_circles(self) -> None:
        link = {"Link": '<{url}/orgs/acme/audit-log?after=2>; rel="next"'}
        self.replies = iter([hub.Reply(body=[], headers=link)] * 1_000)


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[GithubServer, str]]:
    """An organization whose audit log is empty."""
    monkeypatch.setenv(estates.TOKEN, estates.VALUE)
    with served(Organization(), token=estates.VALUE) as found:
        yield found
