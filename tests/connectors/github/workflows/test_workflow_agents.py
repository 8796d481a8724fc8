"""AI agents that workflows run: who starts them, what their tokens may do, and what could be made of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from connectors.github.facts import WorkflowFile
from connectors.github.workflows.identities import workflow_identities
from scanner.discovery.inventory import Inventory
from scanner.judging.agents.verdict import judge_agent
from scanner.judging.last_known.remembered import Remembered
from scanner.judging.pipeline import Declared, judge
from scanner.model import AgentVerdict, Identity, ScanInfo
from tests.connectors.github.workflows.test_subjects import PATH, organization, repository
from tests.factories import NOW, make_coverage
from tests.hostile_json import mutated

CLAUDE, CODEX, GEMINI = "anthropics/claude-code-action", "openai/codex-action", "google-github-actions/run-gemini-cli"
WRITES = {"issues": "write", "contents": "read"}
EVERYONE: dict[str, Any] = {"with": {"allowed_non_write_users": "*"}}
MEMBER = "a person with write access starts it"


def workflow(action: str = GEMINI, on: Any = "issues", permissions: Any = WRITES, **step: Any) -> str:
    """A workflow with a step that runs an agent."""
    steps = [{"uses": "actions/checkout@v5"}, {"uses": f"{action}@v1", **step}]
    return json.dumps({"on": on, "permissions": permissions, "jobs": {"triage": {"steps": steps}}})


def read(text: str, visibility: str = "public") -> Identity | None:
    """The workflow as an identity."""
    made = workflow_identities(
        organization(), repository(visibility=visibility), [WorkflowFile(path=PATH, text=text)], source="hub"
    )
    return next(iter(made.identities), None)


def verdict(identity: Identity) -> AgentVerdict:
    """Of the real pipeline."""
    inventory = Inventory(identities=(identity,), coverage=(make_coverage(source="hub", kinds=("*",)),))
    scan = ScanInfo(id="s", started_at=NOW, finished_at=NOW, version="0")
    return judge(inventory, Declared(), Remembered(), scan).identities[0].agent


@pytest.mark.parametrize(
    ("case", "text", "visibility", "opened_by", "gate"),
    [
        ("an issue of anybody", workflow(), "public", "anybody", None),
        ("of a private repository", workflow(), "private", "insiders", None),
        ("of an internal repository", workflow(), "internal", "insiders", None),
        ("the action refuses strangers", workflow(CLAUDE), "public", "anybody", MEMBER),
        ("unless it is told not to", workflow(CLAUDE, **EVERYONE), "public", "anybody", None),
        ("Codex", workflow(CODEX), "public", "anybody", MEMBER),
        ("Codex for everyone", workflow(CODEX, **{"with": {"allow-users": "*"}}), "public", "anybody", None),
        (
            "a condition on the author",
            workflow(**{"if": "contains(fromJSON('[\"MEMBER\"]'), github.event.issue.author_association)"}),
            "public",
            "anybody",
            "a condition of the workflow lets through who wrote it",
        ),
        (
            "a label of a member",
            workflow(on={"issues": {"types": ["labeled"]}}),
            "public",
            "anybody",
            "a person with the triage role labels or assigns it",
        ),
        ("labels among others", workflow(on={"issues": {"types": ["labeled", "opened"]}}), "public", "anybody", None),
    ],
)  # fmt: skip
def test_who_starts_it(case: str, text: str, visibility: str, opened_by: str, gate: str | None) -> None:
    """By event, visibility, the action's own check, and conditions of the job."""
    identity = read(text, visibility)

    assert identity is not None
    assert judge_agent(identity).is_agent
    assert [(row["from"], row["gate"]) for row in identity.attributes["inputs"]] == [(opened_by, gate)], case


@pytest.mark.parametrize("on", ["push", "pull_request", "schedule", "workflow_dispatch"])
def test_what_nobody_else_writes_is_no_input(on: str) -> None:
    """A fork's pull request has no secrets and no right to write."""
    identity = read(workflow(on=on))

    assert identity is not None
    assert identity.attributes["inputs"] == []


@pytest.mark.parametrize(
    ("permissions", "visibility", "tools"),
    [
        (WRITES, "public", ["shell", "token: contents read", "token: issues write"]),
        (WRITES, "private", ["private contents", "shell", "token: contents read", "token: issues write"]),
        ({}, "public", ["shell"]),
        (None, "public", ["shell", "token: default permissions"]),
    ],
)
def test_what_its_token_may_do(permissions: Any, visibility: str, tools: list[str]) -> None:
    """Of a private repository, reading contents is reading private data. Defaults are the organization's."""
    identity = read(workflow(permissions=permissions), visibility)

    assert identity is not None
    assert identity.attributes["tools"] == tools


def test_a_workflow_without_an_agent_or_tokens_is_no_identity() -> None:
    """As before."""
    assert read(workflow("actions/setup-python")) is None


def test_an_issue_of_a_private_repository_can_make_it_post_what_it_reads() -> None:
    """All three parts are of the workflow itself."""
    identity = read(workflow(), "private")
    assert identity is not None
    (exposure,) = verdict(identity).exposures

    assert (exposure.kind, exposure.opened_by) == ("exfiltration", "insiders")
    assert exposure.input == "an issue in the private repository acme/app"
    assert exposure.reach == "private data, read with the tool private contents"


def test_an_agent_of_a_public_repository_without_private_reach_is_not_exposed() -> None:
    """It reads what everybody reads, and posts what everybody may."""
    identity = read(workflow(CODEX, permissions={"issues": "write"}))
    assert identity is not None

    assert verdict(identity).exposures == ()


def test_mcp_servers_of_an_action_are_read() -> None:
    """By package or host; their arguments may hold secrets."""
    config = json.dumps(
        {
            "mcpServers": {
                "db": {
                    "command": "npx",
                    "args": ["-y", "@modelcontextprotocol/server-postgres", "postgres://u:hunter22@h/d"],
                }
            }
        }
    )
    identity = read(workflow(CLAUDE, **{"with": {"mcp_config": config, "model": "claude-sonnet"}}))

    assert identity is not None
    assert "hunter22" not in str(identity)
    assert identity.attributes["mcp_servers"][0]["package"] == "@modelcontextprotocol/server-postgres"
    assert identity.attributes["model"] == "claude-sonnet"


@given(mutated(json.loads(workflow(CLAUDE, on={"issues": {"types": ["labeled"]}}, **{"with": {"mcp_config": "{}"}}))))
def test_a_file_of_any_shape_ends_no_scan(values: Any) -> None:
    """Files are hostile."""
    read(json.dumps(values))
