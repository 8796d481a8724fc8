"""AI agents of a cluster: of kagent and kagenti, with their tools, accounts and SPIFFE ids."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.agents.hashes import hashes_of
from connectors.kubernetes import custom_agents as a
from connectors.kubernetes.connector import KubernetesConnector
from connectors.kubernetes.settings import KubernetesSettings
from connectors.kubernetes.spiffe import is_spiffe_id, spiffe_id
from connectors.testing import Asked, Reply, read
from scanner.demo.fakes.kubernetes.server import refusal
from scanner.judging.agents.tools import tools_of
from scanner.judging.agents.verdict import judge_agent
from scanner.model import Coverage, Identity, Workload
from tests.connectors.kubernetes.conftest import Running, Scan
from tests.connectors.kubernetes.manifests import account, deployment, namespace, pod
from tests.examples import examples

SECRET = "hunter2-hunter2-hunter2"
NOT_AGENTS = frozenset({"service_account", "group"})


def made(api: str, kind: str, name: str, within: str = "bots", **rest: Any) -> dict[str, Any]:
    """A custom resource."""
    return {"apiVersion": api, "kind": kind, "metadata": {"namespace": within, "name": name}, **rest}


def kagent(name: str, *tools: dict[str, Any], deployment: Any = None, **spec: Any) -> dict[str, Any]:
    """A declarative agent of kagent."""
    declarative = {"systemMessage": SECRET, "modelConfig": "gpt", "tools": list(tools)}
    if deployment is not None:
        declarative["deployment"] = deployment
    return made("kagent.dev/v1alpha2", "Agent", name, spec={"type": "Declarative", "declarative": declarative, **spec})


def of_server(name: str, *names: str, kind: str = "RemoteMCPServer", **more: Any) -> dict[str, Any]:
    """A reference to tools of an MCP server."""
    ref = {"apiGroup": "kagent.dev", "kind": kind, "name": name, "toolNames": list(names), **more}
    return {"type": "McpServer", "mcpServer": ref, "headersFrom": [{"name": "Authorization", "value": SECRET}]}


def remote(name: str, url: str, *tools: str) -> dict[str, Any]:
    """A remote MCP server, with the tools that kagent found there."""
    found = [{"name": one, "description": "x"} for one in tools]
    return made("kagent.dev/v1alpha2", "RemoteMCPServer", name, spec={"url": url}, status={"discoveredTools": found})


MODEL = made("kagent.dev/v1alpha2", "ModelConfig", "gpt",
             spec={"provider": "OpenAI", "model": "gpt-5", "azureOpenAI": {"azureAdToken": SECRET}})  # fmt: skip
GITHUB = remote("github", f"https://api.githubcopilot.com/mcp/?key={SECRET}", "get_issue", "create_issue")
KMCP = made("kagent.dev/v1alpha1", "MCPServer", "fetch", spec={"transportType": "stdio", "deployment": {
    "image": "ghcr.io/acme/runner:1", "cmd": "uvx", "args": ["mcp-server-fetch@2026.1", f"--token={SECRET}"],
    "env": {"TOKEN": SECRET}}})  # fmt: skip


def agents(found: Any) -> dict[str, Identity]:
    """The agents by name."""
    return {one.name: one for one in found.records if isinstance(one, Identity) and one.kind == "agent"}


def servers(agent: Identity) -> dict[str, dict[str, Any]]:
    """Its MCP servers by name."""
    return {one["name"]: one for one in agent.attributes["mcp_servers"]}


# --- kagent ---


def test_an_agent_of_kagent(scan: Scan) -> None:
    """With its account, its model and its tools; no instruction, header or key."""
    bot = kagent("triage", of_server("github", "get_issue"), of_server("fetch", kind="MCPServer"), description="Helps")
    found = scan(account("bots", "triage"), bot, MODEL, GITHUB, KMCP)

    agent = agents(found)["triage"]
    assert agent.key.endswith("/bots/agent/triage")
    assert agent.description == "Helps"
    (link,) = agent.links
    assert (link.relation, link.target) == ("runs_as", found.accounts["bots/triage"].key)
    assert (agent.attributes["model"], agent.attributes["model_provider"]) == ("gpt-5", "OpenAI")
    assert agent.attributes["mcp_servers"] == [
        {"name": "github", "type": "http", "host": "api.githubcopilot.com", "tools": ["get_issue"],
         "hashes": hashes_of((name, {"description": "x"}) for name in ("get_issue", "create_issue"))},
        {"name": "fetch", "type": "stdio", "package": "mcp-server-fetch@2026.1"},
    ]  # fmt: skip
    assert judge_agent(agent).is_agent
    kinds = {one.tool.name: (one.tool.reads_outside, one.tool.acts_outwards) for one in tools_of(agent) or ()}
    assert kinds == {"get_issue": (True, False), "*": (True, True)}
    assert SECRET not in repr(found.records)
    assert found.coverage["kagent"] == "complete"


@pytest.mark.parametrize(
    ("tool", "server"),
    [
        (of_server("github"), {"host": "api.githubcopilot.com", "tools": ["create_issue", "get_issue"]}),
        (of_server("github", kind=""), {"host": "api.githubcopilot.com"}),
        (of_server("gone"), {"name": "gone"}),
        (of_server("github", namespace="other"), {"name": "github"}),
        (of_server("github", kind="MCPServer"), {"name": "github"}),
        (of_server("odd"), {"name": "odd", "type": "http"}),
    ],
    ids=["all tools", "no kind", "does not exist", "another namespace", "another kind", "no address"],
)
def test_what_is_known_of_a_server(scan: Scan, tool: Any, server: dict[str, Any]) -> None:
    found = servers(agents(scan(kagent("bot", tool), GITHUB, remote("odd", "http://[x")))["bot"])

    (one,) = found.values()
    assert one.items() >= server.items()


def test_a_server_that_was_not_read_is_unknown(scan: Scan) -> None:
    (tool,) = tools_of(agents(scan(kagent("bot", of_server("gone"))))["bot"]) or ()

    assert (tool.tool.server, tool.tool.reads_outside, tool.tool.acts_outwards) == ("gone", None, None)


@pytest.mark.parametrize(
    ("spec", "runs_as"),
    [
        ({}, "bot"),
        ({"deployment": {"serviceAccountName": "shared"}}, "shared"),
        ({"type": "BYO", "declarative": None, "byo": {"deployment": {
            "image": "x", "serviceAccountName": "own", "env": [{"name": "K", "value": SECRET}]}}}, "own"),
    ],
    ids=["kagent makes it", "named", "a program of its own"],
)  # fmt: skip
def test_what_an_agent_runs_as(scan: Scan, spec: dict[str, Any], runs_as: str) -> None:
    found = scan(kagent("bot", **spec))

    (link,) = agents(found)["bot"].links
    assert link.target.endswith(f"/bots/serviceaccount/{runs_as}")
    assert SECRET not in repr(found.records)


def test_the_tools_of_a_program_are_unknown(scan: Scan) -> None:
    agent = agents(scan(kagent("bot", type="BYO", declarative=None, byo={"deployment": {"image": "x"}})))["bot"]

    assert tools_of(agent) is None


def test_other_agents_and_skills_are_tools_that_no_table_knows(scan: Scan) -> None:
    helper = {"type": "Agent", "agent": {"name": "helper"}}
    agent = agents(scan(kagent("bot", helper, skills={"refs": ["ghcr.io/acme/skill:1"]})))["bot"]

    assert agent.attributes["tools"] == ["agent bots/helper", "skills"]
    assert [one.tool.acts_outwards for one in tools_of(agent) or ()] == [None, None]


@pytest.mark.parametrize(
    ("tools", "asked"),
    [
        ([of_server("github", "create_issue", requireApproval=["create_issue"])], True),
        ([of_server("github", "get_issue", "create_issue", requireApproval=["create_issue"])], None),
        ([of_server("github", requireApproval=["create_issue"])], None),
        ([of_server("github", "get_issue", requireApproval=["get_issue"]), {"agent": {"name": "helper"}}], None),
        ([], None),
    ],
    ids=["each", "one of two", "all tools", "another agent", "no tools"],
)
def test_whether_a_person_is_asked(scan: Scan, tools: Any, asked: bool | None) -> None:
    assert agents(scan(kagent("bot", *tools), GITHUB))["bot"].attributes.get("human_in_the_loop") is asked


def test_the_agent_of_elastic_is_no_ai_agent(scan: Scan) -> None:
    found = scan(made("agent.k8s.elastic.co/v1alpha1", "Agent", "fleet", spec={"mode": "fleet"}))

    assert agents(found) == {}
    assert found.coverage["kagent"] == "not_offered"


# --- kagenti ---


def runtime(name: str, kind: str = "agent", target: str = "weather", *, group: str = "agent.rossoctl.dev",
            status: Any = None) -> dict[str, Any]:  # fmt: skip
    """An AgentRuntime."""
    spec = {"type": kind, "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}}
    return made(f"{group}/v1alpha1", "AgentRuntime", name, spec=spec, status=status or {})


@pytest.mark.parametrize("group", ["agent.rossoctl.dev", "agent.kagenti.dev"])
@pytest.mark.parametrize("field", ["attestedAgentSpiffeID", "attestedAgentSpiffeId"])
def test_an_agent_of_kagenti(scan: Scan, group: str, field: str) -> None:
    attested = "spiffe://example.org/ns/bots/sa/weather"
    status = {"card": {"name": "Weather", "description": "Tells the weather", field: attested}}
    policy = made("agent.rossoctl.dev/v1alpha1", "AuthorizationPolicy", "default", spec={"scope": "agent"})
    found = scan(
        account("bots", "weather"), deployment("bots", "weather", "weather"), runtime("w", group=group, status=status),
        runtime("tool", "tool", "other"), policy,
    )  # fmt: skip

    (agent,) = agents(found).values()
    assert agent.key.endswith("/bots/agent/w")
    assert [link.target for link in agent.links] == [found.accounts["bots/weather"].key]
    assert (agent.description, agent.aliases) == ("Tells the weather", (attested,))
    assert agent.attributes["authorization_policies"] == ["default"]
    assert tools_of(agent) is None
    assert found.coverage["kagenti"] == "complete"


def test_a_card_is_an_agent_only_if_no_runtime_is(scan: Scan) -> None:
    def card(name: str, target: str) -> dict[str, Any]:
        spec = {"targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}}
        return made("agent.kagenti.dev/v1alpha1", "AgentCard", name, spec=spec, status={"card": {"description": "D"}})

    alone = made("agent.kagenti.dev/v1alpha1", "AgentCard", "no-target", spec={"syncPeriod": "30s"})
    found = agents(scan(runtime("w"), card("w-card", "weather"), card("other-card", "other"), alone))

    assert found.keys() == {"w", "other-card"}
    assert found["w"].description == "D"


def test_what_an_agent_without_a_known_workload_may_do_is_unknown(scan: Scan) -> None:
    agent = agents(scan(runtime("w")))["w"]

    assert (agent.links, agent.privilege.level, agent.consequences) == ((), "unknown", None)


# --- SPIFFE ids ---


def rule(template: str, **spec: Any) -> dict[str, Any]:
    """A ClusterSPIFFEID."""
    spec = {"spiffeIDTemplate": template, **spec}
    return {
        "apiVersion": "spire.spiffe.io/v1alpha1",
        "kind": "ClusterSPIFFEID",
        "metadata": {"name": "r"},
        "spec": spec,
    }


USUAL = "spiffe://example.org/ns/{{ .PodMeta.Namespace }}/sa/{{.PodSpec.ServiceAccountName}}"
TRIAGE = "spiffe://example.org/ns/bots/sa/triage"


def test_the_spiffe_id_is_the_agents_and_else_the_accounts(scan: Scan) -> None:
    """So that no two identities have it."""
    found = scan(
        namespace("bots"), account("bots", "triage"), account("bots", "plain"), kagent("triage"), rule(USUAL),
        pod("bots", "t-1", "triage"), pod("bots", "p-1", "plain"),
    )  # fmt: skip

    assert TRIAGE in agents(found)["triage"].aliases
    assert TRIAGE not in found.accounts["bots/triage"].aliases
    assert "spiffe://example.org/ns/bots/sa/plain" in found.accounts["bots/plain"].aliases
    assert found.coverage["spire"] == "complete"


def test_of_an_account_that_several_agents_run_as_it_is_the_accounts(scan: Scan) -> None:
    shared = {"serviceAccountName": "triage"}
    found = scan(
        namespace("bots"), account("bots", "triage"), kagent("x", deployment=shared), kagent("y", deployment=shared),
        rule(USUAL), pod("bots", "t-1", "triage"),
    )  # fmt: skip

    assert TRIAGE in found.accounts["bots/triage"].aliases
    assert {one.aliases for one in agents(found).values()} == {()}


@pytest.mark.parametrize(
    ("made_rule", "found"),
    [
        (rule(USUAL), TRIAGE),
        (rule("spiffe://example.org/triage"), "spiffe://example.org/triage"),
        (rule("spiffe://{{ .TrustDomain }}/ns/{{ .PodMeta.Namespace }}"), None),
        (rule("spiffe://example.org/{{ .PodMeta.Labels.app }}"), None),
        (rule("https://example.org/x"), None),
        (rule(USUAL, podSelector={"matchLabels": {"app": "t"}}), TRIAGE),
        (rule(USUAL, podSelector={"matchLabels": {"app": "u"}}), None),
        (rule(USUAL, podSelector={"matchExpressions": [{"key": "app", "operator": "In", "values": ["t"]}]}), TRIAGE),
        (rule(USUAL, podSelector={"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}), None),
        (rule(USUAL, podSelector={"matchExpressions": [{"key": "app", "operator": "Later"}]}), None),
        (rule(USUAL, namespaceSelector={"matchLabels": {"env": "prod"}}), TRIAGE),
        (rule(USUAL, namespaceSelector={"matchExpressions": [{"key": "env", "operator": "NotIn", "values": ["prod"]}]}),
         None),
        (rule(USUAL, workloadSelectorTemplates=["k8s:ns:bots", "k8s:sa:{{ .PodSpec.ServiceAccountName }}"]), TRIAGE),
        (rule(USUAL, workloadSelectorTemplates=["k8s:sa:other"]), None),
        (rule(USUAL, workloadSelectorTemplates=["unix:uid:0"]), None),
    ],
)  # fmt: skip
def test_which_spiffe_ids_are_known(made_rule: dict[str, Any], found: str | None) -> None:
    spiffe = msgspec.convert(made_rule, a.SpiffeId)

    assert spiffe_id(spiffe, ("bots", "triage"), {"app": "t"}, {"env": "prod"}) == found


@given(template=st.text(max_size=300) | st.from_regex(r"spiffe://[a-z.]{1,9}/(\{\{ ?\.[A-Za-z.]{1,30} ?\}\}|x){1,3}"))
@examples(100)
def test_a_template_gives_a_whole_id_or_none(template: str) -> None:
    """None of it is left open."""
    spiffe = msgspec.convert(rule(template), a.SpiffeId)
    found = spiffe_id(spiffe, ("bots", "triage"), {}, {})

    assert found is None or (is_spiffe_id(found) and "{" not in found)


# --- ToolHive and agentgateway ---

PROXY = made("toolhive.stacklok.dev/v1beta1", "MCPServer", "gh", "tools",
             spec={"image": "ghcr.io/github/github-mcp-server:v1", "serviceAccount": "gh", "secrets": [{"name": "s"}],
                   "toolConfigRef": {"name": "some"}, "env": [{"name": "T", "value": SECRET}]})  # fmt: skip
SOME = made("toolhive.stacklok.dev/v1beta1", "MCPToolConfig", "some", "tools", spec={"toolsFilter": ["get_issue"]})


def test_what_is_behind_toolhives_proxy_is_known(scan: Scan) -> None:
    """By the name of its service: its image, and the tools that are let through."""
    bot = kagent("bot", of_server("gh"))
    found = scan(bot, remote("gh", "http://mcp-gh-proxy.tools.svc.cluster.local:8080/mcp"), PROXY, SOME)

    (server,) = servers(agents(found)["bot"]).values()
    assert (server["package"], server["tools"]) == ("ghcr.io/github/github-mcp-server", ["get_issue"])
    (tool,) = tools_of(agents(found)["bot"]) or ()
    assert (tool.tool.reads_outside, tool.tool.acts_outwards) == (True, False)
    (run,) = (one for one in found.records if isinstance(one, Workload) and one.kind == "toolhive_mcpserver")
    assert run.runs_as[0].endswith("/tools/serviceaccount/gh")
    assert SECRET not in repr(found.records)


@pytest.mark.parametrize("host", ["mcp-gh-proxy.tools.example.com", "mcp-gh-proxy", "mcp-gh-proxy.other.svc", "x"])
def test_other_hosts_are_no_proxies(scan: Scan, host: str) -> None:
    found = scan(kagent("bot", of_server("gh")), remote("gh", f"http://{host}/mcp"), PROXY)

    assert "package" not in servers(agents(found)["bot"])["gh"]


def test_backends_of_a_gateway(scan: Scan) -> None:
    targets = [{"name": "web", "static": {"host": "mcp.slack.com", "port": 443}}, {"name": "svc", "selector": {}}]
    mcp = made("agentgateway.dev/v1alpha1", "AgentgatewayBackend", "tools", spec={"mcp": {"targets": targets}})
    model = made("agentgateway.dev/v1alpha1", "AgentgatewayBackend", "model",
                 spec={"ai": {"provider": {"openai": {"authToken": SECRET}}}})  # fmt: skip
    found = scan(mcp, model)

    facts = {one.name: one.attributes for one in found.workloads.values() if one.kind == "agentgatewaybackend"}
    assert facts["tools"]["mcp_servers"] == [{"name": "web", "host": "mcp.slack.com"}, {"name": "svc"}]
    assert facts["model"]["model_providers"] == ["openai"]
    assert SECRET not in repr(found.records)


# --- What cannot be read ---


@pytest.mark.parametrize(
    ("plural", "section", "status"),
    [
        ("agents", "kagent", "partial"),
        ("mcpservers", "kagent", "partial"),
        ("agentruntimes", "kagenti", "partial"),
        ("", "kagenti", "denied"),
        ("clusterspiffeids", "spire", "denied"),
        ("agentgatewaybackends", "agentgateway", "denied"),
    ],
)
def test_a_list_that_is_denied_is_a_gap(clusters: Running, plural: str, section: str, status: str) -> None:
    """Never silence; the other lists are still read."""

    def denied(asked: Asked) -> Reply | None:
        is_wanted = asked.path.endswith(f"/{plural}") if plural else "/apis/agent." in asked.path
        return refusal(403, "forbidden") if is_wanted else None

    server = clusters.server(kagent("bot"), GITHUB, KMCP, runtime("w"), rule(USUAL), fault=denied, custom={
        "AgentgatewayBackend", "AgentCard"})  # fmt: skip
    records = [one for one in read(clusters.connector(server)) if isinstance(one, Coverage)]

    (found,) = (one for one in records if one.section == section)
    assert found.status == status
    assert plural in (found.permission or found.detail or "")


def test_each_group_that_is_absent_is_not_offered(scan: Scan) -> None:
    found = scan(account("bots", "x"))

    for section in ("spire", "kagent", "kagenti", "toolhive", "agentgateway"):
        assert found.coverage[section] == "not_offered"


def test_files_of_one_kind_in_two_groups_are_kept_apart(tmp_path: Path) -> None:
    """``kubectl get agents`` may list Elastic's."""
    elastic = made("agent.k8s.elastic.co/v1alpha1", "Agent", "fleet", spec={"mode": "fleet"})
    system = {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "kube-system", "uid": "u-1"}}

    def scanned(*objects: Any) -> list[Any]:
        (tmp_path / "namespaces.json").write_text(json.dumps({"kind": "List", "items": [system]}))
        (tmp_path / "agents.json").write_text(json.dumps({"kind": "List", "items": list(objects)}))
        return list(read(KubernetesConnector("k8s", KubernetesSettings(from_files=str(tmp_path)))))

    def status(records: list[Any]) -> list[str]:
        return [one.status for one in records if isinstance(one, Coverage) and one.section == "kagent"]

    only, both = scanned(elastic), scanned(kagent("bot"), elastic)
    kinds = [[one.name for one in some if isinstance(one, Identity) and one.kind == "agent"] for some in (only, both)]
    assert kinds == [[], ["bot"]]
    assert status(only) == ["not_offered"]
    assert status(both) != ["not_offered"]
