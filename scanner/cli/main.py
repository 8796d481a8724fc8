"""The ``muster`` command: finds the subcommand, and turns every outcome into a message and an exit code."""

from __future__ import annotations

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

_COMMANDS = {
    "acknowledge": ("acknowledge", "Suppress findings until a day, with reason and person."),
    "connectors": ("connectors", "Show what each connector reads and which permissions it needs."),
    "demo": ("demo", "Scan a sample company on loopback and report on it."),
    "diff": ("diff", "Compare two scans in the store."),
    "doctor": ("doctor", "Check config, lists, store, reach, permissions and channels."),
    "history": ("history", "List the scans in the store, newest first."),
    "import": ("import_", "Join the shards of a scan, then match, evaluate, store and report."),
    "init": ("init", "Create a starter config, registry and roster."),
    "notify": ("notify", "Retry notifications that could not be delivered."),
    "offboard": ("offboard", "List what a leaver owns, with suggested successors."),
    "orphans": ("report", "List orphaned identities."),
    "registry": ("registry", "Check, fill in and convert the registry."),
    "report": ("report", "Report on a scan in the store, without scanning."),
    "rules": ("rules", "List every rule: id, severity, thresholds, controls."),
    "scan": ("scan", "Discover, match, evaluate, store and report."),
    "schema": ("schema", "Print the JSON Schema of json and ndjson reports."),
    "show": ("show", "Show the details of one identity."),
    "store": ("store", "Check, upgrade and protect the store."),
}
"""Command to the module that holds it, imported when the command is used, and what ``muster --help`` says of it."""

log = logging.getLogger(__name__)

INTERRUPTED = 130
USAGE = 2


class _Commands(Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        if cmd_name not in _COMMANDS:
            return None
        module, _ = _COMMANDS[cmd_name]
        name = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        command: click.Command = getattr(importlib.import_module(f"scanner.cli.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        # From the table: importing all commands for a line of each takes a third of the time.
        with formatter.section("Commands"):
            formatter.write_dl([(name, said) for name, (_, said) in _COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        # What --help does without is imported here and below: it would be a quarter of its time.
        from connectors.catalog import installed_providers
        from scanner.catalog import providers_from
        from scanner.cli.console import complain, set_up_logging
        from scanner.errors import MusterError

        providers_from(installed_providers)  # for every command alike; read by whichever compares something
        # Before the command is resolved, so that an unknown command is reported in the log's format, too.
        set_up_logging(ctx.params["verbose"], ctx.params["log_format"])
        try:
            return super().invoke(ctx)
        except MusterError as error:
            # Here, and not where the exit code is made: the context knows what the command line gave.
            complain(error)
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
    Exit codes: 0 done · 1 findings (--fail-on) · 2 usage, config or registry
                3 incomplete (--strict) · 4 nothing scanned · 130 interrupted
    """  # noqa: D301  # click keeps lines as they are after a real backspace


def main(arguments: list[str] | None = None) -> int:  # one for each way a command can end
    """Run a command line; returns the exit code."""
    try:
        code = cli.main(args=arguments, prog_name="muster", standalone_mode=False)
    except click.ClickException as error:
        from scanner.cli.console import complain, structured
        from scanner.errors import UsageError

        if structured():
            complain(UsageError(error.format_message()))
        else:
            error.show()
        return USAGE
    except (KeyboardInterrupt, click.Abort) as stop:
        from scanner.cli.console import say

        # A command that knows what became of its work says so in its Abort.
        say("; ".join(filter(None, ("muster: interrupted", str(stop)))))
        return INTERRUPTED
    except (BrokenPipeError, SystemExit):  # click exits with 1 of its own accord when a pipe is closed
        return _read_no_further()
    except OSError as error:
        from scanner.cli.console import complain
        from scanner.errors import UsageError

        complain(UsageError(f"{error.filename or 'the output'}: {error.strerror or error}"))
        return USAGE
    except Exception as error:
        from scanner.cli.console import complain
        from scanner.errors import MusterError

        # An unexpected error: reported as a bug with secrets masked; -v adds the traceback.
        log.info("unforeseen", exc_info=error)
        complain(
            MusterError(
                f"internal error: {type(error).__name__}: {error}", hint="muster -v … shows where; please report it"
            )
        )
        return USAGE
    return code if isinstance(code, int) else 0


def _read_no_further() -> int:
    """The reader of stdout closed it; the interpreter must not try to flush the rest."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Handles SIGTERM as Ctrl-C."""
    raise KeyboardInterrupt


def run() -> NoReturn:
    """The console script."""
    signal.signal(signal.SIGTERM, _interrupt)
    code = main()
    logging.shutdown()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _read_no_further()
    sys.stderr.flush()
    if code == INTERRUPTED:
        # At once: a worker may be waiting for a provider, and nothing is half written.
        os._exit(code)
    sys.exit(code)
