"""Whatever a Vault answers, a scan ends in records and coverage, and what is recorded can be stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.vault.connector import VaultConnector
from connectors.vault.settings import VaultSettings
from scanner.redaction.redact import SecretRef
from tests.connectors.hostile import read, told_with_any_change, told_with_times
from tests.connectors.vault.estate import Place
from tests.examples import examples
from tests.hostile_json import TIMES
from tests.servers.hostile_proxy import HostileProxy

pytestmark = pytest.mark.real_server


@pytest.fixture(scope="module")
def vault(estate: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[HostileProxy, VaultSettings]]:
    """The small company's, whose answers have been learnt, and who asks it."""
    token: Path = tmp_path_factory.mktemp("vault") / "token"
    token.write_text(estate.server.token)
    with HostileProxy(estate.server.url) as proxy:
        settings = VaultSettings(url=proxy.url, token=SecretRef(file=str(token)), namespace=estate.namespace)
        read(VaultConnector("prod", settings))
        yield proxy, settings


@examples(4)
@given(data=st.data())
def test_any_part_of_any_answer_may_be_anything(vault: tuple[HostileProxy, VaultSettings], data: st.DataObject) -> None:
    """No exception, then or later: what was read can be judged, kept and reported."""
    proxy, settings = vault

    told_with_any_change(proxy, VaultConnector("prod", settings), data)


@pytest.mark.parametrize("time", TIMES)
def test_times_may_be_none_that_can_be_compared(vault: tuple[HostileProxy, VaultSettings], time: str) -> None:
    """Wherever one is reported: it is of no zone, or lies beyond the years that there are."""
    proxy, settings = vault

    told_with_times(proxy, VaultConnector("prod", settings), time)
