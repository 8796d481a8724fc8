"""``muster review``: access reviews, from opening to evidence."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import date, datetime
from functools import partial
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct

from reports.base import VIEWS
from scanner.cli.calls import Group
from scanner.cli.exit_codes import PROBLEMS
from scanner.cli.options import config_option, listed, people_option, store_option
from scanner.errors import UsageError
from scanner.text import counted, printable

if TYPE_CHECKING:
    from scanner.app.reviews import ReviewAsked
    from scanner.cli.output import Delivery
    from scanner.config.load import Config
    from scanner.lifecycle.reviews.campaign import ItemState
    from scanner.lifecycle.reviews.reviewers import People
    from scanner.model import Assessment, Entry, ScanResult
    from scanner.model.reviews import Campaign
    from scanner.registry.roster import Roster
    from scanner.store.store import Store


LONGEST_NAME = 100
_RISK = "risk"
_FILE = click.Path(path_type=Path)


@click.group(cls=Group)
def review() -> None:
    """Run access reviews.

    A review asks owners whether their identities are still needed. Workbooks go out, decisions come back, and the next
    scans verify that they were carried out.
    """


class _Desk(Struct, frozen=True, kw_only=True):
    """The context of the review commands. ``now``: in whole seconds."""

    config: Config
    store: Store
    roster: Roster | None
    now: datetime

    @property
    def today(self) -> date:
        return self.now.date()

    def latest(self) -> ScanResult:
        """The latest scan with its activity."""
        from scanner.app.stored import with_activity

        return with_activity(self.store, self.store.with_past(self.store.load()), self.config.activity)

    def people(self, result: ScanResult) -> People:
        """The possible reviewers."""
        from scanner.app.reviews import people_of

        return people_of(self.roster, self.config.ownership, result)


@contextmanager
def _desk(config_file: Path | None, store_url: str | None, people: Sequence[Path]) -> Iterator[_Desk]:
    from scanner.app.reviews import load_roster, now_in_seconds
    from scanner.config.load import load_config
    from scanner.store.store import open_store

    config, now = load_config(config_file), now_in_seconds()
    roster = load_roster(tuple(map(listed, people)) or config.people, now.date())
    with open_store(store_url or config.store_url, create=False) as store:
        yield _Desk(config=config, store=store, roster=roster, now=now)


_with_store = (people_option, config_option, store_option)


def _common(command: Any) -> Any:
    """Add the options that every command takes."""
    for option in reversed(_with_store):
        command = option(command)
    return command


_workbooks = click.option(
    "-o", "--output", metavar="xlsx:DIR", help="Write a workbook for each reviewer to the folder."
)


@review.command("open")
@click.argument("name")
@click.option("--due", required=True, metavar="DAY", help="The last day to decide, such as 2027-01-31.")
@click.option("--scope", "scopes", multiple=True, metavar="GLOB", help="Only identities of such scopes. Repeats.")
@click.option(
    "--view",
    type=click.Choice((*VIEWS, _RISK)),
    help="Only identities of a view; 'risk': with a finding of high severity or above.",
)
@click.option(
    "--reviewer",
    "reviewers",
    multiple=True,
    metavar="WHO",
    help="owner, manager or a person, tried in this order before the usual reviewers. Repeats.",
)
@_common
@_workbooks
def open_(
    name: str,
    due: str,
    scopes: tuple[str, ...],
    view: str | None,
    reviewers: tuple[str, ...],
    output: str | None,
    **given: Any,
) -> None:
    """Open a review of identities of the latest scan.

    It freezes who and what is under review, gives each identity to a reviewer, and notifies the reviewers through the
    configured channels. The reviewer is the owner, else the backup owner, the owner's manager, or the best candidate;
    never a machine, and no one who has left.
    """
    from scanner.app.reviews import open_review, to_ask
    from scanner.model.reviews import Review

    folder, last = _folder(output), _day(due)
    if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise UsageError(f"a review's name is text on one line, at most {LONGEST_NAME} characters")
    with _desk(**given) as desk:
        if last < desk.today:
            raise UsageError(f"--due {due} is in the past", hint="give a day from today on")
        result = desk.latest()
        people = desk.people(result)
        wanted = Review(name=name, opened_at=desk.now, due=last, scan=result.scan.id, scopes=scopes, view=view)
        campaign = open_review(desk.store, wanted, result, _chosen(result, scopes, view), people, reviewers)
        _print_status(campaign, desk.today)
        _write_books(campaign, folder, desk.roster)
        _notify(desk, campaign, to_ask(campaign, people, desk.today))


def _chosen(result: ScanResult, scopes: Sequence[str], view: str | None) -> list[Assessment]:
    from reports.views import select
    from scanner.lifecycle.reviews.opening import at_risk, in_scopes

    by_view = next((one for one in VIEWS if one == view), None)
    shown = result if by_view is None else select(result, by_view)
    in_scope, is_at_risk = in_scopes(scopes), at_risk(result)
    return [one for one in shown.identities if in_scope(one) and (view != _RISK or is_at_risk(one))]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--due {printable(text)} is not a day", hint="such as 2027-01-31") from error


def _folder(output: str | None) -> Path | None:
    """The folder of ``xlsx:DIR``. Raises UsageError."""
    if output is None:
        return None
    kind, _, path = output.partition(":")
    if kind != "xlsx" or not path:
        raise UsageError(f"-o {output} is not xlsx:DIR", hint="such as -o xlsx:review/")
    if Path(path).exists() and not Path(path).is_dir():
        raise UsageError(f"{path} is a file", hint="name a folder: each reviewer gets a workbook")
    return Path(path)


def _write_books(campaign: Campaign, folder: Path | None, roster: Roster | None) -> None:
    """Write a workbook for each reviewer with items left."""
    from scanner.app.reviews import items_left
    from scanner.cli.output import FileNames, deliver

    if folder is None:
        return
    books: dict[str, list[ItemState]] = {}
    for state in items_left(campaign):
        books.setdefault(state.reviewer, []).append(state)
    names, active = FileNames(), () if roster is None else filter(roster.is_active, roster.everybody)
    offered = sorted((one.email, one.name or "", one.team or "") for one in active)
    again = f"`muster review remind {quote(campaign.review.name)} -o xlsx:DIR` writes the workbooks again"
    deliver(
        [
            _delivery(campaign, reviewer, states, folder / f"{names.of(reviewer)}.xlsx", offered)
            for reviewer, states in sorted(books.items())
        ],
        hint=again,
    )


def _delivery(
    campaign: Campaign,
    reviewer: str,
    states: Sequence[ItemState],
    path: Path,
    offered: Sequence[tuple[str, str, str]],
) -> Delivery:
    from reports.reviews import write_workbook
    from scanner.cli.output import Delivery

    return Delivery(
        format="xlsx",
        title=f"{counted(len(states), 'item', 'items')} for {printable(reviewer)}",
        path=str(path),
        write=lambda out, _screen: write_workbook(campaign, states, out, offered),
    )


def _print_status(campaign: Campaign, today: date) -> None:
    from reports.reviews import write_status
    from scanner.cli.output import stdout_screen

    write_status(campaign, today, sys.stdout.buffer, stdout_screen())
    sys.stdout.buffer.flush()


def _notify(desk: _Desk, campaign: Campaign, asked: Sequence[ReviewAsked]) -> None:
    """Queue the messages and send them. Undelivered messages wait in the store for `muster notify`."""
    from scanner.app.alarms import send_waiting
    from scanner.app.reviews import post
    from scanner.cli.console import say

    if not desk.config.channels:
        if asked:
            say("no message was sent: the config has no [[notify]] channel")
        return
    post(desk.store, desk.config.channels, campaign, asked, desk.roster, desk.now)
    tally = send_waiting(desk.store.outbox, desk.config.channels)
    if tally.sent:
        say(f"sent {counted(tally.sent, 'message', 'messages')}")
    if tally.undelivered:
        say(f"{counted(tally.undelivered, 'message', 'messages')} could not be delivered: `muster notify` tries again")


@review.command("list")
@_common
def list_(**given: Any) -> None:
    """List the reviews, the open ones first, with what each reviewer has left."""
    from reports.reviews import write_list
    from scanner.cli.output import stdout_screen

    with _desk(**given) as desk:
        write_list(desk.store.reviews.campaigns(), desk.today, sys.stdout.buffer, stdout_screen())
    sys.stdout.buffer.flush()


@review.command()
@click.argument("name")
@click.option("-o", "--output", metavar="FORMAT:PATH", help="Write the items as csv, xlsx or json; '-' is stdout.")
@_common
def status(name: str, output: str | None, **given: Any) -> None:
    """Show a review: by reviewer what is decided, left and overdue."""
    with _desk(**given) as desk:
        campaign = desk.store.reviews.campaign(name)
        if output is None:
            _print_status(campaign, desk.today)
    _write_results(campaign, [output] if output else [])


@review.command()
@click.argument("name")
@click.argument("files", nargs=-1, required=True, type=_FILE, metavar="FILE...")
@click.option("--by", metavar="PERSON", help="Who decided, if not the workbook's reviewer.")
@_common
def take(name: str, files: tuple[Path, ...], by: str | None, **given: Any) -> int:
    """Take filled-in workbooks, or the same as CSV, back.

    Rows without a decision stay open. A row that does not fit is refused with its cell, and the rest is taken. Exit 1
    if anything was refused, 2 for a file that is no workbook of this review.
    """
    from scanner.app.reviews import take_books
    from scanner.cli.console import say

    with _desk(**given) as desk:
        campaign = desk.store.reviews.campaign(name)
        people = desk.people(desk.store.load())
        taken = take_books(desk.store, campaign, people, files, by=by, now=desk.now)
        for refusal in taken.refusals:
            click.echo(printable(str(refusal)))
        _print_status(desk.store.reviews.campaign(name), desk.today)
    self_reviews = sum(one.self_review for one in taken.decisions)
    counts = [
        (len(taken.decisions), "decision taken", "decisions taken"),
        (self_reviews, "of them a self-review", "of them self-reviews"),
        (taken.unchanged, "known already", "known already"),
        (taken.empty, "row without a decision", "rows without a decision"),
        (len(taken.refusals), "refused", "refused"),
    ]
    say("; ".join(counted(*count) for count in counts if count[0]) or "nothing was decided")
    return PROBLEMS if taken.refusals else 0


@review.command()
@click.argument("name")
@_common
@_workbooks
def remind(name: str, output: str | None, **given: Any) -> None:
    """Remind reviewers of items that they have not decided on; past the due day, remind their managers.

    Items of reviewers who have left go to those who would review them now. Prints who it reminds, also where no
    channel is configured.
    """
    from scanner.app.reviews import record_reminders, to_ask, without_leavers

    folder = _folder(output)
    with _desk(**given) as desk:
        campaign = desk.store.reviews.campaign(name)
        if campaign.closed_at is not None:
            raise UsageError(f"the review {printable(name)} is closed", hint="open another one")
        result = desk.latest()
        people = desk.people(result)
        campaign = without_leavers(desk.store, campaign, people, result, desk.now)
        asked = to_ask(campaign, people, desk.today)
        for one in asked:
            whose = "" if one.to == one.reviewer else f" of {one.reviewer}"
            late = ", overdue" if one.overdue else ""
            click.echo(printable(f"{one.to}: {counted(one.left, 'item', 'items')}{whose} left{late}"))
        if not asked:
            click.echo("every item is decided")
        record_reminders(desk.store, campaign, asked, desk.now)
        _write_books(campaign, folder, desk.roster)
        _notify(desk, campaign, asked)


@review.command()
@click.argument("name")
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT:PATH",
    help="Write the result as xlsx, csv, json or evidence; '-' is stdout. Repeats.",
)
@click.option("--dry-run", is_flag=True, help="Only print what would change in the registry.")
@_common
def close(name: str, outputs: tuple[str, ...], dry_run: bool, **given: Any) -> None:
    """Close a review, and record who decided what on which facts.

    Items without a decision stay undecided. Entries whose items were all kept get last_reviewed, reviewed_by and
    next_review in the registry; each old file stays as FILE.bak. From the next scan on, findings report what was
    decided and not done. For a closed review, only the entries are marked that are not yet.
    """
    from scanner.app.reviews import close_review
    from scanner.cli.console import say, warn
    from scanner.lifecycle.reviews.campaign import cannot_be_verified, states
    from scanner.registry.entries import load_registry

    _plan(outputs)
    with _desk(**given) as desk:
        campaign = desk.store.reviews.campaign(name)
        entries = load_registry(desk.config.registry).entries  # an error here leaves the review open
        if campaign.closed_at is not None:
            say(f"{printable(name)} was closed on {campaign.closed_at:%Y-%m-%d}")
        elif not dry_run:
            campaign = close_review(desk.store, campaign, desk.now)
        found = states(campaign)
        undecided = sum(state.decision is None for state in found)
        unverifiable = sum(map(cannot_be_verified, found))
        if unverifiable:
            reduced = counted(unverifiable, "identity", "identities")
            warn([f"no scan can verify that {reduced} lost permissions: the source does not report permissions"])
        _print_status(campaign, desk.today)
        if undecided:
            closed = "closes" if dry_run and campaign.closed_at is None else "was closed"
            warn([f"{printable(name)} {closed} with {counted(undecided, 'undecided item', 'undecided items')}"])
        _write_registry(desk, campaign, entries, dry_run=dry_run)
    _write_results(campaign, outputs)


def _plan(outputs: Sequence[str]) -> list[tuple[str, str]]:
    from reports.reviews import WRITERS
    from scanner.cli.output import plan_formats

    return plan_formats(outputs, tuple(WRITERS), "a review") if outputs else []


def _write_results(campaign: Campaign, outputs: Sequence[str]) -> None:
    from reports.reviews import WRITERS
    from scanner.cli.output import Delivery, deliver

    deliver(
        [
            Delivery(
                format=kind,
                title=f"{kind} (review)",
                path=path,
                write=partial(_written, WRITERS[kind], campaign),
            )
            for kind, path in _plan(outputs)
        ],
        hint=f"`muster review status {quote(campaign.review.name)} -o FORMAT:PATH` writes it again",
    )


def _written(write: Any, campaign: Campaign, out: Any, _screen: Any) -> tuple[str, ...]:
    notices: tuple[str, ...] = write(campaign, out)
    return notices


def _write_registry(desk: _Desk, campaign: Campaign, entries: Sequence[Entry], *, dry_run: bool) -> None:
    """Mark entries whose items were all kept as reviewed, in every registry that is a file, and log that."""
    from scanner.cli.adopt import acts_of, write_changes
    from scanner.cli.console import say, warn
    from scanner.errors import RegistryError
    from scanner.lifecycle.reviews.campaign import states
    from scanner.lifecycle.reviews.reviewed_entries import reviewed_entries
    from scanner.registry.editing.revising import Target

    config = desk.config
    if not config.registry:
        return
    changes = reviewed_entries(states(campaign), entries, config.policy)
    for source in config.registry:
        here = [change for change in changes if change.entry is not None and change.entry.registry == source.name]
        if not here:
            continue
        marked = f"{counted(len(here), 'entry', 'entries')} of {source.name}"
        if source.path is None or source.format not in (None, "table"):
            warn([f"{marked} not marked as reviewed: it is not a file that can be written"])
            continue
        try:
            target = Target(source=source, entries=tuple(one for one in entries if one.registry == source.name))
            acts = [] if dry_run else acts_of("marked_reviewed", target, here)
            done = f"{marked} {'would be ' if dry_run else ''}marked as reviewed"
            with desk.store.decisions.recording(acts) if acts else nullcontext():
                write_changes(target, here, done, dry_run=dry_run)
        except RegistryError as error:
            again = f"`muster review close {quote(campaign.review.name)}` marks them once this is mended"
            warn([f"{marked} not marked as reviewed: {error}; {again}"])
    if not changes:
        say("no entry to mark as reviewed")
