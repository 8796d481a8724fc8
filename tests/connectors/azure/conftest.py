"""A server for each test: its log holds what the table of requests does, its answers what Microsoft publishes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.azure.client.api import AzureApi
from connectors.core.contract import Meter
from scanner.demo.fakes.azure.server import AzureServer
from tests.connectors.azure.estate import SECRET_VARIABLE, AzureEstate


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[AzureEstate]:
    """An empty tenant."""
    with AzureServer() as server:
        monkeypatch.setenv(SECRET_VARIABLE, server.tenant.client_secret)
        estate = AzureEstate(server)
        server.watchers.append(estate.watch)
        yield estate
        estate.ask_nothing_else()
        assert estate.unpublished == []


@pytest.fixture
def meter() -> Meter:
    return Meter()


@pytest.fixture
def api(azure: AzureEstate, meter: Meter) -> Iterator[AzureApi]:
    """A client with four tries for each request and no waiting."""
    with azure.api(meter, max_attempts=4) as made:
        yield made
