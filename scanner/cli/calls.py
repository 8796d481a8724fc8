"""Unknown commands, and commands in messages: printed with the options they need to run as they are."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from shutil import which
from typing import Any

import click

_GIVEN = "scanner.cli.options.given"
_SOURCES = "scanner.cli.calls.sources"
_COMMAND = re.compile(r"`(muster (?!-|(?:init|demo|schema)\b)[^`…]*)`")
"""A command in a message that takes ``--config``."""
_OF_SOURCES = re.compile(r"muster doctor$")
_NO_STORE = re.compile(r"muster (connectors|rules|registry (lint|convert))\b")


def remember_option(context: click.Context, option: click.Parameter, value: Any) -> Any:
    """The callback of options that printed commands repeat."""
    if value is not None:
        context.meta.setdefault(_GIVEN, {})[option.opts[0]] = str(value)
    return value


def remember_sources(context: click.Context, argument: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """The callback of sources that printed commands repeat: those outside the config are named nowhere else."""
    del argument
    context.meta[_SOURCES] = value
    return value


def remember(**options: object) -> None:
    """Set options that printed commands repeat, where the command line does not have them."""
    click.get_current_context().meta[_GIVEN] = {f"--{name}": str(value) for name, value in options.items()}


def options_given(command: str = "") -> str:
    """Sources, ``--config`` and ``--store`` of this command line, so that a printed command uses the same scan."""
    context = click.get_current_context(silent=True)
    given: dict[str, str] = context.meta.get(_GIVEN, {}) if context else {}
    repeated = {name: value for name, value in given.items() if name != "--store" or not _NO_STORE.match(command)}
    sources: tuple[str, ...] = context.meta.get(_SOURCES, ()) if context and _OF_SOURCES.match(command) else ()
    named = "".join(f" {shlex.quote(source)}" for source in sources)
    return named + "".join(f" {name} {shlex.quote(value)}" for name, value in repeated.items())


def program() -> str:
    """How to call Muster from here: by its path if the shell would not find it, as in an environment not activated."""
    called = sys.argv[0]
    return shlex.quote(called) if Path(called).name == "muster" and which("muster") is None else "muster"


def as_called(text: str) -> str:
    """The message; commands in backquotes get the program, config and store of this command."""
    with_options = _COMMAND.sub(lambda found: f"`{found[1]}{options_given(found[1])}`", text)
    return with_options.replace("`muster ", f"`{program()} ")


class Group(click.Group):
    """A group that suggests the most similar command for an unknown one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Overrides click's. Raises UsageError."""
        from scanner.errors import UsageError, did_you_mean

        wanted, known = args[0], self.list_commands(ctx)
        if wanted not in known and not wanted.startswith("-") and not ctx.resilient_parsing:
            hint = did_you_mean(wanted, known) or f"commands: {', '.join(known)}"
            raise UsageError(f"there is no command {ctx.command_path} {wanted}", hint=hint)
        return super().resolve_command(ctx, args)
