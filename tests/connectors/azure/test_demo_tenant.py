"""The demo's tenant is read without a gap, keeps to what Microsoft publishes, and hides what it says it hides."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scanner.demo.azure_tenant import azure_server
from scanner.demo.estate import load_estate
from scanner.model import Assignment, Coverage, Identity, StoredSecret, Workload
from tests.connectors.azure.estate import SECRET_VARIABLE, AzureEstate


@pytest.fixture
def tidewater(monkeypatch: pytest.MonkeyPatch) -> Iterator[AzureEstate]:
    """The demo's server, watched as every fake of the tests is."""
    with azure_server(load_estate()["azure"]) as server:
        monkeypatch.setenv(SECRET_VARIABLE, server.tenant.client_secret)
        estate = AzureEstate(server)
        server.watchers.append(estate.watch)
        yield estate


def test_it_is_as_microsoft_publishes_it_and_read_without_a_gap(tidewater: AzureEstate) -> None:
    """About twenty-five identities, of every kind, with rights, workloads and stored secrets."""
    records = tidewater.read()
    identities = [one for one in records if isinstance(one, Identity)]
    by_key = {one.key: one for one in identities}

    assert tidewater.unpublished == []
    assert [one for one in records if isinstance(one, Coverage) and one.is_gap] == []
    assert 22 <= len(by_key) <= 32
    assert {one.kind for one in identities} >= {
        "service_principal",
        "application",
        "managed_identity",
        "agent_identity",
        "agent_blueprint",
    }
    assert {type(one) for one in records} >= {Assignment, Workload, StoredSecret}
    assert [one.grant.name for one in records if isinstance(one, Assignment) and one.gone] == ["Contributor"]
