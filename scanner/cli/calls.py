"""How Muster is called: a command that is not there, and commands in what is printed, to be run as they stand there."""

from __future__ import annotations

import re
import shlex
from typing import Any

import click

_GIVEN = "scanner.cli.options.given"
_COMMAND = re.compile(r"`(muster (?!-|(?:init|demo|schema)\b)[^`…]*)`")
"""A command in a message, of those that read a config."""
_NO_STORE = re.compile(r"muster (connectors|rules|registry (lint|convert))\b")


def remember_option(context: click.Context, option: click.Parameter, value: Any) -> Any:
    """The callback of options that the printed commands are to be given, too."""
    if value is not None:
        context.meta.setdefault(_GIVEN, {})[option.opts[0]] = str(value)
    return value


def remember(**options: object) -> None:
    """What the printed commands are to be given beside, where the command line itself does not say it."""
    click.get_current_context().meta[_GIVEN] = {f"--{name}": str(value) for name, value in options.items()}


def options_given(command: str = "") -> str:
    """``--config`` and ``--store`` as this command line gives them, for a command that is to mean the same scan."""
    context = click.get_current_context(silent=True)
    given: dict[str, str] = context.meta.get(_GIVEN, {}) if context else {}
    taken = {name: value for name, value in given.items() if name != "--store" or not _NO_STORE.match(command)}
    return "".join(f" {name} {shlex.quote(value)}" for name, value in taken.items())


def as_called(text: str) -> str:
    """A message whose commands, in backquotes, are given the same config and store as this command."""
    return _COMMAND.sub(lambda found: f"`{found[1]}{options_given(found[1])}`", text)


class Group(click.Group):
    """Commands, of which one that is not there is answered with the one that is most like it."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's. Raises UsageError."""
        from scanner.errors import UsageError, did_you_mean

        wanted, known = args[0], self.list_commands(ctx)
        if wanted not in known and not wanted.startswith("-") and not ctx.resilient_parsing:
            hint = did_you_mean(wanted, known) or f"there are: {', '.join(known)}"
            raise UsageError(f"there is no command {ctx.command_path} {wanted}", hint=hint)
        return super().resolve_command(ctx, args)
