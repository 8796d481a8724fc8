"""Whatever JSON an answer holds, it becomes a record or is refused; nothing else happens."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.core.contract import Meter, Scope
from connectors.gcp.client.api import GcpApi
from connectors.gcp.client.payloads import ApiKey, AuthProvider, Pool
from connectors.gcp.client.session import GcpSession
from connectors.gcp.identities.accounts import ServiceAccountKey, parse_account_key
from connectors.gcp.identities.api_keys import parse_api_key
from connectors.gcp.identities.found import AgentCredential
from connectors.gcp.identities.other_credentials import (
    HmacKey,
    OauthClient,
    parse_hmac_key,
    parse_oauth_client,
)
from connectors.gcp.identities.pools import (
    ManagedIdentity,
    Namespace,
    open_providers,
    parse_managed_identity,
)
from connectors.gcp.identities.registered import Registered, engine_of_registered, parse_registered
from connectors.gcp.reader import GcpReader
from connectors.gcp.rights.pools import provider_in
from connectors.gcp.rights.providers import ProviderPayload
from connectors.gcp.settings import GcpSettings
from connectors.gcp.spec import SPEC
from connectors.gcp.units import GcpUnit as Unit
from connectors.gcp.units import ProjectRef
from connectors.gcp.workloads.agent_credentials import parse_auth_provider
from connectors.gcp.workloads.engines import ReasoningEngine, parse_engine
from tests.examples import examples

PROD = ProjectRef(id="acme-prod", number="1111", ancestors=("organizations/1",), labels={"a": "b"})
AT = "projects/1111/locations/global"
UNIT = Unit(kind="project", name="projects/acme-prod", projects=(PROD,))
SETTINGS = GcpSettings()
READER = GcpReader(
    GcpApi(GcpSession(SETTINGS), Meter()),
    Scope(source="prod", spec=SPEC, id=UNIT.scope_id, context=UNIT),
    Meter(),
    SETTINGS,
)
POOL, SPACE = Pool(name=f"{AT}/workloadIdentityPools/p"), Namespace(name=f"{AT}/workloadIdentityPools/p/namespaces/n")
PARSING: dict[type[Any], Callable[[Any], object]] = {
    ServiceAccountKey: lambda row: (row.account, parse_account_key("acme-prod", "e", row)),
    HmacKey: lambda row: parse_hmac_key("acme-prod", row),
    ApiKey: lambda row: parse_api_key(READER, PROD, row),
    Pool: lambda row: parse_managed_identity("prod", PROD, row, SPACE, ManagedIdentity(name="a")),
    Namespace: lambda row: parse_managed_identity("prod", PROD, POOL, row, ManagedIdentity(name="a")),
    ManagedIdentity: lambda row: parse_managed_identity("prod", PROD, POOL, SPACE, row),
    ProviderPayload: lambda row: open_providers([provider_in(PROD, row, ())]),
    ReasoningEngine: lambda row: parse_engine(READER, PROD, row),
    Registered: lambda row: (engine_of_registered(READER, row), parse_registered(READER, PROD, "agent", row)),
    AuthProvider: lambda row: parse_auth_provider("prod", PROD, row, AgentCredential(row)),
    OauthClient: lambda row: parse_oauth_client("prod", PROD, row),
}
NAMES = st.sampled_from(
    (f"{AT}/things/1", f"{AT}/reasoningEngines/1", f"{AT}/workloadIdentityPools/p/providers/q", "", "/")
)
SCALARS = st.none() | st.booleans() | st.integers() | st.text() | st.just("2024-01-01T00:00:00Z") | NAMES
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)

SPECS = VALUES | st.fixed_dictionaries(
    {"identityType": st.just("AGENT_IDENTITY")}, optional={"effectiveIdentity": NAMES | st.text()}
)


@pytest.mark.parametrize("kind", PARSING, ids=lambda kind: kind.__name__)
@examples(40)
@given(data=st.data())
def test_any_row_becomes_a_record_or_is_refused(kind: type[Any], data: st.DataObject) -> None:
    """Each field may be of any sort, or not be there; a refusal is a ValueError, which is a gap for that row."""
    fields = {field.encode_name: VALUES for field in msgspec.structs.fields(kind)} | {"name": NAMES, "spec": SPECS}
    row = data.draw(st.fixed_dictionaries({}, optional=fields))
    try:
        decoded = msgspec.json.decode(json.dumps(row), type=kind)
        found = PARSING[kind](decoded)
    except ValueError:
        return

    assert found is not None
