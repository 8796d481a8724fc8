"""``muster acknowledge``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scanner.cli.options import config_option, store_option
from scanner.errors import UsageError

if TYPE_CHECKING:
    from scanner.config import Config
    from scanner.model import Finding


@click.command()
@click.argument("fingerprints", nargs=-1, required=True, metavar="FINGERPRINT...")
@click.option("--reason", required=True, metavar="TEXT", help="Why it is let be.")
@click.option("--by", required=True, metavar="PERSON", help="Who answers for that.")
@click.option("--until", required=True, metavar="DATE", help="The last day it holds, at most a year from now.")
@click.option("--file", "path", type=click.Path(path_type=Path), metavar="FILE", help="The list to add to.")
@config_option
@store_option
@click.option("--dry-run", is_flag=True, help="Only print what would change.")
def acknowledge(
    fingerprints: tuple[str, ...],
    reason: str,
    by: str,
    until: str,
    path: Path | None,
    config_file: Path | None,
    store_url: str | None,
    dry_run: bool,
) -> None:
    """Let findings be until a day, with reason and person.

    They stay in every report, and alarm nobody.

    FINGERPRINT is that of a finding of the latest scan, as reports show it. It is added to the list that the config
    names in [alarms] acknowledged; what changed is printed, for the review.
    """
    from scanner.acknowledged_file import changed_lines, parse, read, with_findings
    from scanner.config import load_config
    from scanner.model import Acknowledged
    from scanner.rules.catalog import RULES

    config = load_config(config_file)
    target = path or _only_list(config)
    found = _findings(store_url or config.store_url, fingerprints)
    before = read(target) if target.exists() else ""
    remarks = [(one.fingerprint, f"{one.severity}: {one.title}: {one.credential or one.about}") for one in found]
    after = with_findings(before, remarks, Acknowledged(reason=reason, by=by, until=_day(until)))
    parse(after, str(target), [rule.id for rule in RULES], datetime.now(UTC).date())
    if not dry_run:
        _replace(target, after)
    click.echo(changed_lines(before, after, str(target)), nl=False)


def _only_list(config: Config) -> Path:
    if len(config.acknowledged) != 1:
        raise UsageError(
            "which list to add to?" if config.acknowledged else "the config names no list of acknowledged findings",
            hint='name it with --file, or in the config: [alarms] acknowledged = "acknowledged.toml"',
        )
    return config.acknowledged[0]


def _findings(store_url: str, fingerprints: Sequence[str]) -> list[Finding]:
    from scanner.history.store import open_store

    wanted = list(dict.fromkeys(fingerprints))
    with open_store(store_url, create=False) as store:
        known = {one.fingerprint: one for one in store.memory.findings(wanted)}
    if unknown := [one for one in wanted if one not in known]:
        raise UsageError(
            f"the latest scan has no finding {', '.join(unknown)}",
            hint="muster report --view findings -o csv:- shows them",
        )
    return [known[one] for one in wanted]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--until {text} is no day", hint="write it as 2027-06-30") from error


def _replace(path: Path, text: str) -> None:
    from scanner.beside import in_place_of

    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    with in_place_of(path, mode=mode) as file:
        file.write(text.encode())
