"""Custom resources of platforms for AI agents, and of SPIRE, with the fields that are kept.

Sources: the API types of kagent (kagent.dev/v1alpha2, and v1alpha1 for MCPServer), kagenti (agent.rossoctl.dev, before
agent.kagenti.dev), ToolHive (toolhive.stacklok.dev), agentgateway (agentgateway.dev) and SPIRE's controller manager
(spire.spiffe.io). Instructions, variables, headers and references to keys of models have no field here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from connectors.kubernetes.payloads import Object


class AgentObject(Object, frozen=True, kw_only=True):
    """An object of such a platform."""


class Ref(Struct, frozen=True, kw_only=True):
    """A reference. ``namespace``: empty for that of the referring object."""

    kind: str = ""
    name: str = ""
    namespace: str = ""


class ToolName(Struct, frozen=True, kw_only=True):
    """A tool by its name. Only a hash of its description is stored."""

    name: str = ""
    description: Any = None


# --- kagent ---


class ServerTools(Ref, frozen=True, kw_only=True):
    """Tools of a server; all of them if ``names`` is empty. ``approved``: those that a person approves each time."""

    names: tuple[str, ...] | None = field(name="toolNames", default=None)
    approved: tuple[str, ...] | None = field(name="requireApproval", default=None)


class Tool(Struct, frozen=True, kw_only=True):
    """What an agent has as a tool: tools of a server, or another agent."""

    server: ServerTools | None = field(name="mcpServer", default=None)
    agent: Ref | None = None


class Pods(Struct, frozen=True, kw_only=True):
    """How an agent or a server is run. ``args`` may hold secrets: only a package among them is kept."""

    account: str | None = field(name="serviceAccountName", default=None)
    image: str = ""
    cmd: str | None = None
    args: tuple[Any, ...] | None = None


class Declarative(Struct, frozen=True, kw_only=True):
    """An agent that kagent runs by its definition."""

    model: str = field(name="modelConfig", default="")
    tools: tuple[Tool, ...] | None = None
    deployment: Pods | None = None


class OwnImage(Struct, frozen=True, kw_only=True):
    """An agent that is a program of its own."""

    deployment: Pods | None = None


class KagentSpec(Struct, frozen=True, kw_only=True):
    """``Agent`` and ``SandboxAgent``. ``skills``: programs that it may run."""

    type: str = ""
    description: str = ""
    declarative: Declarative | None = None
    own: OwnImage | None = field(name="byo", default=None)
    skills: Any = None


class KagentAgent(AgentObject, frozen=True, kw_only=True):
    """An agent of kagent."""

    spec: KagentSpec = KagentSpec()


class ModelConfig(AgentObject, frozen=True, kw_only=True):
    """A model with its provider."""

    class Spec(Struct, frozen=True, kw_only=True):
        """Their names."""

        provider: str = ""
        model: str = ""

    spec: Spec = Spec()


class RemoteServer(AgentObject, frozen=True, kw_only=True):
    """An MCP server somewhere: kagent's RemoteMCPServer, ToolHive's MCPRemoteProxy (``remoteUrl``)."""

    class Spec(Struct, frozen=True, kw_only=True):
        """Its address."""

        url: str = ""
        remote: str = field(name="remoteUrl", default="")
        tools: Ref | None = field(name="toolConfigRef", default=None)

    class Status(Struct, frozen=True, kw_only=True):
        """The tools that kagent found there."""

        tools: tuple[ToolName, ...] | None = field(name="discoveredTools", default=None)

    spec: Spec = Spec()
    status: Status | None = None


class RunServer(AgentObject, frozen=True, kw_only=True):
    """An MCP server that is run in the cluster: MCPServer of kagent (``deployment``) and of ToolHive."""

    class Spec(Struct, frozen=True, kw_only=True):
        """Its image and account."""

        deployment: Pods | None = None
        image: str = ""
        account: str | None = field(name="serviceAccount", default=None)
        tools: Ref | None = field(name="toolConfigRef", default=None)

    spec: Spec = Spec()


class ToolConfig(AgentObject, frozen=True, kw_only=True):
    """ToolHive's MCPToolConfig: the only tools of a server that are let through."""

    class Spec(Struct, frozen=True, kw_only=True):
        """Their names; all if empty."""

        tools: tuple[str, ...] | None = field(name="toolsFilter", default=None)

    spec: Spec = Spec()


# --- kagenti ---


class Card(Struct, frozen=True, kw_only=True):
    """What an agent says of itself. ``attested``: the SPIFFE id of the certificate that it showed."""

    description: str = ""
    attested: str = field(name="attestedAgentSpiffeID", default="")
    attested_too: str = field(name="attestedAgentSpiffeId", default="")

    @property
    def spiffe_id(self) -> str:
        """In either spelling of the field."""
        return self.attested or self.attested_too


class KagentiAgent(AgentObject, frozen=True, kw_only=True):
    """AgentRuntime and AgentCard. ``type``: ``agent`` or ``tool``; a card is of an agent."""

    class Spec(Struct, frozen=True, kw_only=True):
        """The workload that it is."""

        type: str = "agent"
        target: Ref | None = field(name="targetRef", default=None)

    class Status(Card, frozen=True, kw_only=True):
        """The card, with what was attested about it, or beside it."""

        card: Card | None = None

        @property
        def spiffe_ids(self) -> tuple[str, ...]:
            """What was attested."""
            return tuple(filter(None, (self.spiffe_id, self.card.spiffe_id if self.card else "")))

    spec: Spec = Spec()
    status: Status | None = None


class KubernetesPolicy(AgentObject, frozen=True, kw_only=True):
    """An AuthorizationPolicy, by its name and what it is about."""

    class Spec(Struct, frozen=True, kw_only=True):
        """``global``, or whose requests it decides about."""

        scope: str = ""

    spec: Spec = Spec()


# --- agentgateway ---


class Backend(AgentObject, frozen=True, kw_only=True):
    """AgentgatewayBackend: MCP servers, or a model's API, behind a gateway."""

    class Target(Struct, frozen=True, kw_only=True):
        """A server, by its host or by labels of services."""

        class At(Struct, frozen=True, kw_only=True):
            """Its address."""

            host: str | None = None

        name: str = ""
        static: At | None = None

    class Mcp(Struct, frozen=True, kw_only=True):
        """The servers."""

        targets: tuple[Backend.Target, ...] | None = None

    class Ai(Struct, frozen=True, kw_only=True):
        """The provider of a model, by the name of the only member."""

        provider: dict[str, Any] | None = None

    class Spec(Struct, frozen=True, kw_only=True):
        """One of the two."""

        mcp: Backend.Mcp | None = None
        ai: Backend.Ai | None = None

    spec: Spec = Spec()


# --- SPIRE ---


class KubernetesExpression(Struct, frozen=True, kw_only=True):
    """A part of a selector."""

    key: str = ""
    operator: str = ""
    values: tuple[str, ...] | None = None


class Selector(Struct, frozen=True, kw_only=True):
    """A label selector of Kubernetes; without parts it selects everything."""

    labels: dict[str, str] | None = field(name="matchLabels", default=None)
    expressions: tuple[KubernetesExpression, ...] | None = field(name="matchExpressions", default=None)

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Whether it selects an object with these labels. An operator that is not known selects nothing."""
        if any(labels.get(key) != value for key, value in (self.labels or {}).items()):
            return False
        return all(_holds(one, labels) for one in self.expressions or ())


def _holds(one: KubernetesExpression, labels: Mapping[str, str]) -> bool:
    match one.operator:
        case "In":
            return labels.get(one.key) in (one.values or ())
        case "NotIn":
            return labels.get(one.key) not in (one.values or ())
        case "Exists":
            return one.key in labels
        case "DoesNotExist":
            return one.key not in labels
    return False


class SpiffeId(AgentObject, frozen=True, kw_only=True):
    """ClusterSPIFFEID: the SPIFFE ids of the pods that it selects."""

    class Spec(Struct, frozen=True, kw_only=True):
        """A template of the id. ``more``: templates of what the pods' processes have to be besides."""

        template: str = field(name="spiffeIDTemplate", default="")
        pods: Selector | None = field(name="podSelector", default=None)
        namespaces: Selector | None = field(name="namespaceSelector", default=None)
        more: tuple[str, ...] | None = field(name="workloadSelectorTemplates", default=None)

    spec: Spec = Spec()
