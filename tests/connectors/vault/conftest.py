"""One OpenBao for all tests of a process; each test that changes anything gets a namespace of its own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.vault.settings import VaultSettings
from scanner.redaction.redact import SecretRef
from tests.connectors.vault.estate import Place, seed
from tests.servers.openbao import OpenBao
from tests.servers.vault_proxy import VaultProxy

MakeSettings = Callable[..., VaultSettings]
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def openbao() -> Iterator[OpenBao]:
    with OpenBao() as server:
        yield server


@pytest.fixture
def place(openbao: OpenBao) -> Place:
    """An empty namespace with a client for it."""
    name = f"t{next(_numbers)}"
    openbao.client.sys.create_namespace(name)
    return Place(server=openbao, namespace=name)


@pytest.fixture(scope="session")
def estate(openbao: OpenBao) -> Place:
    """A namespace with the small company in it, for tests that only read."""
    openbao.client.sys.create_namespace("estate")
    place = Place(server=openbao, namespace="estate")
    place.seeded = seed(place.client)
    return place


@pytest.fixture
def proxy(openbao: OpenBao) -> Iterator[VaultProxy]:
    with VaultProxy(openbao.url) as running:
        yield running


@pytest.fixture
def make_settings(tmp_path: Path, openbao: OpenBao) -> MakeSettings:
    """Settings whose token lies in a file; the root token unless said otherwise."""

    def make(url: str, token: str = openbao.token, **facts: object) -> VaultSettings:
        file = tmp_path / f"token{next(_numbers)}"
        file.write_text(token)
        given = {"backoff": 0.001, **facts}
        return VaultSettings(url=url, token=SecretRef(file=str(file)), **given)  # type: ignore[arg-type]  # any setting

    return make
