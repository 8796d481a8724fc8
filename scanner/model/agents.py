"""AI agents: whether an identity is one, the tools that it has, and what an outsider could make it do with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

from msgspec import Struct

from scanner.model.discovered import Signal

Audience: TypeAlias = Literal["anybody", "outsiders", "insiders"]
"""Who writes what an agent reads: anybody, outsiders with an account, or people of the organization."""
AUDIENCES: tuple[Audience, ...] = get_args(Audience)
"""The widest first."""
ExposureState: TypeAlias = Literal["exposed", "none", "unknown"]
ExposureKind: TypeAlias = Literal["exfiltration", "takeover"]
Reached: TypeAlias = Literal["admin", "secrets", "data", "actions"]
"""What an exposed agent reaches: everything in a scope, secrets, private data, or high-consequence actions."""
ExposurePart: TypeAlias = Literal["input", "reach", "way_out"]

ActsFor: TypeAlias = Literal["people", "itself", "its maker", "unknown"]
"""On whose behalf an agent acts, by audit logs or its provider. ``people`` also if it acts for itself besides."""


class AgentTool(Struct, frozen=True, kw_only=True, gc=False):
    """A tool of an agent. None in the last three fields: unknown.

    ``server``: the MCP server that has it; None for a tool of the platform. ``reads_outside``: texts that others write.
    ``reads_private``: data that is not public. ``acts_outwards``: sends, posts or writes where others can read it, or
    pays.
    """

    name: str
    server: str | None = None
    publisher: str | None = None
    reads_outside: bool | None = None
    reads_private: bool | None = None
    acts_outwards: bool | None = None


class AgentExposure(Struct, frozen=True, kw_only=True, gc=False):
    """What somebody who writes an input could make an agent do: the worst combination, each part with its evidence.

    ``way_out``: None for a takeover. ``cut``: the one thing to remove that ends most of the combinations, and ``ends``
    how many of them; ``of``: how many there are. ``cut_in``: the parts named here that end with it. ``gate``: what
    keeps the agent from acting on it by itself, such as the approval of a person.
    """

    kind: ExposureKind
    input: str
    opened_by: Audience
    reach: str
    reached: Reached
    way_out: str | None = None
    cut: str
    cut_in: tuple[ExposurePart, ...] = ()
    ends: int = 1
    of: int = 1
    gate: str | None = None


class LockedAgent(Struct, frozen=True, kw_only=True, gc=False):
    """What was approved for an agent, as the lock file has it.

    ``tools``: by name with its server, the hash of the tool's definition; empty if its source does not give that.
    ``servers``: name, package with version, host. ``rights``: what it runs as, and what is within its reach.
    ``inherits``: what it has from its blueprint.
    """

    identity: str
    tools: Mapping[str, str] = {}
    servers: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    rights: tuple[str, ...] = ()
    inherits: tuple[str, ...] = ()


class AgentVerdict(Struct, frozen=True, kw_only=True, gc=False):
    """Whether an identity is an AI agent, with the signals.

    ``tools``: None if it is no agent, or its source does not list them. ``exposure``: None if it is no agent; ``none``
    only if all of its tools, what it reads and all that it reaches are known. ``unknown_because``: what is not known.
    ``runs``: the keys of the agents that run as it. ``reach``: the high-consequence actions within its reach, in words.
    ``grew``: what it has beyond the lock of agents; empty without a lock. ``acts_for``: None if it is no agent.
    ``sponsors_left``: its sponsors with its provider, by e-mail, if all of them have left.
    """

    is_agent: bool = False
    signals: tuple[Signal, ...] = ()
    tools: tuple[AgentTool, ...] | None = None
    exposure: ExposureState | None = None
    exposures: tuple[AgentExposure, ...] = ()
    unknown_because: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    reach: tuple[str, ...] = ()
    grew: tuple[str, ...] = ()
    acts_for: ActsFor | None = None
    sponsors_left: tuple[str, ...] = ()
