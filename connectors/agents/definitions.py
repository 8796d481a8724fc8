"""Definition files of agent platforms: what each agent runs as, and the names of its keys (pure).

No prompt is decoded. Of variables only names are, and the value that names a managed identity or application.

Sources: of ``.bedrock_agentcore.yaml``, AWS's bedrock-agentcore-starter-toolkit, utils/runtime/schema.py; of
``agentcore.json``, aws/agentcore-cli, schema/schemas/agentcore-project.ts; of ``.agent_engine_config.json``, the
configuration that ``adk deploy agent_engine`` hands to Vertex AI's ``agent_engines.create``; of ``azure.yaml``, the
schema azure.ai.agent.json of Azure/azure-dev; of ``agent.yaml``, microsoft/AgentSchema, ContainerAgent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

import msgspec
from msgspec import Struct, field

from connectors.agents.documents import NOT_TEXT, agent_signals
from connectors.core.contract import Malformed, own_words
from connectors.core.offline import Unreadable, text_of
from connectors.planned.documents import parse_document
from scanner.errors import InputError
from scanner.model import Link
from scanner.model.attributes import UNRESOLVED
from scanner.redaction.shapes import shortened

R = TypeVar("R")
Row: TypeAlias = tuple[str, Any]

KIND: Final = "agent_definition"
_LONGEST_NAME: Final = 100
_MOST: Final = 500
"""Maximum number of agents read from a file."""
_ROLE: Final = re.compile(r"arn:aws[a-z-]{0,20}:iam::\d{12}:role/[\w+=,.@/-]{1,600}", re.ASCII)
_ACCOUNT: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}@[a-z0-9.-]{1,200}\.gserviceaccount\.com", re.ASCII)
_CLIENT: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_RUNTIME: Final = re.compile(r"arn:aws[a-z-]{0,20}:bedrock-agentcore:[a-z0-9-]+:\d{12}:runtime/[\w-]{1,120}", re.ASCII)
_PLACEHOLDER: Final = re.compile(r"(?=arn:|.*[$<\[{])[\w${}<>\[\].:/@+=,() -]{1,120}", re.ASCII)
"""Placeholders are shown. Any other text that names no identity might be a secret."""
_VARIABLE: Final = re.compile(r"[A-Za-z_]\w{0,127}", re.ASCII)
_CLIENT_ID: Final = "AZURE_CLIENT_ID"
"""The variable by which Azure's libraries choose a managed identity or an application."""


class Definition(Struct, frozen=True, kw_only=True):
    """An agent in a file. ``runs_as``: the ARN of a role, the address of a service account, or the id of a client.

    ``names``: the field that names it. ``unresolved``: references that the file does not resolve. ``deployed_as``: its
    ARN at its platform. ``variables``, ``providers``: names of its environment variables, and of the providers whose
    keys its platform stores.
    """

    name: str
    runs_as: str | None = None
    names: str = ""
    unresolved: str | None = None
    deployed_as: str | None = None
    variables: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    facts: Mapping[str, str | None] = {}


class Definitions(Struct, frozen=True):
    """The agents in a file, and why others could not be read. ``platform``: where they run."""

    platform: str = ""
    agents: tuple[Definition, ...] = ()
    unread: Mapping[str, str] = {}


def read_definitions(name: str, data: bytes, project: str) -> Definitions | None:
    """Decode a file by its name; None if its name or content defines no agent. Raises Malformed.

    ``project``: the name of an agent that has none in its file.
    """
    known = _FORMATS.get(name)
    if known is None:
        return None
    agents: dict[str, Definition] = {}
    unread: dict[str, str] = {}
    try:
        text = text_of(data)
        if known.mark not in text:
            return None
        # The values of JSON or YAML. Of YAML, all but ``true``, ``false`` and null are texts.
        for called, row in known.rows(
            msgspec.json.decode(text) if name.endswith(".json") else parse_document(Path(name), text)
        ):
            shown = shortened(own_words(called.strip() or project or "agent"), _LONGEST_NAME)
            if len(agents) == _MOST:
                unread[shown] = f"the file has more than {_MOST} agents"
                break
            try:
                agents.setdefault(shown, known.read(shown, row))
            except msgspec.ValidationError as error:
                unread[shown] = own_words(error)
    except Unreadable:
        raise Malformed(NOT_TEXT) from None
    except InputError as error:
        raise Malformed("; ".join(problem.message for problem in error.problems)) from None
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise Malformed(own_words(error)) from None
    return Definitions(known.platform, tuple(agents.values()), unread) if agents or unread else None


def as_identity(definitions: Definitions, one: Definition, path: str) -> dict[str, Any]:
    """The fields of an agent's identity that do not depend on where the file is."""
    facts = {
        "path": path,
        "platform": definitions.platform,
        "deployed_as": one.deployed_as,
        "variables": list(one.variables) or None,
        "credential_providers": list(one.providers) or None,
        UNRESOLVED: [one.unresolved] if one.unresolved else None,
        **one.facts,
    }
    return {
        "kind": KIND,
        "aliases": (one.deployed_as,) if one.deployed_as else (),
        "attributes": {name: fact for name, fact in facts.items() if fact is not None},
        "signals": agent_signals(f"definition of an agent for {definitions.platform}"),
        "links": (Link(relation="runs_as", target=one.runs_as, evidence=one.names),) if one.runs_as else (),
    }


def _named(name: str, value: str | None, form: re.Pattern[str], otherwise: str) -> dict[str, Any]:
    """The identity that a field names. ``otherwise``: what runs the agent if the field is empty."""
    text = (value or "").strip()
    if not text:
        return {"unresolved": otherwise}
    if form.fullmatch(text):
        return {"runs_as": text, "names": name}
    shown = own_words(text) if _PLACEHOLDER.fullmatch(text) else "not the id of an identity"
    return {"unresolved": f"{name} is {shown}"}


def _variables(names: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(sorted({one for one in names if one and _VARIABLE.fullmatch(one)}))


def _texts(names: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(sorted({shortened(own_words(one), _LONGEST_NAME) for one in names if one}))


def _under(content: Any, name: str, row: type[R]) -> R | None:
    """A member of the file. Raises msgspec.ValidationError for another type."""
    found = msgspec.convert(content, Mapping[str, Any]).get(name)
    return None if found is None else msgspec.convert(found, row)


class _Variable(Struct, frozen=True):
    name: str
    value: Any = None


class _Named(Struct, frozen=True):
    name: str


# --- Amazon Bedrock AgentCore ---


class _Aws(Struct, frozen=True):
    execution_role: str | None = None
    account: str | None = None
    region: str | None = None


class _Deployed(Struct, frozen=True):
    agent_arn: str | None = None


class _Outbound(Struct, frozen=True):
    credential_providers: tuple[_Named, ...] | None = None


class _ToolkitAgent(Struct, frozen=True, kw_only=True):
    aws: _Aws | None = None
    bedrock_agentcore: _Deployed | None = None
    identity: _Outbound | None = None
    api_key_env_var_name: str | None = None
    api_key_credential_provider_name: str | None = None


_MADE_LATER: Final = "its role is made when it is deployed"


def _in_toolkit(content: Any) -> Iterator[Row]:
    """Yield the agents; older files are one agent."""
    listed = _under(content, "agents", dict[str, Any])
    yield from ((_under(content, "name", str) or "", content),) if listed is None else listed.items()


def _of_toolkit(name: str, row: Any) -> Definition:
    agent = msgspec.convert(row, _ToolkitAgent)
    aws, deployed = agent.aws or _Aws(), (agent.bedrock_agentcore or _Deployed()).agent_arn or ""
    providers = [one.name for one in (agent.identity or _Outbound()).credential_providers or ()]
    return Definition(
        name=name,
        **_named("execution_role", aws.execution_role, _ROLE, _MADE_LATER),
        deployed_as=deployed if _RUNTIME.fullmatch(deployed) else None,
        variables=_variables((agent.api_key_env_var_name,)),
        providers=_texts((*providers, agent.api_key_credential_provider_name)),
        facts=_place(aws),
    )


def _place(aws: _Aws) -> Mapping[str, str | None]:
    places = {"account": aws.account, "region": aws.region}
    return {name: own_words(value) for name, value in places.items() if value}


class _Runtime(Struct, frozen=True, kw_only=True, rename="camel"):
    name: str
    execution_role_arn: str | None = None
    env_vars: tuple[_Variable, ...] | None = None


def _in_project(content: Any) -> Iterator[Row]:
    """Yield the runtimes, which version 0 called agents, each with the credentials of the project: all may use them."""
    credentials = _under(content, "credentials", list[_Named]) or ()
    rows = _under(content, "runtimes", list[Any]) or _under(content, "agents", list[Any]) or ()
    for number, row in enumerate(rows, start=1):
        named = row.get("name") if isinstance(row, dict) else None
        yield named if isinstance(named, str) else f"runtime {number}", (row, [one.name for one in credentials])


def _of_project(name: str, row: tuple[Any, list[str]]) -> Definition:
    runtime = msgspec.convert(row[0], _Runtime)
    return Definition(
        name=name,
        **_named("executionRoleArn", runtime.execution_role_arn, _ROLE, _MADE_LATER),
        variables=_variables(one.name for one in runtime.env_vars or ()),
        providers=_texts(row[1]),
    )


# --- Vertex AI Agent Engine ---

_OWN_IDENTITY: Final = "AGENT_IDENTITY"


class _Engine(Struct, frozen=True, kw_only=True):
    display_name: str | None = None
    service_account: str | None = None
    identity_type: str | None = None
    env_vars: Mapping[str, Any] | list[str] | None = None


def _one_engine(content: Any) -> Iterator[Row]:
    yield _under(content, "display_name", str) or "", content


def _of_engine(name: str, row: Any) -> Definition:
    engine = msgspec.convert(row, _Engine)
    otherwise = (
        "it is given an identity of its own when it is deployed"
        if engine.identity_type == _OWN_IDENTITY
        else "the service agent that all such agents of the project share"
    )
    return Definition(
        name=name,
        **_named("service_account", engine.service_account, _ACCOUNT, otherwise),
        variables=_variables(engine.env_vars or ()),
    )


# --- Microsoft Foundry ---

_HOST: Final = "azure.ai.agent"
_HOSTED: Final = "hosted"
_BY_FOUNDRY: Final = "Foundry gives it an identity when it is deployed"
_Given: TypeAlias = Mapping[str, Any] | list[_Variable] | None


class _Service(Struct, frozen=True, kw_only=True):
    """A service of azd, or a hosted agent: its variables and connections are named in several ways."""

    env: _Given = None
    camel: _Given = field(default=None, name="environmentVariables")
    snake: _Given = field(default=None, name="environment_variables")
    connections: list[_Named] | None = None
    tool_connections: list[_Named] | None = field(default=None, name="toolConnections")
    config: _Service | None = None


def _services(content: Any) -> Iterator[Row]:
    for name, row in (_under(content, "services", dict[str, Any]) or {}).items():
        if isinstance(row, Mapping) and row.get("host") == _HOST:
            yield name, row


def _hosted(content: Any) -> Iterator[Row]:
    """Yield the agent of a definition, or of a manifest, which has it as its template."""
    row = _under(content, "template", dict[str, Any]) or content
    if row.get("kind") == _HOSTED:
        yield _under(row, "name", str) or "", row


def _of_foundry(name: str, row: Any) -> Definition:
    service = msgspec.convert(row, _Service)
    given: dict[str, Any] = {}
    providers: list[str] = []
    for part in filter(None, (service.config, service)):
        for variables in (part.snake, part.camel, part.env):
            given |= {one.name: one.value for one in variables} if isinstance(variables, list) else variables or {}
        providers += [one.name for one in (*(part.connections or ()), *(part.tool_connections or ()))]
    client = given.get(_CLIENT_ID)
    return Definition(
        name=name,
        **_named(_CLIENT_ID, client if isinstance(client, str) else None, _CLIENT, _BY_FOUNDRY),
        variables=_variables(given),
        providers=_texts(providers),
    )


class _Format(NamedTuple):
    """``rows``: its agents as they stand in the file, by name. Both raise msgspec.ValidationError.

    ``mark``: a text without which a file of a common name is no such file, be it YAML or not.
    """

    platform: str
    rows: Callable[[Any], Iterator[Row]]
    read: Callable[[str, Any], Definition]
    mark: str = ""


_FORMATS: Final[Mapping[str, _Format]] = {
    ".bedrock_agentcore.yaml": _Format("Amazon Bedrock AgentCore", _in_toolkit, _of_toolkit),
    "agentcore.json": _Format("Amazon Bedrock AgentCore", _in_project, _of_project),
    ".agent_engine_config.json": _Format("Vertex AI Agent Engine", _one_engine, _of_engine),
    "azure.yaml": _Format("Microsoft Foundry", _services, _of_foundry, _HOST),
    "azure.yml": _Format("Microsoft Foundry", _services, _of_foundry, _HOST),
    "agent.yaml": _Format("Microsoft Foundry", _hosted, _of_foundry, _HOSTED),
    "agent.manifest.yaml": _Format("Microsoft Foundry", _hosted, _of_foundry, _HOSTED),
}
NAMES: Final = frozenset(_FORMATS)
"""Names of files that define agents."""


def project_at(path: PurePath) -> str:
    """The name of the folder that a file belongs to; empty if its path has none."""
    folder = path.parent.parent if path.parent.name == "agentcore" else path.parent
    return folder.name
