"""The lock file of agents: TOML that ``muster agents lock`` writes, and that a scan and the gate compare with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from scanner.errors import ConfigError, Problem
from scanner.model import LockedAgent
from scanner.registry.tables.parsing import parse_toml
from scanner.strict import Document, decode, read_settings

_HEAD = """\
# What each AI agent was approved with. Written by `muster agents lock`: review its changes as those of code.
version = 1
"""


class _Locked(LockedAgent, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: int
    agents: tuple[_Locked, ...] = ()


def read_lock(path: Path) -> tuple[LockedAgent, ...]:
    """Return the agents of a lock file. Raises ConfigError with the place."""
    text = read_settings(path, "`muster agents lock` writes one")
    found = decode(parse_toml(str(path), text, ConfigError), _File, Document(file=str(path), text=text))
    if found.version != 1:
        message = f"version {found.version} of a lock is not known to this version of Muster"
        raise ConfigError(Problem(file=str(path), message=message, fix="write it anew with `muster agents lock`"))
    return found.agents


def lock_text(agents: Iterable[LockedAgent]) -> str:
    """Return the lock file, agents by key. Nothing in it depends on the time: the same agents give the same file."""
    import tomlkit

    rows = tomlkit.aot()
    for agent in sorted(agents, key=lambda one: one.identity):
        row = tomlkit.table()
        row.add("identity", agent.identity)
        if agent.tools:
            tools = tomlkit.inline_table()
            tools.update(sorted(agent.tools.items()))
            row.add("tools", tools)
        for name in ("servers", "models", "rights", "inherits"):
            if texts := getattr(agent, name):
                row.add(name, tomlkit.item(list(texts)).multiline(len(texts) > 1))
        rows.append(row)
    document = tomlkit.document()
    if len(rows):
        document.add("agents", rows)
    return f"{_HEAD}\n{tomlkit.dumps(document)}" if len(rows) else _HEAD
