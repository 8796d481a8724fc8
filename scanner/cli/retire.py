"""``muster retire``: who would notice if an identity were switched off, the plan, and what is under way."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from reports.base import VIEWS
from scanner.cli.exit_codes import NOT_FOUND
from scanner.cli.options import as_one, config_option, store_option
from scanner.errors import UsageError
from scanner.text import cut, printable

if TYPE_CHECKING:
    from reports.retirement import Retirable
    from scanner.app.retiring import Target
    from scanner.cli.output import Delivery
    from scanner.model import ScanInfo
    from scanner.store.store import Store

_ABANDONED = "abandoned"
_MOST_DAYS = 3_650


class _Asked(Struct, frozen=True, kw_only=True):
    """The arguments and options."""

    identity: str | None
    start: bool
    stop: str | None
    listed: bool
    by: str | None
    wait: str | None
    window: int
    view: str | None


@click.command()
@click.argument("identity", required=False, metavar="[IDENTITY]")
@click.option("--start", is_flag=True, help="Record that its retirement begins: scans follow it from here on.")
@click.option("--by", metavar="PERSON", help="Who begins or ends it; by default the user of the operating system.")
@click.option("--wait", metavar="DAYS", help="How long to wait between disabling and deleting, such as 30d (default).")
@click.option("--list", "listed", is_flag=True, help="The retirements under way, as the last scan saw them.")
@click.option("--stop", metavar="IDENTITY", help="End a retirement, for the identity stays.")
@click.option(
    "--window",
    type=click.IntRange(1, _MOST_DAYS),
    default=90,
    show_default=True,
    help="How many days back nobody used it.",
)
@click.option("--view", type=click.Choice((_ABANDONED, *VIEWS)), help="All identities of a view, the safest first.")
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT:PATH",
    help="Write it as table, markdown, json, csv or xlsx; '-' is stdout, {date} the scan's day. Repeats.",
)
@config_option
@store_option
@as_one("asked", _Asked)
def retire(asked: _Asked, outputs: tuple[str, ...], config_file: Path | None, store_url: str | None) -> int:
    """Say who would notice if an identity were switched off, and how to do it step by step.

    The verdict is safe, in_use or unknown, from the latest scan and the audit logs in the store. The plan has four
    stages (lowered, disabled, waited, deleted) with the provider's own commands and the way back. Muster changes
    nothing itself. IDENTITY is a key, a name, an alias, or the id of a credential. Exit 1 if there is none.
    """
    from scanner.config.load import load_config
    from scanner.store.store import open_store

    _check(asked)
    url = store_url or load_config(config_file).store_url
    with open_store(url, create=asked.start or asked.stop is not None) as store:
        if asked.listed:
            return _list(store, outputs)
        if asked.stop is not None:
            return _stop(store, asked.stop, asked.by)
        return _answer(store, asked, outputs)


def _check(asked: _Asked) -> None:
    """Raise UsageError for arguments that do not go together."""
    given = [asked.identity is not None, asked.view is not None, asked.listed, asked.stop is not None]
    if sum(given) != 1:
        raise UsageError(
            "name one identity, or a --view, or --list, or --stop", hint="for example `muster retire --view abandoned`"
        )
    if asked.start and asked.identity is None:
        raise UsageError("--start is about one identity", hint="name it")
    if asked.wait is not None and not asked.start:
        raise UsageError("--wait goes with --start", hint="add --start")
    if asked.by is not None and not (asked.start or asked.stop is not None):
        raise UsageError("--by goes with --start or --stop", hint="leave it out to ask alone")


def _wait_days(text: str | None) -> int:
    from scanner.app.retiring import WAIT_DAYS

    if text is None:
        return WAIT_DAYS
    number = text.strip().removesuffix("d")
    if re.fullmatch(r"[0-9]{1,4}", number) is None or not 1 <= int(number) <= _MOST_DAYS:
        raise UsageError(f"--wait {cut(text, 40)} is no number of days up to {_MOST_DAYS:,}", hint="such as --wait 30d")
    return int(number)


def _answer(store: Store, asked: _Asked, outputs: tuple[str, ...]) -> int:
    from reports.retirement import WRITERS, Retirable
    from scanner.app.retirements import start
    from scanner.app.retiring import Question, Retiring, in_order
    from scanner.cli.output import deliver, plan_formats

    planned = plan_formats(outputs, tuple(WRITERS), "a retirement")
    wait_days = _wait_days(asked.wait)
    question = Question(window_days=asked.window, wait_days=wait_days, now=datetime.now(UTC))
    if asked.identity is not None:
        wanted = _targets(store, asked.identity)
        if wanted is None:
            return NOT_FOUND
        retiring = Retiring(store, question)
        ((told, plan),) = retiring.answers(wanted)
        if asked.start:
            start(store, told, plan, wanted[0].judged, by=asked.by, wait_days=wait_days)
            click.echo(f"{printable(told.name)} is being retired: scans follow it from here on", err=True)
        made = Retirable(answers=(told,), single=True)
    else:
        retiring = Retiring(store, question)
        made = Retirable(answers=in_order(retiring.answers(_of_view(retiring, asked.view or ""))), single=False)
    scan = retiring.result.scan
    deliver([_delivery(*one, made, scan) for one in planned], hint="choose another path")
    return 0


def _of_view(retiring: object, view: str) -> list[Target]:
    from reports.views import select
    from scanner.app.retiring import Retiring, Target

    assert isinstance(retiring, Retiring)
    result = retiring.result
    if view == _ABANDONED:
        return [Target(judged=one) for one in result.identities if one.abandoned]
    chosen = next(one for one in VIEWS if one == view)
    return [Target(judged=one) for one in select(result, chosen).identities]


def _targets(store: Store, text: str) -> tuple[Target, ...] | None:
    """What the text names; None if nothing is called so. Raises UsageError if several are."""
    from scanner.app.retiring import targets

    result = store.find(text)
    found = targets(result.identities, text)
    if not found:
        click.echo(f"no identity is called {printable(text)} in scan {result.scan.id}", err=True)
        for name in store.similar_names(text):
            click.echo(f"  is it {printable(name)}?", err=True)
        return None
    if len(found) > 1:
        listed = "".join(f"\n  {printable(one.judged.identity.key)}" for one in found)
        raise UsageError(f"{len(found)} identities are called {printable(text)}:{listed}", hint="choose one by its key")
    return found


def _delivery(name: str, path: str, made: Retirable, scan: ScanInfo) -> Delivery:
    from reports.retirement import WRITERS
    from scanner.cli.output import Delivery

    return Delivery(
        format=name,
        title=f"{name} (retirement)",
        path=path.replace("{date}", f"{scan.started_at:%Y-%m-%d}"),
        write=partial(WRITERS[name], made, scan),
    )


# --- What is under way ---


def _list(store: Store, outputs: tuple[str, ...]) -> int:
    from reports.retirement import LIST_WRITERS
    from scanner.app.retirements import under_way
    from scanner.cli.output import Delivery, deliver, plan_formats

    planned = plan_formats(outputs, tuple(LIST_WRITERS), "the list of retirements")
    with store.records() as records:
        scan = records.frame.scan
    states = under_way(store, scan)
    deliver(
        [
            Delivery(
                format=name,
                title=f"{name} (retirements)",
                path=path.replace("{date}", f"{scan.started_at:%Y-%m-%d}"),
                write=partial(LIST_WRITERS[name], states, scan),
            )
            for name, path in planned
        ],
        hint="choose another path",
    )
    return 0


def _stop(store: Store, text: str, by: str | None) -> int:
    from scanner.app.retirements import stop

    under_way = store.retirements.under_way()
    named = [one for key, one in under_way.items() if text in (key, one.identity, one.name)]
    if not named:
        hits = {hit.identity.key for hit in store.find(text).identities} if store.has_scans() else set()
        named = [one for one in under_way.values() if one.identity in hits]
    if not named:
        click.echo(f"no retirement of {printable(text)} is under way", err=True)
        return NOT_FOUND
    if len(named) > 1:
        listed = "".join(f"\n  {printable(one.credential or one.identity)}" for one in named)
        raise UsageError(f"{len(named)} retirements match {printable(text)}:{listed}", hint="choose one by its key")
    stop(store, named[0], by)
    click.echo(f"the retirement of {printable(named[0].name)} is ended")
    return 0
