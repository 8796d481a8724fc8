"""``muster notify``, and sending notifications at the end of a scan."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from scanner.cli.exit_codes import INCOMPLETE
from scanner.cli.options import config_option, store_option

if TYPE_CHECKING:
    from scanner.config.load import Config
    from scanner.notify.settings import Channel
    from scanner.notify.tickets.settings import Target
    from scanner.store.outbox import Message
    from scanner.store.tickets import StoredTicket


log = logging.getLogger(__name__)

T = TypeVar("T")


@click.command()
@click.argument("channels", nargs=-1, metavar="[CHANNEL]...")
@config_option
@store_option
@click.option("--test", is_flag=True, help="Test each channel with a message, and each ticket system; or those named.")
@click.option("--dry-run", is_flag=True, help="Only print what is waiting to be sent.")
def notify(
    channels: tuple[str, ...], config_file: Path | None, store_url: str | None, test: bool, dry_run: bool
) -> int:
    """Retry notifications and tickets that could not be delivered.

    A scan sends its own. What is undelivered waits in the store; this command and the next scan retry it. For a
    ticket system, --test checks reach and permissions and leaves no ticket. Exit 3 if something could not be delivered.
    """
    from scanner.config.load import load_config
    from scanner.errors import UsageError, did_you_mean

    config = load_config(config_file)
    known = [receiver.name for receiver in (*config.channels, *config.tickets)]
    if not known:
        raise UsageError("no notification channel is configured", hint="add a [[notify]] or [[tickets]] to the config")
    for name in channels:
        if name not in known:
            hint = did_you_mean(name, known) or f"there are: {', '.join(known)}"
            raise UsageError(f"there is no channel or ticket system called {name}", hint=hint)
    if channels and not test:
        raise UsageError("a CHANNEL is named with --test alone", hint="without --test, all waiting messages are sent")
    if test:
        return _test(config, channels or tuple(known))
    if dry_run:
        return _print_waiting(store_url or config.store_url, {target.name for target in config.tickets})
    return INCOMPLETE if _send(config.channels, store_url or config.store_url, config.tickets) else 0


def then_notify(config: Config, scan: Callable[[], T]) -> tuple[T, int]:
    """Run the scan and send notifications, also if it read nothing. Returns its result and how many are undelivered."""
    from scanner.errors import NothingScanned

    try:
        result = scan()
    except NothingScanned:
        notify_all(config)
        raise
    return result, notify_all(config)


@contextmanager
def notify_on_failure(config_file: Path | None, store_url: str | None) -> Iterator[None]:
    """Notify the channels if an error ends the command: silence would look like a scan without findings.

    Not for an interruption, nor if nothing could be scanned, which has its own message.
    """
    from scanner.cli.console import warn
    from scanner.errors import NothingScanned

    try:
        yield
    except (click.ClickException, click.Abort, BrokenPipeError, NothingScanned):
        raise
    except Exception as error:  # any error ends the command, and is raised again
        try:
            _notify_of_error(error, config_file, store_url)
        except Exception as another:  # the first error is the one to report
            log.info("unforeseen", exc_info=another)
            warn([f"no notification was sent: {type(another).__name__}: {another}"])
        raise


def _notify_of_error(error: Exception, config_file: Path | None, store_url: str | None) -> None:
    """Send through the store's outbox, so that nothing is lost; without a usable store, send directly."""
    from scanner.app.alarms import for_failure, send_now
    from scanner.config.load import notification_settings
    from scanner.errors import MusterError
    from scanner.store.outbox import Alarms
    from scanner.store.store import open_store

    channels, configured = notification_settings(config_file)
    messages = for_failure(channels, error)
    if not messages:
        return
    try:
        with open_store(store_url or configured, create=False) as store:
            store.outbox.post(Alarms(messages=messages))
    except MusterError:
        send_now(messages, channels)
        return
    _send(channels, store_url or configured)


def notify_all(config: Config) -> int:
    """Send the waiting messages and tickets of the config's store; returns the number of undelivered ones.

    A store that cannot be written now does not make the stored scan a failure: the messages wait.
    """
    from scanner.cli.console import warn
    from scanner.errors import MissingStore, StoreError

    if not config.channels and not config.tickets:
        return 0
    try:
        return _send(config.channels, config.store_url, config.tickets)
    except MissingStore:
        return 0
    except StoreError as error:
        warn([f"no notification was sent: {error}"])
        return 1


def _send(channels: Sequence[Channel], store_url: str, targets: Sequence[Target] = ()) -> int:
    from scanner.app.alarms import send_waiting
    from scanner.app.ticketing import bring_up_to_date
    from scanner.cli.console import say
    from scanner.store.store import open_store
    from scanner.text import counted

    with open_store(store_url, create=False) as store:
        tally = send_waiting(store.outbox, channels)
        tickets = bring_up_to_date(store.tickets, targets)
    if tally.sent:
        say(f"sent {counted(tally.sent, 'message', 'messages')}")
    if tally.undelivered:
        undelivered = counted(tally.undelivered, "message", "messages")
        say(f"{undelivered} could not be delivered: `muster notify` tries again", wrong=True)
    done = {"opened": tickets.opened, "changed": tickets.changed, "closed": tickets.closed}
    if any(done.values()):
        say(f"tickets: {', '.join(f'{number} {verb}' for verb, number in done.items() if number)}")
    if tickets.left:
        waiting = counted(tickets.left, "ticket waits", "tickets wait")
        say(f"{waiting} for the next run, since max_new limits how many one run opens: `muster notify` goes on")
    if tickets.failed:
        stale = counted(tickets.failed, "ticket is", "tickets are")
        say(f"{stale} not up to date: `muster notify` tries again", wrong=True)
    return tally.undelivered + tickets.failed


def _test(config: Config, names: tuple[str, ...]) -> int:
    from datetime import UTC, datetime

    from scanner.app.alarms import as_messages
    from scanner.app.ticketing import checks
    from scanner.errors import SourceError
    from scanner.notify.planning import trial
    from scanner.notify.sending import Sender, receiver
    from scanner.redaction.redact import redact
    from scanner.text import printable

    chosen = [channel for channel in config.channels if channel.name in names]
    sender = Sender(chosen)
    hosts = {}
    for channel in chosen:
        with suppress(SourceError):  # sending reports the invalid address
            hosts[channel.name] = f" ({receiver(channel)})"
    failed = 0
    for message in as_messages(trial(chosen, datetime.now(UTC).replace(microsecond=0))):
        fault = sender.send(message).fault
        failed += fault is not None
        outcome = "sent" if fault is None else f"PROBLEM: {fault}"
        click.echo(printable(redact(f"{message.channel}{hosts.get(message.channel, '')}: {outcome}")))
    for target in (target for target in config.tickets if target.name in names):
        for check in checks(target):
            failed += not check.ok
            click.echo(printable(redact(f"{target.name}: {'' if check.ok else 'PROBLEM: '}{check.detail}")))
    return INCOMPLETE if failed else 0


def _print_waiting(store_url: str, targets: Collection[str]) -> int:
    from scanner.cli.console import say
    from scanner.store.store import open_store
    from scanner.text import counted, printable

    with open_store(store_url, create=False) as store:
        waiting = store.outbox.pending()
        tickets = [one for one in store.tickets.all() if one.target in targets and not one.is_written]
    for message in waiting:
        click.echo(printable(_describe(message)))
    for ticket in tickets:
        click.echo(printable(_describe_ticket(ticket)))
    say(
        f"{counted(len(waiting), 'message', 'messages')} and {counted(len(tickets), 'ticket', 'tickets')} waiting; "
        "nothing was sent"
    )
    return 0


def _describe_ticket(ticket: StoredTicket) -> str:
    import msgspec

    from scanner.notify.tickets.content import Content
    from scanner.text import counted

    content = msgspec.json.decode(ticket.wanted, type=Content)
    what = "to change" if ticket.reference else "to open"
    fault = f" [{counted(ticket.attempts, 'attempt', 'attempts')}: {ticket.fault}]" if ticket.fault else ""
    said = content.of if content.is_open else f"to close {content.of}"
    return f"{ticket.wanted_at:%Y-%m-%d %H:%M} {ticket.target} {ticket.shown or what}: {said}{fault}"


def _describe(message: Message) -> str:
    import msgspec

    from scanner.notify.notices import Outgoing
    from scanner.text import counted

    outgoing = msgspec.json.decode(message.body, type=Outgoing)
    to = f" to {', '.join(outgoing.to)}" if outgoing.to else ""
    fault = f" [{counted(message.attempts, 'attempt', 'attempts')}: {message.fault}]" if message.fault else ""
    return f"{message.created_at:%Y-%m-%d %H:%M} {message.channel}{to}: {outgoing.notice.title}{fault}"
