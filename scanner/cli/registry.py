"""``muster registry``: lint, adopt and convert."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scanner.cli.adopt import adopt
from scanner.cli.calls import Group
from scanner.cli.exit_codes import PROBLEMS
from scanner.cli.options import config_option, listed, people_option, registry_of
from scanner.errors import UsageError
from scanner.text import counted

if TYPE_CHECKING:
    from scanner.registry.editing.lint import LintReport
    from scanner.registry.lists import ListSource


_FILE = click.Path(path_type=Path)


@click.group(cls=Group)
def registry() -> None:
    """Check, fill in and convert the registry."""


registry.add_command(adopt)


@registry.command()
@click.argument("files", nargs=-1, type=_FILE, metavar="[FILE]...")
@config_option
@people_option
@click.option("-o", "--output", metavar="json:PATH", help="Write it as JSON instead; '-' is stdout.")
@click.option("--suggest", is_flag=True, help="Print config for unknown headings, to paste.")
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Exit 1 if the score is lower, or unknown.",
)
def lint(
    files: tuple[Path, ...],
    config_file: Path | None,
    people: tuple[Path, ...],
    output: str | None,
    suggest: bool,
    fail_under: float | None,
) -> int:
    """Report errors in a registry, and how complete it is, as a whole and by team.

    FILE is a registry, by default those of the config. Exit 1 on problems, not on warnings.
    """
    from connectors.catalog import connector_catalog
    from scanner.app.lists import lint_configured
    from scanner.cli.console import say
    from scanner.config.load import load_config
    from scanner.registry.editing.text import lint_text, printed, verdict_text

    config = load_config(config_file)
    path = _json_path(output)
    lists = tuple(registry_of(config, file) for file in files) or config.registry
    if not lists:
        raise UsageError("no registry is configured", hint="name a FILE, or a [[registry]] in the config")
    for one in (*lists, *map(listed, people)):
        if one.path is not None and one.path in (*files, *people) and not one.path.exists():
            raise UsageError(f"{one.path}: no such file")
    people_lists = tuple(map(listed, people)) or config.people
    if suggest:
        _suggest(lists, people_lists)
        return 0
    report = lint_configured(config, lists, people_lists, connector_catalog().names)
    if path is None:
        click.echo(printed(lint_text(report)), nl=False)
    else:
        _deliver_json(report, path)
    if fail_under is not None:
        say(verdict_text(report, fail_under))
    too_low = fail_under is not None and report.is_below(fail_under)
    return PROBLEMS if report.problems or too_low else 0


@registry.command()
@click.argument("source", type=_FILE, metavar="IN")
@click.argument("out", type=_FILE, metavar="OUT")
@config_option
@click.option("--force", is_flag=True, help="Replace OUT if it exists.")
def convert(source: Path, out: Path, config_file: Path | None, force: bool) -> None:
    """Convert a registry file IN to the format of OUT.

    Formats are .csv, .tsv, .xlsx, .json, .ndjson, .yaml and .toml. Unknown columns are kept, too.
    """
    from scanner.cli.console import say, warn
    from scanner.config.load import load_config
    from scanner.registry.editing import revising as converting
    from scanner.registry.editing.saving import save

    if out.exists() and not force:
        raise UsageError(f"{out} already exists", hint="--force replaces it")
    one = registry_of(load_config(config_file), source)
    done = converting.convert(one, out, replaces=out.read_bytes() if out.exists() else None)
    save([done.file], converting.read_like(one))
    warn(f"{source}: {heading} may hold secrets and was left out" for heading in done.secret)
    say(f"wrote {counted(len(done.file.entries), 'entry', 'entries')} to {out}")


def _suggest(lists: Sequence[ListSource], people: Sequence[ListSource]) -> None:
    from scanner.registry.editing.text import printed
    from scanner.registry.editing.unknown_headings import suggest_config
    from scanner.registry.roster.people import load_people

    roster = load_people(people, strict=False).roster(datetime.now(UTC).date()) if people else None
    for one in lists:
        if one.path is None or not one.path.is_file():
            raise UsageError(f"{one.name}: --suggest needs files", hint="name the file")
        click.echo(printed(suggest_config(one, roster)), nl=False)


def _json_path(output: str | None) -> str | None:
    from scanner.cli.output import split_output

    if output is None:
        return None
    name, path = split_output(output)
    if name != "json":
        raise UsageError(f"lint has no format {name}", hint="-o json:PATH")
    return path


def _deliver_json(report: LintReport, path: str) -> None:
    from scanner.cli.output import Delivery, deliver
    from scanner.registry.editing.lint import write_json

    deliver(
        [Delivery(format="json", title="lint", path=path, write=lambda out, _: write_json(report, out))],
        hint="choose another path",
    )
