"""Validation of acknowledgements, and lookup of findings by fingerprint, for the command line and the API."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from reports.phrases import ACKNOWLEDGE, SHORTEST_FINGERPRINT
from scanner.errors import UsageError
from scanner.model import Acknowledgement, Finding
from scanner.model.declared import ACKNOWLEDGED_DAYS
from scanner.redaction.masking import mask
from scanner.redaction.shapes import without_secrets
from scanner.rules.catalog import RULES
from scanner.store.store import Store
from scanner.suppressions.acknowledgements import LONGEST, load_acknowledgements
from scanner.text import counted

FINGERPRINT = re.compile(r"[0-9a-f]+")


def checked_text(field: str, given: str | None) -> str:
    """The reason or person as given. Raises UsageError for none, the printed placeholder, or a secret.

    ``field``: its name in messages.
    """
    if given is None or not given.strip():
        raise UsageError(
            f"{field} is {'missing' if given is None else 'empty'}",
            hint="each suppressed finding needs a reason and an accountable person",
        )
    if given.strip(" <>").upper() in ACKNOWLEDGE.split():
        raise UsageError(
            f"{field} {given} is the placeholder of the printed command",
            hint="replace it by why the finding is suppressed, and who is accountable for that",
        )
    if without_secrets(given) != given:
        raise UsageError(
            f"{field} contains what looks like a secret",
            hint="the list is kept in git, and reports quote it: name where the secret is stored instead",
        )
    return given


def checked_day(field: str, text: str | None, today: date) -> date:
    """The last day of an acknowledgement. Raises UsageError for a day in the past or too far ahead."""
    if text is None:
        return today + timedelta(days=ACKNOWLEDGED_DAYS)
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{field} {text} is not a date", hint=f"write it as {today + timedelta(days=ACKNOWLEDGED_DAYS)}"
        ) from error
    if day < today:
        raise UsageError(f"{field} {text} is in the past", hint=f"choose {today} or later")
    if day > today + LONGEST:
        raise UsageError(
            f"{field} {text} is more than a year ahead",
            hint=f"choose a day up to {today + LONGEST}, and review it then",
        )
    return day


def findings_beginning(store: Store, digits: str) -> tuple[Finding, ...]:
    """The latest scan's findings whose fingerprint begins with these digits. Raises UsageError for too few digits."""
    if len(digits) < SHORTEST_FINGERPRINT:
        raise UsageError(f"{digits} is too short for a fingerprint", hint=f"give {SHORTEST_FINGERPRINT} digits or more")
    return tuple(store.memory.findings_beginning(digits)) if FINGERPRINT.fullmatch(digits) else ()


def finding_beginning(store: Store, digits: str) -> Finding:
    """The finding with these first digits. Raises UsageError if there is none, or several."""
    found = findings_beginning(store, digits)
    if not found:
        raise UsageError(
            f"the latest scan has no finding {digits}", hint="`muster report --view findings` lists its findings"
        )
    if len(found) > 1:
        listed = "".join(f"\n  {one.fingerprint}  {one.title}: {one.about}" for one in found[:10])
        raise UsageError(
            f"{counted(len(found), 'finding begins', 'findings begin')} with {digits}:{listed}", hint="give more digits"
        )
    return found[0]


# --- Acknowledgements in force: those in files, and those of the served page ---


def listed_acknowledgements(files: Sequence[Path], today: date) -> tuple[Acknowledgement, ...]:
    """The acknowledgements in the files. Raises ConfigError with file, line and key."""
    return load_acknowledgements(files, [rule.id for rule in RULES], today)


def all_acknowledgements(store: Store, files: Sequence[Path], today: date) -> tuple[Acknowledgement, ...]:
    """The acknowledgements in the files and those of the served page. Raises ConfigError."""
    return (*listed_acknowledgements(files, today), *served_acknowledgements(store))


def served_acknowledgements(store: Store) -> tuple[Acknowledgement, ...]:
    """The acknowledgements of the served page."""
    return tuple(map(mask, store.served.acknowledgements()))
