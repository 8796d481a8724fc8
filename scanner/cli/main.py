"""The ``muster`` command: runs a subcommand, and turns every outcome into a message and an exit code."""

from __future__ import annotations

import gc
import importlib
import logging
import os
import signal
import sys
from keyword import iskeyword
from types import FrameType
from typing import Any, NoReturn

import click

from scanner import __version__
from scanner.cli.calls import Group
from scanner.cli.exit_codes import INTERRUPTED, USAGE

_COMMANDS = {
    "acknowledge": ("acknowledge", "Suppress findings until a day, with reason and person."),
    "activity": ("activity", "Read audit logs into one profile for each identity and day, and alert on what is new."),
    "agents": ("agents", "Approve what AI agents have, and hear of what comes on top."),
    "check": ("check", "Check what a change would bring, before it is deployed."),
    "connectors": ("connectors", "Show what each connector reads and which permissions it needs."),
    "decisions": ("decisions", "Show and export the log of what people decided."),
    "demo": ("demo", "Scan a sample company on loopback and report on it."),
    "diff": ("diff", "Compare two scans in the store."),
    "doctor": ("doctor", "Check config, lists, store, reach, permissions and channels."),
    "history": ("history", "List the scans in the store, newest first."),
    "import": ("import_", "Join the shards of a scan, then match, evaluate, store and report."),
    "init": ("init", "Create a starter config, registry and roster."),
    "notify": ("notify", "Retry notifications and tickets that could not be delivered."),
    "offboard": ("offboard", "List what a leaver owns, with suggested successors."),
    "orphans": ("report", "List orphaned identities."),
    "paths": ("paths", "Show which identity can become which, shortest paths first, with the evidence for each step."),
    "registry": ("registry", "Check, fill in and convert the registry."),
    "report": ("report", "Report on a scan in the store, without scanning."),
    "retire": ("retire", "Say who would notice if an identity were switched off, and how to do it step by step."),
    "review": ("review", "Run access reviews."),
    "rules": ("rules", "List every rule: id, severity, thresholds, controls."),
    "scan": ("scan", "Discover, match, evaluate, store and report."),
    "schema": ("report", "Print the JSON Schema of json and ndjson reports."),
    "serve": ("serve", "Serve the store as a page with an API."),
    "show": ("show", "Show the details of one identity."),
    "store": ("store", "Check, upgrade and protect the store."),
}
"""Module of each command, imported when it runs, and its line in ``muster --help``."""

log = logging.getLogger(__name__)


class _Commands(Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # the signature is that of click
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # the signature is that of click
        if cmd_name not in _COMMANDS:
            return None
        module, _ = _COMMANDS[cmd_name]
        name = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        command: click.Command = getattr(importlib.import_module(f"scanner.cli.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        # From the table: importing all commands takes a third of the time.
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in _COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        # Imported here and below, because --help does not need it: it would take a quarter of its time.
        from connectors.catalog import installed_providers
        from scanner.catalog import providers_from
        from scanner.cli.console import print_error, set_up_logging
        from scanner.errors import MusterError

        providers_from(installed_providers)  # for every command that compares providers
        # Before the command is resolved, so that an unknown command is logged in the chosen format, too.
        set_up_logging(ctx.params["verbose"], ctx.params["log_format"])
        try:
            return super().invoke(ctx)
        except MusterError as error:
            # Here and not in main(): the hint needs the command line's options from the context.
            print_error(error)
            return error.exit_code


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="muster")
@click.option("-v", "--verbose", count=True, help="Verbose log on stderr; twice for debugging.")
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Format of stderr.",
)
def cli(**_: object) -> None:
    """Call the roll of your non-human identities.

    Finds service accounts, roles, keys, tokens and AI agents, and reports which of them are unregistered or orphaned.
    Access is read-only, and secret values are never read.

    \b
    Exit codes: 0 done · 1 findings (--fail-on), problems, or not found
                2 usage, input, output or store · 3 incomplete (--strict)
                or undelivered · 4 nothing scanned · 130 interrupted
    """  # noqa: D301  # click keeps lines as they are after a real backspace


def main(arguments: list[str] | None = None) -> int:
    """Run a command line; returns the exit code."""
    try:
        code = cli.main(args=arguments, prog_name="muster", standalone_mode=False)
    except click.ClickException as error:
        from scanner.cli.console import print_error, structured
        from scanner.errors import UsageError

        if structured():
            print_error(UsageError(error.format_message()))
        else:
            error.show()
        return USAGE
    except (KeyboardInterrupt, click.Abort) as stop:
        from scanner.cli.console import say

        # The text of an Abort says what happened to the scan.
        say("; ".join(filter(None, ("muster: interrupted", str(stop)))), wrong=True)
        return INTERRUPTED
    except (BrokenPipeError, SystemExit):  # click raises SystemExit(1) for a closed pipe
        return _discard_stdout()
    except Exception as error:  # an unexpected error is reported as a bug with masked secrets; -v logs the traceback
        from scanner.cli.console import print_error
        from scanner.errors import as_muster_error

        log.info("unforeseen", exc_info=error)
        print_error(as_muster_error(error))
        return USAGE
    return code if isinstance(code, int) else 0


def _discard_stdout() -> int:
    """Stdout was closed by its reader: keep the interpreter from flushing the rest."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Handle SIGTERM like Ctrl-C."""
    raise KeyboardInterrupt


_ALLOCATED = 50_000
"""Objects between two passes of the garbage collector. With the default of 700, imports alone cause 100 passes."""


def run() -> NoReturn:
    """The entry point of the console script."""
    signal.signal(signal.SIGTERM, _interrupt)
    gc.set_threshold(_ALLOCATED, *gc.get_threshold()[1:])
    try:
        code = main()
        _flush()
    except KeyboardInterrupt:  # while the end is under way, such as a second Ctrl-C
        code = INTERRUPTED
    if code == INTERRUPTED:
        # Without joining threads: a worker may be waiting for a provider, and no file is half written.
        os._exit(code)
    gc.freeze()  # else the interpreter looks through all objects before it ends: as long as importing a third of them
    sys.exit(code)


def _flush() -> None:
    logging.shutdown()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_stdout()
    sys.stderr.flush()
