"""Agents that files of their platforms define: what each runs as, and never a value that it is given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from connectors.agent_config.connector import AgentConfigConnector, AgentConfigSettings
from connectors.agents.definitions import as_identity, read_definitions
from connectors.core.contract import Malformed
from reports.agents import acts_as
from scanner.access.workloads import with_roles
from scanner.judging.agents.verdict import judge_agent
from scanner.model import Identity
from tests.connectors.agent_config.configs import VALUE, discover, written
from tests.examples import examples
from tests.factories import make_identity
from tests.hostile_json import mutated

ROLE = "arn:aws:iam::123456789012:role/team/InvoiceAgent"
RUNTIME = "arn:aws:bedrock-agentcore:eu-west-1:123456789012:runtime/invoice-07E0GPD0Jj"
ACCOUNT = "concierge@acme-prod.iam.gserviceaccount.com"
CLIENT = "1F2E3D4C-2222-3333-4444-555555555555"
TOOLKIT = f"""\
default_agent: invoice
agents:
  invoice:
    entrypoint: {VALUE}.py
    aws: {{execution_role: {ROLE}, account: '012345678901', region: eu-west-1}}
    bedrock_agentcore: {{agent_id: x, agent_arn: {RUNTIME}}}
    codebuild: {{execution_role: arn:aws:iam::123456789012:role/Builder}}
    identity: {{credential_providers: [{{name: github, arn: {VALUE}, type: github}}]}}
    authorizer_configuration: {{customJWTAuthorizer: {{allowedClients: [{VALUE}]}}}}
    api_key_env_var_name: GEMINI_API_KEY
    api_key_credential_provider_name: gemini
"""
PROJECT: dict[str, Any] = {
    "name": "shop",
    "version": 1,
    "runtimes": [{"name": "helper", "executionRoleArn": ROLE, "envVars": [{"name": "OPENAI_API_KEY", "value": VALUE}]}],
    "credentials": [{"authorizerType": "ApiKeyCredentialProvider", "name": "openai"}],
}
ENGINE: dict[str, Any] = {
    "display_name": "Concierge",
    "service_account": ACCOUNT,
    "env_vars": {"API_KEY": {"secret": VALUE, "version": "latest"}, "LEVEL": VALUE},
}
AZD = f"""\
services:
  web: {{host: containerapp, env: {{AZURE_CLIENT_ID: {CLIENT}}}}}
  helper:
    host: azure.ai.agent
    instructions: {VALUE}
    env: {{AZURE_CLIENT_ID: {CLIENT}, KEY: {VALUE}}}
    connections: [{{name: tickets, authType: PAT, credentials: {{pat: {VALUE}}}}}]
"""
HOSTED = f"""\
template:
  kind: hosted
  name: older
  environment_variables: [{{name: AZURE_CLIENT_ID, value: {CLIENT}}}, {{name: KEY, value: {VALUE}}}]
"""


@pytest.mark.parametrize(
    ("file", "content", "name", "role", "kept"),
    [
        (".bedrock_agentcore.yaml", TOOLKIT, "invoice", ROLE,
         {"platform": "Amazon Bedrock AgentCore", "deployed_as": RUNTIME, "account": "012345678901",
          "region": "eu-west-1", "variables": ["GEMINI_API_KEY"], "credential_providers": ["gemini", "github"]}),
        (".bedrock_agentcore.yaml", f"name: older\naws: {{execution_role: {ROLE}}}", "older", ROLE,
         {"platform": "Amazon Bedrock AgentCore"}),
        ("agentcore/agentcore.json", PROJECT, "helper", ROLE,
         {"platform": "Amazon Bedrock AgentCore", "variables": ["OPENAI_API_KEY"],
          "credential_providers": ["openai"]}),
        (".agent_engine_config.json", ENGINE, "Concierge", ACCOUNT,
         {"platform": "Vertex AI Agent Engine", "variables": ["API_KEY", "LEVEL"]}),
        ("azure.yaml", AZD, "helper", CLIENT,
         {"platform": "Microsoft Foundry", "variables": ["AZURE_CLIENT_ID", "KEY"],
          "credential_providers": ["tickets"]}),
        ("agent.manifest.yaml", HOSTED, "older", CLIENT,
         {"platform": "Microsoft Foundry", "variables": ["AZURE_CLIENT_ID", "KEY"]}),
    ],
)  # fmt: skip
def test_a_definition_is_an_agent_that_runs_as_what_it_names(
    tmp_path: Path, file: str, content: Any, name: str, role: str, kept: Mapping[str, Any]
) -> None:
    """Names of variables and of what keeps keys are kept: no value, no prompt."""
    written(tmp_path, content, f"shop/{file}")
    (found,), coverage = discover(tmp_path)

    assert (found.key, found.kind) == (f"agent_config:agents:shop/{file}/{name}", "agent_definition")
    assert [(link.relation, link.target) for link in found.links] == [("runs_as", role)]
    assert found.attributes == {"path": f"shop/{file}", **kept}
    assert found.aliases == ((RUNTIME,) if "deployed_as" in kept else ())
    assert (judge_agent(found).is_agent, coverage.status) == (True, "complete")
    assert VALUE not in repr((found, coverage))


@pytest.mark.parametrize(
    ("file", "content", "shown"),
    [
        (".bedrock_agentcore.yaml", "agents: {a: {aws: {execution_role: '${ROLE}'}}}", "execution_role is ${ROLE}"),
        (".bedrock_agentcore.yaml", "agents: {a: {aws: {execution_role: 'arn:aws:iam::<ACCOUNT>:role/x'}}}",
         "execution_role is arn:aws:iam::<ACCOUNT>:role/x"),
        (".bedrock_agentcore.yaml", "agents: {a: {aws: {execution_role_auto_create: true}}}",
         "its role is made when it is deployed"),
        (".bedrock_agentcore.yaml", 'agents: {a: {aws: {execution_role: "a\\nb"}}}',
         "execution_role is not the id of an identity"),
        (".bedrock_agentcore.yaml", f"agents: {{a: {{aws: {{execution_role: {VALUE}}}}}}}",
         "execution_role is not the id of an identity"),
        (".agent_engine_config.json", "{}", "the service agent that all such agents of the project share"),
        (".agent_engine_config.json", '{"identity_type": "AGENT_IDENTITY"}',
         "it is given an identity of its own when it is deployed"),
        ("azure.yml", "services: {a: {host: azure.ai.agent}}", "Foundry gives it an identity when it is deployed"),
    ],
)  # fmt: skip
def test_what_is_named_elsewhere_is_shown_as_unknown(tmp_path: Path, file: str, content: str, shown: str) -> None:
    """An agent whose identity the file does not have does not act as itself."""
    (found,), _ = discover(written(tmp_path, content, f"a/{file}").parent)

    assert (found.name, found.links, found.attributes["unresolved"]) == ("a", (), [shown])
    assert acts_as(found) == f"unknown ({shown})"


def test_files_of_common_names_are_agents_only_where_they_say_so(tmp_path: Path) -> None:
    """They may be no YAML at all: that is no gap."""
    for number, content in enumerate(("services: {web: {host: containerapp}}", "{{- if .Values.x }}\nkind: x", "a: b")):
        for name in ("azure.yaml", "agent.yaml"):
            written(tmp_path, content, f"{number}/{name}")
    found, coverage = discover(tmp_path)

    assert (found, coverage.status) == ([], "complete")
    checks = list(AgentConfigConnector("agents", AgentConfigSettings(path=tmp_path)).check())
    assert {(one.ok, one.detail) for one in checks} == {(True, "it defines no agent")}


def test_hostile_definitions_are_gaps(tmp_path: Path) -> None:
    """Bombs, other types and depth end neither the reading of other files nor of other agents."""
    wide = "l0: &l0 [x]\n" + "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 30)}]\n" for n in range(1, 9))
    many = "agents: {" + ", ".join(f"n{number}: {{}}" for number in range(501)) + "}"
    written(tmp_path, many, "many/.bedrock_agentcore.yaml")
    contents = (wide, "agents: 7", "[" * 5000, "agents: [", "agents: {a: {aws: [x]}, good: {}}", "\x00")
    for number, content in enumerate(contents):
        written(tmp_path, content, f"{number}/.bedrock_agentcore.yaml")
        written(tmp_path, content, f"{number}/.agent_engine_config.json")
    written(tmp_path, {"runtimes": [{"name": "x" * 5000}, 7, {"name": ["y"]}]}, "agentcore.json")
    found, coverage = discover(tmp_path)

    named = [one.name for one in found if "many/" not in one.key]
    assert (sorted(named), len(found) - len(named)) == (["good", "x" * 100], 500)
    assert coverage.status == "partial"
    assert "row 0/.agent_engine_config.json could not be read" in (coverage.detail or "")


def test_an_agent_runs_as_the_identity_that_has_the_id() -> None:
    """A service account is named by its address, and a managed identity by its client; two of one id are none."""
    client = make_identity(key="azure:t:mi/7", aliases=(CLIENT.lower(),))
    account = make_identity(key="//iam/x", aliases=(ACCOUNT,))
    agents = [
        make_identity(key=f"agent_config:a:{number}", links=fields["links"])
        for number, (name, content) in enumerate(((".agent_engine_config.json", ENGINE), ("azure.yaml", AZD)))
        if (fields := _fields(name, content))
    ]

    assert _roles(with_roles([*agents, client], [account])) == ["//iam/x", "azure:t:mi/7"]
    twin = make_identity(key="azure:t:mi/8", aliases=(CLIENT,))
    assert _roles(with_roles([*agents, client, account, twin])) == ["//iam/x", CLIENT]
    assert _roles(with_roles(agents)) == [ACCOUNT, CLIENT]


def _fields(name: str, content: Any) -> dict[str, Any]:
    found = read_definitions(name, (content if isinstance(content, str) else json.dumps(content)).encode(), "p")
    assert found is not None
    return as_identity(found, found.agents[0], name)


def _roles(identities: tuple[Identity, ...]) -> list[str]:
    return [link.target for one in identities for link in one.links]


@given(mutated(PROJECT) | mutated(ENGINE))
@examples(100, smoke=100)
def test_no_definition_ends_the_reading(document: Any) -> None:
    """Whatever is in it: agents, none, or Malformed."""
    for name in ("agentcore.json", ".agent_engine_config.json", "azure.yaml", ".bedrock_agentcore.yaml"):
        with suppress(Malformed):
            assert repr(read_definitions(name, json.dumps(document).encode(), "p"))
