"""Custom agents: files that describe them, in repositories, of the organization and of the enterprise."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connectors.core.budget import Limits
from connectors.github.agent_files import agent_file
from connectors.testing import Asked, Reply, read
from scanner.model import Coverage, Identity
from scanner.redaction.redact import SecretRef
from tests.connectors.github.estates import PLANTED, TOKEN, VALUE, connector
from tests.connectors.github.fake import Organization, served

AGENT = "---\ndescription: Helps\n---\n"
HOSTILE = {
    "no front": ("# A prompt", None),
    "no end": ("---\nname: a\n", None),
    "nothing in front": ("---\n---\nprompt", "its root is not a mapping"),
    "a list": ("---\n- a\n---\n", "its root is not a mapping"),
    "no YAML": ("---\na: [\n---\n", "YAML"),
    "aliases": ("---\na: &a [x]\nname: *a\n---\n", None),
    "half a character": ("---\nname: \ud800\n---\n", "surrogate"),
    "other shapes": ("---\nname: [a]\ntools: {a: b}\nmcp-servers: {a: text, b: {url: [x]}}\n---\n", None),
    "deep": ("---\na: " + "[" * 200 + "\n---\n", "nested"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_any_file_is_an_agent(name: str) -> None:
    """What is not understood is named, and the agent is there all the same."""
    text, problem = HOSTILE[name]
    found = agent_file(".github/agents/helper.agent.md", text)

    assert found.name == "helper"
    assert (found.problem is None) == (problem is None), found.problem
    assert problem is None or problem in str(found.problem)
    assert found.tools is None


def test_windows_files_and_lists_of_tools_are_read() -> None:
    """With a mark of the byte order, other line ends, and servers by name alone."""
    found = agent_file(
        "a.md", "\ufeff---\r\nname: A\r\ntools: [b, a]\r\nmcp-servers: {s: {url: [x]}, t: text}\r\n---\r\nprompt"
    )

    assert (found.title, found.tools, list(found.servers)) == ("A", ("a", "b"), ["s"])


def company() -> Organization:
    """An organization with an agent for all repositories, and one with a file that is no YAML."""
    org = Organization()
    org.add_member("ada", sso="ada@acme.example")
    org.add_repository(".github-private", files={"agents/guide.md": AGENT, "agents/notes.txt": PLANTED})
    org.add_repository("shop", files={".github/agents/broken.md": "---\na: [\n---\n" + PLANTED})
    org.add_repository("old", files={".github/agents/gone.md": AGENT}, isArchived=True)
    return org


def scan(url: str, **settings: object) -> tuple[dict[str, Identity], dict[str, Coverage], str]:
    """The custom agents by their file, the coverage by section, and everything as text."""
    found = read(connector(url, **settings), deadline=60.0, limits=Limits())
    custom = {one.name: one for one in found if isinstance(one, Identity) and one.kind == "custom_agent"}
    return custom, {one.section: one for one in found if isinstance(one, Coverage)}, repr(found)


def test_agents_of_the_organization_may_work_where_its_policy_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everywhere, in some repositories, nowhere; unknown where the policy could not be read."""
    monkeypatch.setenv(TOKEN, VALUE)
    enabled: dict[str, tuple[bool | None, bool | None]] = {}
    org = company()
    with served(org, token=VALUE) as (github, url):
        for policy in ("all", "none", "hidden"):
            path = "/orgs/acme/copilot/coding-agent/permissions"
            github.hidden = {path} if policy == "hidden" else set()
            org.rest[path] = {"enabled_repositories": policy}
            custom, coverage, text = scan(url)
            enabled[policy] = (custom["guide"].enabled, custom["broken"].enabled)
            assert coverage["agents"].is_gap
            assert "shop/.github/agents/broken.md" in str(coverage["agents"].detail)
            assert PLANTED not in text

    assert enabled == {"all": (True, True), "none": (False, False), "hidden": (None, None)}
    assert set(custom) == {"guide", "broken"}
    assert custom["guide"].description == "Helps"
    assert custom["guide"].attributes["tools"] == ["*"]


def test_what_the_enterprise_lists_is_added_to_what_files_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that was read is not listed twice; an address of no file is a gap; without a repository there is none."""
    monkeypatch.setenv(TOKEN, VALUE)
    org = company()
    path = "/enterprises/acme-inc/copilot/custom-agents"
    base = "https://github.com/{}/.github-private/blob/main/agents/{}.md"
    org.rest[path] = {
        "custom_agents": [
            {"name": one, "file_path": "x", "url": url}
            for one, url in (
                ("Guide", base.format("acme", "guide")),
                ("Other", base.format("platform", "other")),
                ("Odd", "https://github.com/platform"),
            )
        ]
    }
    with served(org, token=VALUE) as (_, url):
        custom, coverage, _ = scan(url, enterprise="acme-inc")
        org.rest[path] = {"custom_agents": None}
        without, complete, _ = scan(url, enterprise="acme-inc")
        off, _, _ = scan(url)

    assert set(custom) == {"guide", "other", "broken"}
    assert custom["other"].key == "github:platform/.github-private/agents/other.md"
    assert "row Odd" in str(coverage["enterprise_agents"].detail)
    assert (complete["enterprise_agents"].status, set(without)) == ("complete", set(off))


def test_an_app_may_not_list_tasks_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """No request is sent that GitHub refuses; nothing says that an agent was never used."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()
    monkeypatch.setenv("APP_KEY", pem)
    org = company()
    org.add_app("muster", {"metadata": "read"})
    with served(org) as (github, url):
        github.app = {"installation": org.rows("installations")[0]}
        _, coverage, _ = scan(url, app_id=42, private_key=SecretRef(env="APP_KEY"), agent_tasks=True)
        asked = [path for path in github.counted if path.startswith("/agents/")]

    assert (coverage["agent_tasks"].status, asked) == ("denied", [])
    assert coverage["agent_tasks"].permission == "a fine-grained token with agent tasks: read (token)"


def test_who_changed_an_agent_is_unknown_where_commits_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gap of agents; the agent itself was read."""
    monkeypatch.setenv(TOKEN, VALUE)
    org = Organization()
    org.add_repository("shop", files={".github/agents/a.md": AGENT}, changes={".github/agents/a.md": "ada"})

    def refused(asked: Asked) -> Reply | None:
        return Reply(status=403, body={"message": "no"}) if b"history" in asked.body else None

    with served(org, token=VALUE) as (github, url):
        shown, _, _ = scan(url)
        github.faults = refused
        hidden, coverage, _ = scan(url)

    assert shown["a"].attributes["changed_by"] == "ada"
    assert "changed_by" not in hidden["a"].attributes
    assert coverage["agents"].status == "partial"


def test_agents_are_read_from_files(tmp_path: Path) -> None:
    """As the REST API gives contents: those of a repository, and of the organization."""
    encoded = {"content": base64.b64encode(AGENT.encode()).decode(), "encoding": "base64"}
    files: dict[str, Any] = {
        "orgs/acme": {"login": "acme", "id": 1},
        "orgs/acme/repos": [{"id": 7, "full_name": f"acme/{one}"} for one in ("shop", ".github-private")],
        "repos/acme/shop/contents/.github/agents/helper.md": encoded,
        "repos/acme/.github-private/contents/agents/guide.agent.md": encoded,
    }
    for name, body in files.items():
        file = tmp_path / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(body))

    custom, _, _ = scan("http://127.0.0.1:1", from_files=tmp_path)

    assert {name: (one.key, one.description) for name, one in custom.items()} == {
        "helper": ("github:acme/shop/.github/agents/helper.md", "Helps"),
        "guide": ("github:acme/.github-private/agents/guide.agent.md", "Helps"),
    }


CLIENT = """{
  // what a person's assistant may use here
  "mcpServers": {
    "tickets": {"url": "https://mcp.acme.example/sse?key=%(secret)s", "headers": {"X-Key": "%(secret)s"}},
    "files": {"command": "npx", "args": ["-y", "@acme/files"], "env": {"FILES_TOKEN": "%(secret)s"}},
  },
}"""


def test_configurations_of_mcp_clients_are_agents_with_the_owners_of_their_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In repositories that are in use; what is none is a gap, and no value is kept."""
    monkeypatch.setenv(TOKEN, VALUE)
    text = CLIENT % {"secret": PLANTED}
    org = Organization()
    org.add_repository(
        "shop", files={".mcp.json": text, ".vscode/mcp.json": '{"servers": {}}', "CODEOWNERS": "/.mcp.json @acme/web"}
    )
    org.add_repository("store", files={".cursor/mcp.json": PLANTED})
    org.add_repository("old", files={".mcp.json": text}, isArchived=True)
    with served(org, token=VALUE) as (_, url):
        found = read(connector(url), deadline=60.0, limits=Limits())

    (client,) = [one for one in found if isinstance(one, Identity) and one.kind == "mcp_client"]
    assert (client.key, client.name) == ("github:acme/shop/.mcp.json", "claude-code shop")
    assert [(one["name"], one.get("host"), one.get("package")) for one in client.attributes["mcp_servers"]] == [
        ("files", None, "@acme/files"),
        ("tickets", "mcp.acme.example", None),
    ]
    assert [one["name"] for one in client.attributes["owners"]] == ["web"]
    assert {signal.says for signal in client.signals} == {"machine", "agent"}
    (agents,) = [one for one in found if isinstance(one, Coverage) and one.section == "agents"]
    assert agents.status == "partial"
    assert "store/.cursor/mcp.json" in str(agents.detail)
    assert PLANTED not in repr(found)


def test_definitions_of_agents_run_as_what_they_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the owners of the file; a file that cannot be read, or one agent of it, is a gap."""
    monkeypatch.setenv(TOKEN, VALUE)
    role = "arn:aws:iam::123456789012:role/Invoice"
    toolkit = f"agents: {{invoice: {{aws: {{execution_role: {role}}}}}, odd: {{aws: {PLANTED}}}}}"
    engine = f'{{"service_account": "a@p.iam.gserviceaccount.com", "env_vars": {{"KEY": "{PLANTED}"}}}}'
    org = Organization()
    files = {".bedrock_agentcore.yaml": toolkit, ".agent_engine_config.json": engine, "CODEOWNERS": "* @acme/web"}
    org.add_repository("shop", files=files)
    org.add_repository("store", files={"agentcore/agentcore.json": "{", "azure.yaml": "services: {w: {host: web}}"})
    with served(org, token=VALUE) as (_, url):
        found = read(connector(url), deadline=60.0, limits=Limits())

    defined = [one for one in found if isinstance(one, Identity) and one.kind == "agent_definition"]
    assert {one.key: [link.target for link in one.links] for one in defined} == {
        "github:acme/shop/.agent_engine_config.json/shop": ["a@p.iam.gserviceaccount.com"],
        "github:acme/shop/.bedrock_agentcore.yaml/invoice": [role],
    }
    assert {one.attributes["repository"] for one in defined} == {"acme/shop"}
    assert [one["name"] for one in defined[0].attributes["owners"]] == ["web"]
    (agents,) = [one for one in found if isinstance(one, Coverage) and one.section == "agents"]
    assert "shop/.bedrock_agentcore.yaml could not be read: agent odd" in str(agents.detail)
    assert "store/agentcore/agentcore.json" in str(agents.detail)
    assert PLANTED not in repr(found)


def test_tools_and_servers_beyond_the_limit_are_said() -> None:
    """One who pads a list could hide the last of them."""
    names = [f"t{number:03}" for number in range(203)]
    servers = "\n".join(f"  s{number}: {{url: 'https://x'}}" for number in range(201))
    found = agent_file("a.md", f"---\nname: A\ntools: [{', '.join(names)}]\nmcp-servers:\n{servers}\n---\nprompt")

    assert found is not None
    assert found.tools is not None
    assert "(and 3 more)" in found.tools
    assert "(and 1 more)" in found.servers
