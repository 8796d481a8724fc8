"""One emulator for all AWS tests of a worker. Before each test it holds nothing, or what the test asks for."""

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
    with FaultProxy(moto.url, lambda: moto.version) as proxy:
        yield proxy


@pytest.fixture
def aws(moto: MotoServer, running_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> Estate:
    """An empty account behind a proxy without faults, and credentials for it in the environment."""
    moto.reset()
    return _reached(moto, running_proxy, monkeypatch)


@pytest.fixture
def account(moto: MotoServer, running_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> Estate:
    """The same, with what it held before: for ``hold``, where tests only read what each of them would put there."""
    return _reached(moto, running_proxy, monkeypatch)


def _reached(moto: MotoServer, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> Estate:
    proxy.reset()
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return Estate(moto, proxy)
