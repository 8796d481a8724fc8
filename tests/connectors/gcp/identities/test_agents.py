"""Agents: what they run as, how bindings name them, and what the registry adds."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from connectors.core.contract import Meter, Scope
from connectors.gcp.client.payloads import AuthProvider
from connectors.gcp.identities.found import AgentCredential
from connectors.gcp.identities.other_credentials import (
    OauthClient,
    parse_oauth_client,
)
from connectors.gcp.identities.registered import (
    Registered,
    Sort,
    engine_of_registered,
    note_registration,
    parse_registered,
)
from connectors.gcp.reader import GcpReader
from connectors.gcp.spec import SPEC
from connectors.gcp.units import GcpUnit as Unit
from connectors.gcp.units import ProjectRef
from connectors.gcp.workloads.agent_credentials import parse_auth_provider
from connectors.gcp.workloads.engines import ReasoningEngine, note_engine, parse_engine
from scanner.demo.fakes.gcp.cloud import Cloud
from tests.connectors.gcp.conftest import Place

PROD = ProjectRef(id="acme-prod", number="1111", ancestors=("folders/4", "organizations/77"), labels={"team": "web"})
ENGINE = "locations/europe-west1/reasoningEngines/5"
KEY = f"//aiplatform.googleapis.com/projects/acme-prod/{ENGINE}"
ORG, BARE = "agents.global.org-77.system.id.goog", "agents.global.77.system.id.goog"
BOT = "bot@acme-prod.iam.gserviceaccount.com"
SYSTEM = "agentregistry.googleapis.com/system/"


@pytest.fixture
def reader(start: Callable[[Cloud], Place]) -> GcpReader:
    place = start(Cloud())
    unit = Unit(kind="project", name="projects/acme-prod", projects=(PROD,))
    return GcpReader(
        place.api(), Scope(source="prod", spec=SPEC, id=unit.scope_id, context=unit), Meter(), place.settings()
    )


def _engine(name: str = f"projects/1111/{ENGINE}", **spec: Any) -> ReasoningEngine:
    return msgspec.json.decode(json.dumps({"name": name, "spec": spec}), type=ReasoningEngine)


def _principals(*domains: str) -> tuple[str, ...]:
    named = [(domain, project) for domain in domains for project in ("1111", "acme-prod")]
    return tuple(f"principal://{domain}/resources/aiplatform/projects/{project}/{ENGINE}" for domain, project in named)


@pytest.mark.parametrize(
    ("spec", "email", "aliases", "shared"),
    [
        ({}, "service-1111@gcp-sa-aiplatform-re.iam.gserviceaccount.com", (), True),
        (
            {"identityType": "SERVICE_ACCOUNT"},
            "service-1111@gcp-sa-aiplatform-re.iam.gserviceaccount.com",
            (),
            True,
        ),
        ({"serviceAccount": BOT}, BOT, (), None),
        ({"serviceAccount": BOT, "identityType": "SERVICE_ACCOUNT"}, BOT, (), None),
        ({"identityType": "AGENT_IDENTITY"}, None, _principals(ORG), None),
        (
            {
                "identityType": "AGENT_IDENTITY",
                "effectiveIdentity": f"{BARE}/resources/aiplatform/projects/1111/{ENGINE}",
            },
            None,
            _principals(ORG, BARE),
            None,
        ),
        (
            {"identityType": "AGENT_IDENTITY", "effectiveIdentity": f"{ORG}/resources/aiplatform/projects/1/{ENGINE}"},
            None,
            _principals(ORG),
            None,
        ),
        ({"identityType": "AGENT_IDENTITY", "effectiveIdentity": "?"}, None, _principals(ORG), None),
    ],
)
def test_an_agent_runs_as_its_account_or_as_itself(
    reader: GcpReader, spec: dict[str, Any], email: str | None, aliases: tuple[str, ...], shared: bool | None
) -> None:
    """Or, given neither, as the one that all such agents share."""
    agent = parse_engine(reader, PROD, _engine(**spec))

    assert (agent.key, agent.kind, agent.unique_id) == (KEY, "agent_engine", "5")
    assert [link.target for link in agent.links] == ([] if email is None else [reader.account_key(email)])
    assert agent.aliases == aliases
    assert agent.attributes.get("shared_service_agent") is shared


def test_without_an_organisation_the_effective_identity_alone_says_the_name(reader: GcpReader) -> None:
    """The trust domain is the project's then."""
    alone = structs.replace(PROD, ancestors=())
    domain = "agents.global.project-1111.system.id.goog"
    row = _engine(
        identityType="AGENT_IDENTITY", effectiveIdentity=f"{domain}/resources/aiplatform/projects/1111/{ENGINE}"
    )

    assert parse_engine(reader, alone, row).aliases == _principals(domain)
    assert parse_engine(reader, alone, _engine(identityType="AGENT_IDENTITY")).aliases == ()


@given(st.text())
def test_a_name_that_is_no_engine_s_is_refused(name: str) -> None:
    """Whatever it is."""
    with pytest.raises(ValueError, match="not the name of an agent engine"):
        parse_engine(None, PROD, ReasoningEngine(name=name))  # type: ignore[arg-type]  # it is not looked at


def _registered(name: str = "projects/acme-prod/locations/eu/agents/a", **fields: Any) -> Registered:
    return msgspec.json.decode(json.dumps({"name": name, "agentId": "urn:agent:a"} | fields), type=Registered)


@pytest.mark.parametrize(
    ("attributes", "key"),
    [
        ({}, None),
        ({f"{SYSTEM}RuntimeReference": {"uri": f"//aiplatform.googleapis.com/projects/1111/{ENGINE}"}}, KEY),
        ({f"{SYSTEM}RuntimeReference": {"uri": f"//aiplatform.googleapis.com/projects/acme-prod/{ENGINE}"}}, KEY),
        ({f"{SYSTEM}RuntimeReference": {"uri": f"//aiplatform.googleapis.com/projects/9/{ENGINE}"}}, None),
        ({f"{SYSTEM}RuntimeReference": {"uri": f"//run.googleapis.com/projects/1111/{ENGINE}"}}, None),
        ({f"{SYSTEM}RuntimeReference": {"uri": "//aiplatform.googleapis.com/"}}, None),
        ({f"{SYSTEM}RuntimeReference": {"uri": f"projects/1111/{ENGINE}"}}, None),
        ({f"{SYSTEM}RuntimeReference": {"uri": 7}}, None),
        ({f"{SYSTEM}RuntimeReference": {"uri": json.loads("[" * 900 + "]" * 900)}}, None),
        ({f"{SYSTEM}RuntimeReference": {}}, None),
        ({"someone.example/RuntimeReference": {"uri": f"//aiplatform.googleapis.com/projects/1111/{ENGINE}"}}, None),
    ],
)
def test_a_registration_names_its_engine(reader: GcpReader, attributes: dict[str, Any], key: str | None) -> None:
    """By the attributes that the registry itself fills in; an engine of this unit that was listed."""
    row = _registered(attributes=attributes)
    assert engine_of_registered(reader, row) == key
    assert note_registration(reader, row) is False

    with reader.section("aiplatform.reasoning_engines") as section:
        note_engine(reader, section, PROD, _engine())
    assert note_registration(reader, row) is (key is not None)
    assert note_registration(reader, row) is (key is not None)
    assert reader.found.engines[KEY].aliases == (("urn:agent:a",) if key else ())


@pytest.mark.parametrize(
    ("principal", "aliases", "targets"),
    [
        (None, (), ()),
        (f"principal://{ORG}/resources/x/1", (f"principal://{ORG}/resources/x/1",), ()),
        (BOT, (), (BOT,)),
        (f"sa://{BOT}", (), (BOT,)),
        (f"principal://iam.googleapis.com/projects/-/serviceAccounts/{BOT}", (), (BOT,)),
        (["x"], (), ()),
    ],
)
@pytest.mark.parametrize(("sort", "signals"), [("agent", 1), ("mcp_server", 0)])
def test_what_is_registered_runs_as_its_runtime_identity(
    reader: GcpReader, principal: Any, aliases: tuple[str, ...], targets: tuple[str, ...], sort: Sort, signals: int
) -> None:
    """An account by a link; any other principal is its own."""
    attributes = {} if principal is None else {f"{SYSTEM}RuntimeIdentity": {"principal": principal}}
    found = parse_registered(reader, PROD, sort, _registered(attributes=attributes))

    assert found.aliases == ("urn:agent:a", *aliases)
    assert [link.target for link in found.links] == [reader.account_key(email) for email in targets]
    assert (found.kind, len(found.signals)) == (sort, signals)
    assert found.key == "//agentregistry.googleapis.com/projects/acme-prod/locations/eu/agents/a"


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ({"apiKey": {"apiKey": "AIza-never-to-be-kept"}}, {"type": "api_key"}),
        (
            {"twoLeggedOauth": {"clientId": "c", "clientSecret": "never-to-be-kept", "tokenUrl": "https://t.example"}},
            {"type": "oauth", "client_id": "c", "token_url": "https://t.example"},
        ),
        ({"threeLeggedOauth": {"clientId": "c"}}, {"type": "oauth_for_users", "client_id": "c"}),
        ({"geAuthProvider": {}}, {"type": "gemini_enterprise"}),
        (
            {
                "xaaAuthProvider": {
                    "clientSecretAuth": {"clientId": "c", "clientSecret": "never-to-be-kept"},
                    "customIssuer": {"issuer": "https://i.example", "tokenUrl": "https://t.example"},
                }
            },
            {
                "type": "cross_app_access",
                "client_id": "c",
                "issuer": "https://i.example",
                "token_url": "https://t.example",
            },
        ),
        (
            {"connectorReferenceAuthProvider": {"connector": "projects/1/locations/eu/connectors/c"}},
            {"type": "connector", "connector": "projects/1/locations/eu/connectors/c"},
        ),
        ({}, {}),
    ],
)
def test_what_is_agent_credentials_has_no_value(given_: dict[str, Any], expected: dict[str, Any]) -> None:
    """Even if a listing should have one."""
    row = {"name": "projects/1/locations/eu/authProviders/crm", "authProviderTypeParams": given_, "state": "DISABLED"}
    provider = msgspec.json.decode(json.dumps(row), type=AuthProvider)
    secret = parse_auth_provider("prod", PROD, provider, AgentCredential(provider))

    assert secret.attributes == {"held_for": "agents", "enabled": False} | expected
    assert secret.key == "//agentidentity.googleapis.com/projects/acme-prod/locations/eu/authProviders/crm"
    assert secret.rotated_at is None
    assert "never-to-be-kept" not in repr(secret)


@pytest.mark.parametrize(
    ("fields", "enabled"), [({}, True), ({"disabled": True}, False), ({"state": "DELETED"}, False)]
)
def test_an_oauth_client_is_known_by_its_client_id(fields: dict[str, Any], enabled: bool) -> None:
    """And says what it may ask for."""
    row = {"name": "projects/1/locations/global/oauthClients/portal", "clientId": "77", "allowedScopes": ["openid"]}
    client = parse_oauth_client("prod", PROD, msgspec.json.decode(json.dumps(row | fields), type=OauthClient))

    assert (client.kind, client.name, client.aliases, client.enabled) == ("oauth_client", "portal", ("77",), enabled)
    assert client.attributes == {"scopes": ["openid"]}
