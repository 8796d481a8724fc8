"""``muster acknowledge``: suppress findings until a day, and list suppressed findings."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from scanner.cli.options import as_one, config_option, store_option
from scanner.errors import UsageError, did_you_mean
from scanner.model.declared import ACKNOWLEDGED_DAYS

if TYPE_CHECKING:
    from scanner.config.load import Config
    from scanner.model import Acknowledged, Acknowledgement, Finding, ScanResult
    from scanner.model.decisions import Act
    from scanner.store.store import Store


_UNTIL = f"The last day it holds, at most a year from now; by default {ACKNOWLEDGED_DAYS} days."
_BY_RULE = ("RULE", "IDENTITY")


class _AcknowledgedSaid(Struct, frozen=True, kw_only=True):
    """Reason, person and last day from the command line."""

    reason: str | None
    by: str | None
    until: str | None


@click.command()
@click.argument("wanted", nargs=-1, metavar="FINGERPRINT... | RULE IDENTITY")
@click.option("--reason", metavar="TEXT", help="Why it is suppressed.")
@click.option("--by", metavar="PERSON", help="Who is accountable for it; with a roster, a person on it.")
@click.option("--accept-unknown", is_flag=True, help="Also accept a person who is not on the roster.")
@click.option("--until", metavar="DAY", help=_UNTIL)
@click.option("--list", "listing", is_flag=True, help="List suppressed findings with person and last day, and exit.")
@click.option("--file", "path", type=click.Path(path_type=Path), metavar="FILE", help="The list to add to.")
@config_option
@store_option
@click.option("--dry-run", is_flag=True, help="Only print what would change.")
@as_one("said", _AcknowledgedSaid)
def acknowledge(
    wanted: tuple[str, ...],
    said: _AcknowledgedSaid,
    accept_unknown: bool,
    listing: bool,
    path: Path | None,
    config_file: Path | None,
    store_url: str | None,
    dry_run: bool,
) -> None:
    """Suppress findings until a day, with reason and person.

    Suppressed findings stay in every report and send no notification.

    FINGERPRINT is the first 8 or more digits of a finding's fingerprint, as reports of the latest scan show it. RULE
    IDENTITY selects the findings of that rule on that identity. The command adds them to the file in [alarms]
    acknowledged of the config, by default acknowledged.toml beside it, or updates them there. It prints the changes for
    review.
    """
    from scanner.app.acknowledging import checked_day
    from scanner.cli.console import say
    from scanner.config.load import DEFAULT_FILE, load_config
    from scanner.model import Acknowledged
    from scanner.rules.catalog import RULES
    from scanner.store.store import open_store
    from scanner.suppressions.acknowledgements import USUAL, changed_lines, parse, read, with_findings

    today = datetime.now(UTC).date()
    config = load_config(config_file)
    url = store_url or config.store_url
    if listing:
        _list(config.acknowledged if path is None else (path,), url, today)
        return
    if not wanted:
        raise UsageError("name a finding", hint="`muster report --view findings` shows the fingerprint of each")
    target = path or _only_list(config, (config_file or Path(DEFAULT_FILE)).parent / USUAL)
    found = _findings(url, wanted, [rule.id for rule in RULES])
    given = Acknowledged(
        reason=_needed("reason", said.reason, "Why are they suppressed?"),
        by=_needed("by", said.by, "Who is accountable for it (e-mail or team)?"),
        until=checked_day("--until", said.until, today),
    )
    before = read(target) if target.exists() else ""
    _check_person(given.by, config, today, accept_unknown=accept_unknown)
    rules = [rule.id for rule in RULES]
    listed = [(one.finding, one.given) for one in parse(before, str(target), rules, today)]
    remarks = {one.fingerprint: f"{one.severity}: {one.title}: {one.credential or one.about}" for one in found}
    for fingerprint, remark in remarks.items():
        if (fingerprint, given) in listed:
            say(f"{fingerprint[:8]} {remark}: already acknowledged until {given.until}")
    after = with_findings(before, remarks, given)
    parse(after, str(target), rules, today)
    if after != before and not dry_run:
        last = {fingerprint: given for fingerprint, given in listed if fingerprint is not None}
        with open_store(url, create=False) as store, store.decisions.recording(_acts(found, given, last, target)):
            _replace(target, after)
    click.echo(changed_lines(before, after, str(target)), nl=False)


def _acts(found: Sequence[Finding], given: Acknowledged, last: Mapping[str, Acknowledged], target: Path) -> list[Act]:
    """For the log: each finding whose acknowledgement changes."""
    from scanner.app.acting import by_command
    from scanner.model.decisions import Act

    actor, now = by_command(given.by), datetime.now(UTC).replace(microsecond=0)
    acts = []
    for one in found:
        before = last.get(one.fingerprint)
        named = {"finding": one.fingerprint, "rule": one.rule, "identity": one.identity, "entry": one.entry}
        acts.append(
            Act(
                what="acknowledged",
                actor=actor,
                at=now,
                about={name: value for name, value in {**named, "file": target.name}.items() if value},
                before=None if before is None else f"until {before.until} by {before.by}",
                after=f"until {given.until}",
                reason=given.reason,
            )
        )
    return [act for act, one in zip(acts, found, strict=True) if last.get(one.fingerprint) != given]


def _only_list(config: Config, usual: Path) -> Path:
    if len(config.acknowledged) > 1:
        raise UsageError("the config names several lists of acknowledged findings", hint="choose one: --file FILE")
    return config.acknowledged[0] if config.acknowledged else usual


def _needed(option: str, given: str | None, question: str) -> str:
    """The option's value, or the answer to a prompt on a terminal. Raises UsageError as :func:`checked_text` does."""
    from scanner.app.acknowledging import checked_text

    if given is None and sys.stdin.isatty():
        given = click.prompt(question, err=True)
    return checked_text(f"--{option}", given)


def _check_person(by: str, config: Config, today: date, *, accept_unknown: bool) -> None:
    """Raises UsageError if the name is no active person on the roster; with ``accept_unknown`` it warns."""
    from scanner.cli.console import warn
    from scanner.registry.roster.people import load_people

    if not config.people:
        warn([f"no roster is configured: {by} was not checked"])
        return
    roster = load_people(config.people, strict=False).roster(today)
    person = roster.resolve(by)
    if person is not None and roster.is_active(person):
        return
    why = roster.meaning(by).why_unresolved if person is None else "is on the roster, but not active"
    problem = f"--by {by} {why}"
    if not accept_unknown:
        raise UsageError(
            problem, hint="name an accountable person on the roster, or accept the name with --accept-unknown"
        )
    warn([problem])


def _findings(store_url: str, wanted: Sequence[str], rules: Sequence[str]) -> list[Finding]:
    """The findings that the arguments select, each once. Raises UsageError if one selects none, or is ambiguous."""
    from scanner.app.acknowledging import FINGERPRINT, finding_beginning
    from scanner.store.store import open_store

    with open_store(store_url, create=False) as store:
        if FINGERPRINT.fullmatch(wanted[0].lower()):
            chosen = [finding_beginning(store, text.lower()) for text in dict.fromkeys(wanted)]
        elif len(wanted) == len(_BY_RULE):
            chosen = _by_rule(store, wanted[0], wanted[1], rules)
        else:
            raise UsageError(
                f"{wanted[0]} is not a fingerprint", hint="give digits of fingerprints, or one RULE and one IDENTITY"
            )
    return list({one.fingerprint: one for one in chosen}.values())


def _by_rule(store: Store, rule: str, text: str, rules: Sequence[str]) -> list[Finding]:
    if rule not in rules:
        raise UsageError(
            f"{rule} is neither a fingerprint nor a rule", hint=did_you_mean(rule, rules) or "`muster rules` lists them"
        )
    result = store.find(text)
    if len(result.identities) > 1:
        keys = "".join(f"\n  {assessment.identity.key}" for assessment in result.identities)
        raise UsageError(f"{len(result.identities)} identities are called {text}:{keys}", hint="choose one by its key")
    about = result.findings or tuple(
        finding for finding in store.memory.findings_on_entries() if text in finding.subjects
    )
    chosen = [one for one in about if one.rule == rule]
    if not chosen:
        others = ", ".join(dict.fromkeys(one.rule for one in about))
        raise UsageError(
            f"the latest scan has no finding of {rule} on {text}",
            hint=f"it has: {others}" if others else "`muster report --view findings` lists its findings",
        )
    return chosen


def _list(paths: Sequence[Path], store_url: str, today: date) -> None:
    """Print each acknowledgement with the findings it covers in the latest scan, ordered by last day."""
    from reports.terminal_page import TerminalPage
    from scanner.app.acknowledging import all_acknowledgements, listed_acknowledgements
    from scanner.cli.output import stdout_screen
    from scanner.errors import MissingStore
    from scanner.store.store import open_store
    from scanner.text import counted

    try:
        with open_store(store_url, create=False) as store:
            given = all_acknowledgements(store, paths, today)
            result = store.load() if given and store.has_scans() else None
    except MissingStore:
        given, result = listed_acknowledgements(paths, today), None
    covered = _covered(given, result, today)
    page = TerminalPage(stdout_screen())
    ended = sum(one.given.until < today for one in given)
    asked = sum(one.asked is not None and one.given.until >= today for one in given)
    suppressed = {
        each.fingerprint
        for one, covers in covered.items()
        if one.given.until >= today and one.asked is None
        for each in covers
    }
    counts = [counted(len(given), "acknowledgement", "acknowledgements")]
    counts += [f"{ended} of them ended"] if ended else []
    counts += [f"{asked} of them {'waits' if asked == 1 else 'wait'} for a reviewer"] if asked else []
    counts += [f"{counted(len(suppressed), 'finding', 'findings')} of the latest scan suppressed"] if result else []
    page.line(", ".join(counts))
    for one in sorted(given, key=lambda one: one.given.until):
        page.line()
        page.item(
            "ended" if one.given.until < today else "asked" if one.asked else "until",
            _description(one, covered.get(one), known=result is not None),
        )
    click.echo(page.text, nl=False)


def _description(acknowledgement: Acknowledgement, covers: Sequence[Finding] | None, *, known: bool) -> Iterator[str]:
    from scanner.text import counted

    shown = 5
    given = acknowledgement.given
    approved = f", approved by {given.approved_by}" if given.approved_by else ""
    yield f"{given.until} by {given.by}{approved}{' (waits for a reviewer)' if acknowledgement.asked else ''}"
    yield (
        f"finding {acknowledgement.finding[:8]}"
        if acknowledgement.finding
        else f"rule {acknowledgement.rule} on {acknowledgement.match}"
    )
    yield f"Reason: {acknowledgement.given.reason}"
    for finding in (covers or ())[:shown]:
        yield f"[{finding.severity}] {finding.title}: {finding.credential or finding.about}"
    if covers and len(covers) > shown:
        yield f"and {counted(len(covers) - shown, 'other finding', 'other findings')}"
    if known and not covers:
        yield "covers no finding of the latest scan"
    yield str(acknowledgement.origin)


def _covered(
    given: Sequence[Acknowledgement], result: ScanResult | None, today: date
) -> dict[Acknowledgement, list[Finding]]:
    from scanner.suppressions.acknowledgements import Acknowledgements

    covered: dict[Acknowledgement, list[Finding]] = {}
    if result is None:
        return covered
    identities = {assessment.identity.key: assessment.identity for assessment in result.identities}
    book = Acknowledgements(given, today)
    asked = {one.finding: one for one in given if one.asked}
    for finding in result.findings:
        for one in book.covering(finding, identities.get(finding.identity or "")):
            covered.setdefault(one, []).append(finding)
        if (waiting := asked.get(finding.fingerprint)) is not None:
            covered.setdefault(waiting, []).append(finding)
    return covered


def _replace(path: Path, text: str) -> None:
    from scanner.safe_files import in_place_of

    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    with in_place_of(path, mode=mode) as file:
        file.write(text.encode())
