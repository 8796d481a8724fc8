"""What resources are called, and which of them are AI agents."""

from __future__ import annotations

import pytest

from connectors.azure.workloads.rows import AzureResource, agent_signal, kind_of


def _resource(type_: str, kind: str | None) -> AzureResource:
    return AzureResource(id="/subscriptions/s/x", name="it", type=type_, kind=kind)


@pytest.mark.parametrize(
    ("type_", "kind", "name", "strength"),
    [
        ("microsoft.web/sites", None, "web_app", None),
        ("Microsoft.Web/Sites", "app,linux", "web_app", None),
        ("microsoft.web/sites", "functionapp,linux", "function_app", None),
        ("microsoft.web/sites", "FunctionApp,WorkflowApp", "logic_app", None),
        ("microsoft.web/sites", "notafunctionapp", "web_app", None),
        ("microsoft.compute/virtualmachines", None, "virtual_machine", None),
        ("Contoso.Own/Things", None, "contoso.own/things", None),
        ("microsoft.app/agents", None, "sre_agent", "strong"),
        ("microsoft.cognitiveservices/accounts/projects/applications", None, "foundry_agent", "strong"),
        ("microsoft.cognitiveservices/accounts/projects", None, "foundry_project", "weak"),
        ("microsoft.cognitiveservices/accounts", "AIServices", "foundry_account", "weak"),
        ("microsoft.cognitiveservices/accounts", "OpenAI", "openai_account", None),
        ("microsoft.cognitiveservices/accounts", "SpeechServices", "ai_services", None),
        ("microsoft.machinelearningservices/workspaces", "Default", "machine_learning_workspace", None),
        ("microsoft.machinelearningservices/workspaces", "Project", "foundry_hub_project", "weak"),
        ("microsoft.botservice/botservices", "azurebot", "bot", "weak"),
    ],
)
def test_a_type_has_a_name_and_may_be_an_agent_s(type_: str, kind: str | None, name: str, strength: str | None) -> None:
    """Strongly only where it is an agent and nothing else."""
    resource = _resource(type_, kind)
    signal = agent_signal(resource)

    assert kind_of(resource) == name
    assert (signal and signal.strength) == strength
    assert signal is None or (signal.says, signal.sort) == ("agent", "provider")
