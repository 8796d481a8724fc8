"""``muster report``, ``muster orphans`` and ``muster schema``: reports of a scan in the store, and their schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from scanner.cli.options import Reports, config_option, output_options, people_option, store_option
from scanner.errors import UsageError, did_you_mean
from scanner.model import SEVERITIES

if TYPE_CHECKING:
    from reports.narrowing import Wanted
    from scanner.cli.output import Output
    from scanner.config.load import Config
    from scanner.model import Assessment, ScanResult
    from scanner.registry.lists import ListSource


F = TypeVar("F", bound=Callable[..., Any])

UNOWNED = "nobody"
"""Part of the file name for identities without a likely owner."""
_WHOLE_ONLY = ("evidence", "prometheus")
"""Formats that cover a whole scan and would be wrong for a part of it."""


def _wanted_options(command: F) -> F:
    options = (
        click.option("--severity", type=click.Choice(SEVERITIES), help="Only findings of this severity or higher."),
        click.option("--provider", "providers", multiple=True, metavar="NAME", help="Only this provider. Repeats."),
        click.option("--team", "teams", multiple=True, metavar="NAME", help="Only this team. Repeats."),
        click.option("--rule", "rules", multiple=True, metavar="ID", help="Only findings of this rule. Repeats."),
        click.option(
            "--owner",
            "owners",
            multiple=True,
            metavar="PERSON",
            help="Only this owner or likely owner. Repeats.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.option("--scan", "scan_id", metavar="ID", help="Scan id; default: the latest scan.")
@config_option
@store_option
@output_options
@_wanted_options
def report(
    scan_id: str | None,
    config_file: Path | None,
    store_url: str | None,
    reports: Reports,
    **filters: Any,
) -> None:
    """Report on a scan in the store, without scanning.

    With --severity, --provider, --team, --rule and --owner, the reports cover only what matches all of them.
    """
    from reports.base import BOARD
    from scanner.cli.output import plan_outputs
    from scanner.config.load import load_config

    planned, wanted = plan_outputs(reports.outputs, reports.view), _wanted(**filters)
    for output in planned:
        if wanted and (output.report.name in _WHOLE_ONLY or output.shows == BOARD):
            what = BOARD if output.shows == BOARD else output.report.name
            raise UsageError(f"{what} covers a whole scan", hint=f"leave out {wanted.in_words}")
    config = load_config(config_file)
    _report(scan_id, config, config.people, store_url, planned, wanted)


@click.command()
@config_option
@store_option
@people_option
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT:PATH",
    help="Write it as csv:PATH or xlsx:PATH. Repeats.",
)
@_wanted_options
@click.option(
    "--split",
    type=click.Choice(["owner", "team"]),
    help="Write one file per likely owner, or per team: orphans-NAME.xlsx for orphans.xlsx.",
)
def orphans(
    config_file: Path | None,
    store_url: str | None,
    people: tuple[Path, ...],
    outputs: tuple[str, ...],
    split: Literal["owner", "team"] | None,
    **filters: Any,
) -> None:
    """List orphaned identities.

    In csv and xlsx, the list has empty columns for owners to fill in. A workbook has the roster to choose from.
    """
    from scanner.cli.options import listed
    from scanner.cli.output import plan_outputs
    from scanner.config.load import load_config

    planned = plan_outputs(outputs, "orphans")
    config = load_config(config_file)
    roster = tuple(map(listed, people)) or config.people
    _report(None, config, roster, store_url, planned, _wanted(**filters), split)


@click.command()
def schema() -> None:
    """Print the JSON Schema of json and ndjson reports.

    The schema describes a json document. Its definition "line" describes a line of ndjson.
    """
    from reports.json_schema import scan_schema_text

    click.echo(scan_schema_text(), nl=False)


def _wanted(
    severity: Any, providers: tuple[str, ...], teams: tuple[str, ...], rules: tuple[str, ...], owners: tuple[str, ...]
) -> Wanted:
    from reports.narrowing import Wanted
    from scanner.rules.catalog import RULES

    known = [rule.id for rule in RULES]
    for rule in rules:
        if rule not in known:
            raise UsageError(f"there is no rule {rule}", hint=did_you_mean(rule, known) or "`muster rules` lists them")
    return Wanted(severity=severity, providers=providers, teams=teams, rules=rules, owners=owners)


def _report(
    scan_id: str | None,
    config: Config,
    people: Sequence[ListSource],
    store_url: str | None,
    planned: Sequence[Output],
    wanted: Wanted,
    split: Literal["owner", "team"] | None = None,
) -> None:
    from reports.base import streams
    from reports.narrowing import narrowed, unknown_terms
    from scanner.app.stored import opened
    from scanner.cli.console import warn
    from scanner.cli.output import STDOUT, offering, with_changes_shown, write_outputs
    from scanner.store.store import open_store

    if split and any(output.path == STDOUT for output in planned):
        raise UsageError("--split writes several files", hint="such as -o xlsx:orphans.xlsx")
    planned = offering(planned, people, config.serve.public_url)
    streaming = not wanted and split is None and all(streams(output.report) for output in planned)
    with (
        open_store(store_url or config.store_url, create=False) as store,
        opened(store, scan_id, config, streams=streaming) as stored,
    ):
        for sort, term, known in unknown_terms(stored, wanted):
            hint = did_you_mean(term, known)
            warn([f"nothing in this scan matches {sort} {term}{f': {hint}' if hint else ''}"])
        result = narrowed(with_changes_shown(store, stored, planned, config.activity), wanted)
        if split is None:
            write_outputs(result, planned)
            return
        for part, outputs in _parts(result, planned, _label(split, people)):
            write_outputs(part, outputs)


def _label(split: Literal["owner", "team"], people: Sequence[ListSource]) -> Callable[[Assessment], str | None]:
    """The recipient of a part: the likely owner, or for ``team`` the entry's team, else the likely owner's."""
    from scanner.registry.roster.people import load_people

    if split == "owner":
        return lambda assessment: assessment.contact
    roster = load_people(people, strict=False).roster(datetime.now(UTC).date())

    def team(assessment: Assessment) -> str | None:
        asked = roster.resolve(assessment.contact or "")
        return assessment.ownership.team or (asked.team if asked else None)

    return team


def _parts(
    result: ScanResult, planned: Sequence[Output], label: Callable[[Assessment], str | None]
) -> Iterator[tuple[ScanResult, list[Output]]]:
    """Each part with its outputs. Names that give the same file name get numbers."""
    from msgspec.structs import replace

    from reports.narrowing import parted
    from scanner.cli.output import FileNames

    names = FileNames()
    for name, part in parted(result, "orphans", label).items():
        free = names.of(name or UNOWNED)
        paths = (Path(output.path) for output in planned)
        yield (
            part,
            [
                replace(output, path=str(path.with_name(f"{path.stem}-{free}{path.suffix}")))
                for output, path in zip(planned, paths, strict=True)
            ],
        )
