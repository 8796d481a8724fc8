"""``muster registry adopt``: import a list that owners filled in, or draft entries for unregistered identities."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scanner.cli.options import config_option, listed, people_option, registry_of, store_option
from scanner.errors import UsageError
from scanner.text import counted

if TYPE_CHECKING:
    from scanner.config.load import Config
    from scanner.model import Entry, ScanResult
    from scanner.model.decisions import Act, DecisionKind
    from scanner.registry.editing.adoption import Change
    from scanner.registry.editing.filled_in import FilledInAnswer
    from scanner.registry.editing.revising import Target
    from scanner.registry.editing.values import Value
    from scanner.registry.lists import ListSource
    from scanner.registry.roster import Roster


_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("file", required=False, type=_FILE)
@click.option("--registry", "registry_file", type=_FILE, metavar="FILE", help="The registry to write to.")
@people_option
@config_option
@store_option
@click.option("--proposals", is_flag=True, help="Take the owners that people proposed in the served page.")
@click.option(
    "--identity", "identities", multiple=True, metavar="KEY", help="With --proposals: only of this one; repeats."
)
@click.option("--accept-unknown", is_flag=True, help="Also accept owners who are not on the roster.")
@click.option("--dry-run", is_flag=True, help="Only print what would change.")
def adopt(  # noqa: PLR0913  # one parameter for each option
    file: Path | None,
    registry_file: Path | None,
    people: tuple[Path, ...],
    config_file: Path | None,
    store_url: str | None,
    proposals: bool,
    identities: tuple[str, ...],
    accept_unknown: bool,
    dry_run: bool,
) -> None:
    """Draft entries, or import a list that owners filled in.

    FILE is what `muster orphans -o xlsx:FILE` wrote, saved by any spreadsheet. Rows with an owner update the entry of
    their id, or become a new one; other rows are ignored. Without FILE, it drafts an entry for each unregistered
    identity of the latest scan, with the state proposed, the likeliest owner and the blast radius. With --proposals,
    the last owner that was proposed for each identity replaces the one of its entry, unless the entry was reviewed
    since; if the entry stands for others, the identity gets an entry of its own, unless the owner was proposed for all
    of them. Writes at once, prints the changes, and keeps each old file as FILE.bak.
    """
    from scanner.cli.console import warn
    from scanner.config.load import load_config
    from scanner.registry.editing.adoption import TargetRegistry, plan
    from scanner.registry.editing.revising import Target

    config = load_config(config_file)
    source = _target(config, registry_file)
    entries = _entries_beside(config, source)
    target = Target(source=source, entries=tuple(entry for entry in entries if entry.registry == source.name))
    today = datetime.now(UTC).date()
    if file and proposals:
        raise UsageError("a file and --proposals are two things to import", hint="run the command for each")
    if identities and not proposals:
        raise UsageError("--identity chooses among proposed owners", hint="give --proposals as well")
    url = store_url or config.store_url
    result = _latest(url, needed=file is None)
    if file:
        answers, left = _filled_in(file, result)
    elif proposals:
        answers, left = _proposed(url, result, entries, identities)
    else:
        answers, left = _drafts(result, entries, today)
    planned = plan(
        answers,
        entries,
        _roster(tuple(map(listed, people)) or config.people, today),
        into=TargetRegistry(registry=source.name, in_sheet=target.new_rows_in_sheet),
        today=today,
        tag_keys=config.matching.tag_keys,
        scan=result,
        accept_unknown=accept_unknown or not (file or proposals),
    )
    warn(map(str, planned.warnings))
    done = "; ".join([_count(planned.changes, dry_run=dry_run), *left])
    if dry_run:
        write_changes(target, planned.changes, done, dry_run=True)
        return
    with _recording(url, acts_of("adopted", target, planned.changes)):
        write_changes(target, planned.changes, done, dry_run=False)


@contextmanager
def _recording(url: str, acts: Sequence[Act]) -> Iterator[None]:
    """Log the changes that are written within. A list can be adopted before there is a store, and so a log."""
    from scanner.cli.console import say
    from scanner.errors import MissingStore
    from scanner.store.store import open_store

    with ExitStack() as logged:
        try:
            store = logged.enter_context(open_store(url, create=False))
        except MissingStore:
            say("not in the log of decisions: there is no store yet")
        else:
            logged.enter_context(store.decisions.recording(acts))
        yield


def acts_of(what: DecisionKind, target: Target, changes: Sequence[Change]) -> list[Act]:
    """For the log: each entry that is added or changed."""
    from scanner.app.acting import by_command
    from scanner.model.decisions import Act
    from scanner.registry.editing.text import cells_text

    actor, now = by_command(), datetime.now(UTC).replace(microsecond=0)
    return [
        Act(
            what=what,
            actor=actor,
            at=now,
            about=_about(target, change),
            before=cells_text(change, old=True) if change.entry else None,
            after=cells_text(change),
        )
        for change in changes
    ]


def _about(target: Target, change: Change) -> dict[str, str]:
    """Registry and entry; the identity if it is of one."""
    identities = change.cells.get("identities") or (change.entry.identities if change.entry else ())
    about = {"registry": target.source.name}
    if change.entry is not None:
        about["entry"] = change.entry.id
    if isinstance(identities, tuple) and len(identities) == 1:
        about["identity"] = identities[0]
    return about


def write_changes(target: Target, changes: Sequence[Change], done: str, *, dry_run: bool) -> None:
    """Write changes of entries to their files, and print them. ``done``: the message. Raises RegistryError."""
    from scanner.cli.console import say
    from scanner.registry.editing.revising import revise
    from scanner.registry.editing.saving import save
    from scanner.registry.editing.text import changes_text, printed

    files = revise(target, changes)
    kept = [] if dry_run else save(files, target.source, backups=True)
    click.echo(printed(changes_text(changes, target.source.name)), nl=False)
    say(done)
    for path in kept:
        say(f"backup: {path}")


def _target(config: Config, path: Path | None) -> ListSource:
    """The registry to write to: the named one, else the config's only registry that is a file or folder."""
    files = [one for one in config.registry if one.path is not None]
    if path is None and len(files) != 1:
        why = "several registries are configured" if files else "no registry that is a file is configured"
        raise UsageError(why, hint="choose one: --registry FILE")
    source = files[0] if path is None else registry_of(config, path)
    assert source.path is not None
    if source.format not in (None, "table") or (not source.path.exists() and set("*?[") & set(str(source.path))):
        raise UsageError(f"{source.name} is not a writable file", hint="choose one: --registry FILE")
    return source


def _entries_beside(config: Config, source: ListSource) -> Sequence[Entry]:
    """The entries of all registries of the config. A registry that does not exist has none."""
    from scanner.registry.entries import load_registry

    lists = config.registry if source in config.registry else (source,)
    there = [one for one in lists if one is not source or (one.path is not None and one.path.exists())]
    return load_registry(there).entries


def _roster(people: Sequence[ListSource], today: date) -> Roster | None:
    from scanner.registry.roster.people import load_people

    return load_people(people, strict=False).roster(today) if people else None


def _latest(url: str, *, needed: bool) -> ScanResult | None:
    """The latest scan; None if there is none and it is not needed."""
    from scanner.errors import MissingStore
    from scanner.store.store import open_store

    try:
        with open_store(url, create=False) as store:
            return store.load() if needed or store.has_scans() else None
    except MissingStore:
        if needed:
            raise
        return None


def _filled_in(file: Path, result: ScanResult | None) -> tuple[Sequence[FilledInAnswer], list[str]]:
    from scanner.cli.console import warn
    from scanner.registry.editing.filled_in import read_filled_in

    filled = read_filled_in(file, [assessment.identity for assessment in result.identities] if result else None)
    warn(map(str, filled.warnings))
    left = counted(filled.unowned, "row without an owner ignored", "rows without an owner ignored")
    return filled.answers, [left] if filled.unowned else []


def _proposed(
    url: str, result: ScanResult | None, entries: Sequence[Entry], only: Sequence[str]
) -> tuple[Sequence[FilledInAnswer], list[str]]:
    """The last owner that was proposed for each identity of the latest scan; see ``registry.editing.proposals``."""
    from scanner.registry.editing.proposals import proposed
    from scanner.store.store import open_store

    assert result is not None
    with open_store(url, create=False) as store:
        made, denied = store.served.proposals(), store.served.denials()
    found = proposed(made, denied, result, entries, only=only)
    return found.answers, list(found.left)


def _drafts(
    result: ScanResult | None, entries: Sequence[Entry], today: date
) -> tuple[Sequence[FilledInAnswer], list[str]]:
    from scanner.registry.editing.adoption import draft

    assert result is not None
    drafts = draft(result.identities, entries, scan=result.scan.id, today=today, reach=_reach(result))
    return drafts.answers, [f"skipped: {number} {reason}" for reason, number in drafts.skipped.items()]


def _reach(result: ScanResult) -> Callable[[str], Mapping[str, Value]]:
    """The cells of blast radius and consequences, by key."""
    from scanner.access.blast_radius.counts import Radii
    from scanner.access.blast_radius.declared import drafted

    radii = Radii(result)
    return lambda key: drafted(radius) if (radius := radii.of(key)) is not None else {}


def _count(changes: Sequence[Change], *, dry_run: bool) -> str:
    if not changes:
        return "nothing to change"
    added = sum(change.entry is None for change in changes)
    counts = f"{added} added, {len(changes) - added} updated"
    return f"would be written: {counts}" if dry_run else f"written: {counts}"
