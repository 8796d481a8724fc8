"""AI agents of a cluster, as kagent and kagenti have them, and the MCP servers that are run there. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

from msgspec import Struct

from connectors.agents.documents import Server, agent_signals, host_of
from connectors.agents.hashes import hashes_of
from connectors.core.contract import own_words
from connectors.kubernetes import custom_agents as a
from connectors.kubernetes import payloads as p
from connectors.kubernetes.reader import KubernetesFacts
from connectors.kubernetes.rights.links import account_key
from connectors.kubernetes.rights.targets import Account
from connectors.kubernetes.spiffe import is_spiffe_id
from connectors.kubernetes.workloads import without_tag
from scanner.model import Identity, Link, Privilege, Workload
from scanner.model.attributes import HUMAN_IN_THE_LOOP, MCP_SERVERS, MODEL, TOOLS

Row = TypeVar("Row", bound=a.AgentObject)
KAGENT, TOOLHIVE, GATEWAY = "kagent.dev", "toolhive.stacklok.dev", "agentgateway.dev"
KAGENTI: Final = ("agent.rossoctl.dev", "agent.kagenti.dev")
"""The newer group first."""
KIND: Final = "agent"
_DEFAULT_MODEL: Final = "default-model-config"
_LONGEST: Final = 200
_MOST_SERVERS: Final = 200
_PROVIDER: Final = "kubernetes"


class Agent(Struct, frozen=True, kw_only=True):
    """An agent. ``account``: that its pods run as; None if unknown. ``spiffe_ids``: those that were attested."""

    platform: str
    metadata: p.Metadata
    account: Account | None
    attributes: Mapping[str, Any]
    description: str = ""
    spiffe_ids: tuple[str, ...] = ()

    def identity(self, facts: KubernetesFacts, source: str, spiffe_ids: Iterable[str]) -> Identity:
        """The agent as an identity. ``spiffe_ids``: those of its account, if no other agent runs as that."""
        namespace, name = self.metadata.namespace, self.metadata.name
        links: tuple[Link, ...] = ()
        if self.account is not None:
            target, evidence = account_key(facts.uid, self.account), f"its pods run as {'/'.join(self.account)}"
            links = (Link(relation="runs_as", target=target, evidence=evidence),)
        return Identity(
            key=f"kubernetes://{facts.uid}/{namespace}/{KIND}/{name}",
            provider=_PROVIDER,
            source=source,
            scope=facts.uid,
            kind=KIND,
            name=name,
            display_name=f"{namespace}/{name}",
            description=_word(self.description, 500) or None,
            unique_id=self.metadata.uid or None,
            aliases=tuple(dict.fromkeys((*filter(is_spiffe_id, self.spiffe_ids), *spiffe_ids))),
            created_at=self.metadata.created,
            tags=p.kept(self.metadata.labels) | p.kept(self.metadata.annotations),
            attributes={"namespace": namespace, "platform": self.platform, **self.attributes},
            signals=agent_signals(f"{self.platform} has it as an agent"),
            privilege=Privilege(level="normal") if links else _UNKNOWN,
            consequences=() if links else None,
            links=links,
        )


_UNKNOWN: Final = Privilege(level="unknown", evidence=("the account that it runs as is not known",))


def agents_in(facts: KubernetesFacts) -> tuple[Agent, ...]:
    """The agents, each once: a card is about a runtime's workload, and a runtime may be about an agent of kagent."""
    found: dict[tuple[str, str], Agent] = {}
    for one in (*_of_kagent(facts), *_of_kagenti(facts)):
        found.setdefault((one.metadata.namespace, one.metadata.name), one)
    return tuple(found.values())


def alone(agents: Iterable[Agent]) -> frozenset[Account]:
    """The accounts that one agent alone runs as: what identifies the account's pods identifies the agent."""
    counted = Counter(one.account for one in agents if one.account is not None)
    return frozenset(account for account, number in counted.items() if number == 1)


# --- kagent ---


def _of_kagent(facts: KubernetesFacts) -> Iterator[Agent]:
    """Without an account in its definition, kagent makes one with the agent's name."""
    servers = _Servers(facts)
    models = {_place(one): one.spec for one in _rows(facts, a.ModelConfig, KAGENT, "modelconfigs")}
    for plural in ("agents", "sandboxagents"):
        for one in _rows(facts, a.KagentAgent, KAGENT, plural):
            spec, namespace = one.spec, one.metadata.namespace
            made = spec.declarative
            pods = (made.deployment if made else None) or (spec.own.deployment if spec.own else None)
            attributes: dict[str, Any] = {"type": _word(spec.type)} if spec.type else {}
            if made is not None:
                model = models.get((namespace, made.model or _DEFAULT_MODEL))
                if model is not None and model.model:
                    attributes |= {MODEL: _word(model.model), "model_provider": _word(model.provider)}
                attributes |= _tools(servers, namespace, made.tools or (), has_skills=bool(spec.skills))
            yield Agent(
                platform="kagent",
                metadata=one.metadata,
                account=(namespace, (pods.account if pods else None) or one.metadata.name),
                attributes=attributes,
                description=spec.description,
            )


def _tools(servers: _Servers, namespace: str, tools: Iterable[a.Tool], *, has_skills: bool) -> dict[str, Any]:
    """Its tools and servers. Other agents and skills count as unknown tools."""
    given = [one.server for one in tools if one.server is not None][:_MOST_SERVERS]
    others = [one.agent for one in tools if one.agent is not None]
    own = {f"agent {_word(one.namespace or namespace)}/{_word(one.name)}" for one in others}
    own |= {"skills"} if has_skills else set()
    asks = [bool(one.names) and set(one.names or ()) <= set(one.approved or ()) for one in given]
    found: dict[str, Any] = {TOOLS: sorted(own), MCP_SERVERS: [servers.described(one, namespace) for one in given]}
    return found | ({HUMAN_IN_THE_LOOP: True} if asks and all(asks) and not own else {})


class _Servers:
    """The MCP servers that agents of a cluster can name."""

    def __init__(self, facts: KubernetesFacts) -> None:
        self._remote = {_place(one): one for one in _rows(facts, a.RemoteServer, KAGENT, "remotemcpservers")}
        self._run = {_place(one): one.spec.deployment for one in _rows(facts, a.RunServer, KAGENT, "mcpservers")}
        only = {_place(one): one.spec.tools for one in _rows(facts, a.ToolConfig, TOOLHIVE, "mcptoolconfigs")}
        self._behind: dict[tuple[str, str], dict[str, Any]] = {}
        """By namespace and name of the service of ToolHive's proxy: what is behind it."""
        for run in _rows(facts, a.RunServer, TOOLHIVE, "mcpservers"):
            self._add(run.metadata, {"package": _image(run.spec.image)}, run.spec.tools, only)
        for proxy in _rows(facts, a.RemoteServer, TOOLHIVE, "mcpremoteproxies"):
            self._add(proxy.metadata, {"host": host_of(proxy.spec.remote)}, proxy.spec.tools, only)

    def _add(
        self,
        metadata: p.Metadata,
        known: dict[str, Any],
        config: a.Ref | None,
        only: Mapping[tuple[str, str], tuple[str, ...] | None],
    ) -> None:
        """Source of the service's name: ToolHive's operator, ``createProxyServiceName``."""
        tools = only.get((metadata.namespace, config.name)) if config is not None else None
        facts = {**known, "tools": sorted(set(map(_word, tools))) if tools else None}
        for name in (f"mcp-{metadata.name}-proxy", f"mcp-{metadata.name}-remote-proxy"):
            self._behind.setdefault((metadata.namespace, name), facts)

    def described(self, ref: a.ServerTools, namespace: str) -> dict[str, Any]:
        """The server as an attribute: see ``MCP_SERVERS``. Only its name where it was not read."""
        place = ref.namespace or namespace, ref.name
        facts: dict[str, Any] = {}
        if ref.kind in ("MCPServer", "") and place in self._run:
            facts = {"type": "stdio", "package": _package(self._run[place])}
        elif ref.kind in ("RemoteMCPServer", "") and place in self._remote:
            facts = self._at(self._remote[place], place[0])
        elif ref.kind == "Service":
            facts = {"type": "http", **self._behind.get(place, {})}
        names = ref.names or facts.get("tools")
        named = {"name": _word(ref.name), **facts, "tools": sorted(set(map(_word, names))) if names else None}
        return {key: value for key, value in named.items() if value is not None}

    def _at(self, server: a.RemoteServer, namespace: str) -> dict[str, Any]:
        """What is at an address. A service of the cluster may be ToolHive's proxy of a known server."""
        host = host_of(server.spec.url)
        behind = self._behind.get(_service(host or "", namespace), {})
        listed = [one for one in (server.status.tools if server.status else None) or () if one.name]
        found = {
            "tools": [one.name for one in listed],
            "hashes": hashes_of((_word(one.name), {"description": one.description}) for one in listed),
        }
        return {"type": "http", "host": host, **{name: value for name, value in found.items() if value}, **behind}


def _service(host: str, namespace: str) -> tuple[str, str]:
    """The service of a host within the cluster: ``NAME``, ``NAME.NAMESPACE`` or ``NAME.NAMESPACE.svc…``."""
    name, _, rest = host.partition(".")
    where, _, end = rest.partition(".")
    return (where or namespace, name) if not end or end == "svc" or end.startswith("svc.") else ("", "")


def _package(pods: a.Pods | None) -> str | None:
    """The package that a runner such as ``npx`` starts; else the image."""
    if pods is None:
        return None
    server = Server(command=pods.cmd, args=pods.args or ())
    is_started = server.package is not None and server.package != Server(command=pods.cmd).package
    return server.package if is_started else _image(pods.image)


def _image(image: str) -> str | None:
    return _word(without_tag(image)) or None


# --- kagenti ---


def _of_kagenti(facts: KubernetesFacts) -> Iterator[Agent]:
    """Runtimes, and cards whose workload has none. A runtime of a tool is no agent."""
    ran = {(one.metadata.namespace, one.kind, one.metadata.name): one.account for one in facts.ran}
    runtimes = [one for group in KAGENTI for one in _rows(facts, a.KagentiAgent, group, "agentruntimes")]
    cards = [one for group in KAGENTI for one in _rows(facts, a.KagentiAgent, group, "agentcards")]
    policies: dict[str, set[str]] = {}
    for group in KAGENTI:
        for policy in _rows(facts, a.KubernetesPolicy, group, "authorizationpolicies"):
            policies.setdefault(policy.metadata.namespace, set()).add(_word(policy.metadata.name))
    about = {_target(one): one for one in reversed(cards)}
    done = {_target(one) for one in runtimes if one.spec.target is not None}
    for one in (*runtimes, *(card for card in cards if _target(card) not in done)):
        target, namespace = one.spec.target, one.metadata.namespace
        if one.spec.type != "agent" or target is None:
            continue
        status = [row.status for row in (one, about.get(_target(one))) if row is not None and row.status is not None]
        named = [each.card.description for each in status if each.card is not None and each.card.description]
        attributes: dict[str, Any] = {"workload": f"{_word(target.kind.lower())}/{_word(target.name)}"}
        if namespace in policies:
            attributes["authorization_policies"] = sorted(policies[namespace])
        yield Agent(
            platform="kagenti",
            metadata=one.metadata,
            account=ran.get((namespace, target.kind.lower(), target.name)),
            attributes=attributes,
            description=next(iter(named), ""),
            spiffe_ids=tuple(each for row in status for each in row.spiffe_ids),
        )


def _target(one: a.KagentiAgent) -> tuple[str, str, str]:
    target = one.spec.target or a.Ref()
    return one.metadata.namespace, target.kind.lower(), target.name


# --- MCP servers and gateways as workloads ---


def served(facts: KubernetesFacts, source: str) -> Iterator[Workload]:
    """Yield MCP servers that are run in the cluster, with the account they are given, and backends of agentgateway."""
    for group, kind in ((KAGENT, "mcpserver"), (TOOLHIVE, "toolhive_mcpserver")):
        for one in _rows(facts, a.RunServer, group, "mcpservers"):
            account = one.spec.account or (one.spec.deployment.account if one.spec.deployment else None)
            package = _package(one.spec.deployment) or _image(one.spec.image)
            yield _workload(facts, source, kind, one.metadata, account, {"package": package} if package else {})
    for backend in _rows(facts, a.Backend, GATEWAY, "agentgatewaybackends"):
        spec = backend.spec
        targets = [one for one in (spec.mcp.targets if spec.mcp else None) or () if one.name][:_MOST_SERVERS]
        models = sorted(map(_word, (spec.ai.provider if spec.ai else None) or ()))
        servers = [
            {"name": _word(one.name)} | ({"host": host} if (host := _host(one)) else {}) for one in targets
        ]  # fmt: skip
        attributes = {MCP_SERVERS: servers, "model_providers": models}
        shown = {name: value for name, value in attributes.items() if value}
        yield _workload(facts, source, "agentgatewaybackend", backend.metadata, None, shown)


def _host(target: a.Backend.Target) -> str | None:
    given = target.static.host if target.static else None
    return host_of(f"//{given}") if given else None


def _workload(
    facts: KubernetesFacts,
    source: str,
    kind: str,
    metadata: p.Metadata,
    account: str | None,
    attributes: Mapping[str, Any],
) -> Workload:
    namespace = metadata.namespace
    return Workload(
        key=f"kubernetes://{facts.uid}/{namespace}/{kind}/{metadata.name}",
        provider=_PROVIDER,
        source=source,
        scope=facts.uid,
        kind=kind,
        name=metadata.name,
        runs_as=(account_key(facts.uid, (namespace, account)),) if account else (),
        created_at=metadata.created,
        tags=p.kept(metadata.labels),
        attributes={"namespace": namespace, **attributes},
    )


# --- Objects by their resource ---


def _rows(facts: KubernetesFacts, shape: type[Row], group: str, plural: str) -> Iterator[Row]:
    return (one for one in facts.of_agents.get(f"{group}/{plural}", ()) if isinstance(one, shape))


def _place(one: a.AgentObject) -> tuple[str, str]:
    return one.metadata.namespace, one.metadata.name


def _word(text: str, longest: int = _LONGEST) -> str:
    return own_words(text.strip())[:longest]
