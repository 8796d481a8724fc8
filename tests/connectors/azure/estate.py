"""A tenant behind the wire-level fake, and sources that read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

from connectors.azure.client.api import AzureApi
from connectors.azure.client.requests import VERSIONS, allowed
from connectors.azure.connector import AzureConnector
from connectors.azure.settings import AzureSettings
from connectors.core.contract import DiscoveredRecord, Meter, Scope
from scanner.demo.fakes.azure.login import AUDIENCES
from scanner.demo.fakes.azure.server import AzureServer, Exchange
from scanner.demo.fakes.azure.tenant import Tenant
from scanner.demo.fakes.azure.wire import Call, Service
from scanner.model import Coverage
from scanner.redaction.redact import SecretRef
from tests.connectors.azure import oracle

SECRET_VARIABLE = "AZURE_CLIENT_SECRET"
ATTEMPTS = 2


class AzureEstate:
    """A running server and anyone who asks it. ``facts`` are settings."""

    def __init__(self, server: AzureServer) -> None:
        self.server = server
        self.tenant: Tenant = server.tenant
        self.is_hostile = False
        """Set by a test that lets the server say what no service does."""
        self.unpublished: list[str] = []
        """What of the exchanges so far is not as Microsoft publishes it."""

    def settings(self, **facts: Any) -> AzureSettings:
        usual: dict[str, Any] = {
            "tenant_id": self.tenant.id,
            "client_id": self.tenant.client_id,
            "client_secret": SecretRef(env=SECRET_VARIABLE),
            "endpoint_url": self.server.url,
            "ca_file": self.server.ca_file,
            "max_attempts": ATTEMPTS,
            "backoff": 0.0,
        }
        return AzureSettings(**usual | facts)

    def connector(self, **facts: Any) -> AzureConnector:
        return AzureConnector("prod", self.settings(**facts))

    @contextmanager
    def api(self, meter: Meter | None = None, **facts: Any) -> Iterator[AzureApi]:
        """A client of its own."""
        with closing(AzureApi(self.settings(**facts), meter or Meter())) as api:
            yield api

    def token(self, service: Service) -> str:
        """One for that service alone, as the command line gets it from a server without TLS."""
        form = {
            "client_id": self.tenant.client_id,
            "client_secret": self.tenant.client_secret,
            "scope": f"{AUDIENCES[service]}/.default",
        }
        with closing(HTTPConnection(urlsplit(self.server.url).netloc)) as connection:
            connection.request("POST", f"/{self.tenant.id}/oauth2/v2.0/token", urlencode(form))
            token: str = json.load(connection.getresponse())["access_token"]
        return token

    def read(self, **facts: Any) -> list[DiscoveredRecord]:
        """Everything that a source yields."""
        connector = self.connector(**facts)
        records: list[DiscoveredRecord] = []
        for unit in connector.scopes():
            records += connector.discover(unit) if isinstance(unit, Scope) else [unit]
        return records

    def gaps(self, **facts: Any) -> dict[tuple[str, str], Coverage]:
        """The gaps by scope and section."""
        coverage = [record for record in self.read(**facts) if isinstance(record, Coverage)]
        return {(one.scope, one.section): one for one in coverage if one.is_gap}

    def watch(self, exchange: Exchange) -> None:
        """Hold what was asked and answered against the oracle; planned faults are not the services' answers."""
        if self.is_hostile or exchange.planned:
            return
        method, headers = exchange.call.method, exchange.call.headers
        self.unpublished += oracle.check_exchange(
            method, exchange.url, exchange.status, exchange.answer, sent=exchange.sent, headers=headers
        )

    def ask_nothing_else(self) -> None:
        """Fails where the log holds a request that the table does not."""
        for call in self.server.log:
            if call.service == "graph":
                version, _, rest = call.path.lstrip("/").partition("/")
                allowed("graph", call.method, f"/{rest}", beta=VERSIONS[version])
            elif call.service != "login":
                allowed(call.service, call.method, _in_service(call))


def _in_service(call: Call) -> str:
    """A vault's path begins with its name."""
    return call.path if call.service == "arm" else "/" + call.path.split("/", 2)[2]
