"""The emulator, and before it a server for what it lacks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connectors.aws.workloads.account import Account
from tests.connectors.aws.workloads.model_server import ModelServer
from tests.servers.moto_server import ENVIRONMENT, MotoServer


@pytest.fixture
def account(moto: MotoServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An empty account of one region, and credentials for it in the environment."""
    moto.reset()
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with ModelServer(moto.url) as server:
        yield Account(moto, server)
