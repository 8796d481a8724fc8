"""A fake Google Cloud for each test, and a connector that is pointed at it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from connectors.core.contract import DiscoveredRecord, Meter, Scope
from connectors.gcp.client.api import GcpApi
from connectors.gcp.client.session import GcpSession
from connectors.gcp.connector import GcpConnector
from connectors.gcp.settings import GcpSettings
from scanner.demo.fakes.gcp.cloud import Cloud
from scanner.demo.fakes.gcp.grpc_iam import grpc_server
from scanner.demo.fakes.gcp.server import rest_server
from scanner.redaction.redact import SecretRef

ORGANIZATION = "organizations/123456789012"
READS_ONLY = re.compile(
    r"(?!.*(:access\b|keyString|lookupKey|generate\w*Token|:sign|:undelete))"
    r"(GET /|POST /[^?]+:(getIamPolicy|testIamPermissions)\b|POST /v2/entries:list$"
    r"|google\.iam\.admin\.v1\.IAM/(List|Get))"
)
TOKEN = "ya29.a-token-of-nobody-that-lives-for-one-test"


class Place:
    """A running cloud. ``settings`` and what follows take any of the connector's settings."""

    def __init__(self, cloud: Cloud, url: str, grpc: str | None, token: Path) -> None:
        self.cloud = cloud
        self.url = url
        self._grpc = grpc
        self._token = token

    def settings(self, **facts: Any) -> GcpSettings:
        usual: dict[str, Any] = {
            "endpoint_url": self.url,
            "grpc_endpoint": self._grpc,
            "access_token": SecretRef(file=str(self._token)),
            "backoff": 0.001,
            "max_attempts": 4,
            "locations": ("europe-west1",),
        }
        return GcpSettings(**usual | facts)

    def connector(self, **facts: Any) -> GcpConnector:
        return GcpConnector("prod", self.settings(**facts))

    def api(self, meter: Meter | None = None, own_project: tuple[str, ...] = (), **facts: Any) -> GcpApi:
        return GcpApi(GcpSession(self.settings(**facts)), meter or Meter(), own_project=own_project)

    def scan(self, **facts: Any) -> list[DiscoveredRecord]:
        """All records of all scopes."""
        connector = self.connector(**facts)
        records: list[DiscoveredRecord] = []
        for scope in connector.scopes():
            records += connector.discover(scope) if isinstance(scope, Scope) else [scope]
        return records


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[Cloud], Place]]:
    """Run a cloud over REST and gRPC; when the test ends, no one may have changed anything or read a value."""
    token = tmp_path / "token"
    token.write_text(TOKEN)
    clouds: list[Cloud] = []
    with ExitStack() as stack:

        def run(cloud: Cloud) -> Place:
            clouds.append(cloud)
            return Place(cloud, stack.enter_context(rest_server(cloud)), stack.enter_context(grpc_server(cloud)), token)

        yield run
    assert [line for cloud in clouds for line in cloud.log if not READS_ONLY.match(line)] == []


@pytest.fixture
def place(start: Callable[[Cloud], Place]) -> Place:
    """An organisation with a folder and two projects, with a service account in each."""
    return start(small_company())


def small_company() -> Cloud:
    cloud = Cloud()
    organization = cloud.add_organization("123456789012")
    folder = cloud.add_folder("456", organization)
    cloud.add_project("acme-prod", "1111", folder, labels={"owner": "ada"})
    cloud.add_project("acme-dev", "2222", organization)
    cloud.add_account("acme-prod", "billing", displayName="Billing")
    cloud.add_account("acme-dev", "builder", disabled=True)
    return cloud
