"""One emulator for all AWS tests of a worker, emptied before each test that asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connectors.aws.estate import Estate
from tests.servers.fault_proxy import FaultProxy
from tests.servers.moto_server import ENVIRONMENT, MotoServer, moto_server


@pytest.fixture(scope="session")
def moto() -> Iterator[MotoServer]:
    """The running emulator."""
    with moto_server() as server:
        yield server


@pytest.fixture(scope="session")
def running_proxy(moto: MotoServer) -> Iterator[FaultProxy]:
    """The proxy before it."""
    with FaultProxy(moto.url) as proxy:
        yield proxy


@pytest.fixture
def aws(moto: MotoServer, running_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> Estate:
    """An empty account behind a proxy without faults, and credentials for it in the environment."""
    moto.reset()
    running_proxy.reset()
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return Estate(moto, running_proxy)
