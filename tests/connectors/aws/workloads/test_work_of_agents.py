"""Which workloads say that an agent runs as their role: by what their code is given, never by any value."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import msgspec
import pytest

from connectors.aws.rights.model_calls import names_model_key
from scanner.access.workloads import with_signals
from scanner.judging.agents.verdict import judge_agent
from scanner.model import Identity
from tests.connectors.aws.workloads.account import HIDDEN, REGION, Account
from tests.servers.moto_server import ACCOUNT

KEY = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:openai/api-key-AbCdEf"


def _code() -> dict[str, bytes]:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("main.py", "def handler(event, context): ...")
    return {"ZipFile": code.getvalue()}


def _role(account: Account, layer: str, variables: dict[str, str]) -> tuple[Identity, Any]:
    """The role of a function with a layer and variables, as everything together has it; and what was read."""
    client = account.client("lambda")
    role = account.role()
    version = client.publish_layer_version(LayerName=layer, Content=_code())["LayerVersionArn"]
    client.create_function(
        FunctionName="replies", Runtime="python3.12", Role=role, Handler="main.handler", Code=_code(),
        Layers=[version], Environment={"Variables": variables},
    )  # fmt: skip
    found = account.read("lambda.functions")
    one = Identity(key=role, provider="aws", source="prod", scope=ACCOUNT, kind="role", name="svc-7")
    return with_signals([one], found.workloads.values())[0], found


@pytest.mark.parametrize(
    ("layer", "variables", "is_agent", "signals"),
    [
        ("langchain", {"OPENAI_API_KEY": HIDDEN}, True, 2),
        ("python-langchain-311", {"MODEL_SECRET": KEY}, True, 2),
        ("langchain", {"OPENAI_API_KEY": KEY}, True, 3),
        ("langchain", {"TABLE": "orders"}, False, 1),
        ("pandas", {"OPENAI_API_KEY": KEY}, False, 2),
        ("pandas", {"TABLE": "openai_api_key"}, False, 0),
    ],
)
def test_a_function_with_a_key_for_models_and_a_library_for_agents_is_one(
    account: Account, layer: str, variables: dict[str, str], *, is_agent: bool, signals: int
) -> None:
    """Two hints of different sort, on the role that it runs as; a key alone only suggests."""
    role, found = _role(account, layer, variables)

    assert (judge_agent(role).is_agent, len(role.signals)) == (is_agent, signals)
    assert all("the lambda function replies runs as it" in signal.evidence for signal in role.signals)
    (function,) = found.workloads.values()
    assert function.attributes["variables"] == sorted(variables)
    assert HIDDEN not in msgspec.json.encode(found.records).decode()


def test_containers_keep_the_names_of_their_variables(account: Account) -> None:
    """Those with a value, and those that a store fills in."""
    ecs = account.client("ecs")
    ecs.create_cluster(clusterName="main")
    container = {
        "name": "x", "image": "x", "memory": 64, "environment": [{"name": "MODE", "value": HIDDEN}],
        "secrets": [{"name": "ANTHROPIC_API_KEY", "valueFrom": KEY}],
    }  # fmt: skip
    ecs.register_task_definition(family="chat", taskRoleArn=account.role(), containerDefinitions=[container])

    definition = account.read("ecs").workloads["ecs_task_definition", "chat"]

    assert (definition.attributes["variables"], definition.attributes["given_secrets"]) == (
        ["MODE"],
        ["ANTHROPIC_API_KEY"],
    )
    assert {(signal.sort, signal.strength) for signal in definition.signals} == {("secret", "weak")}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("OPENAI_API_KEY", True),
        ("openai/api-key", True),
        ("AZURE_OPENAI_KEY", True),
        ("prod/anthropic/token", True),
        ("HF_TOKEN", True),
        ("together-ai-api-key", True),
        ("OPENAI_MODEL", False),
        ("API_KEY", False),
        ("KEYCLOAK_OPENAIR_TOKEN", False),
        ("openai", False),
        ("", False),
    ],
)
def test_names_of_keys_for_models(name: str, *, expected: bool) -> None:
    """A provider of models and a word for a key, as whole words."""
    assert names_model_key(name) == expected
