"""What is added to a scan of the store before it is shown: acknowledgements and activity.

Every command that shows something from the store imports this, and none of them judges: it must not import judging.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from scanner.model import Acknowledgement, ActivityPolicy, ScanResult
from scanner.redaction.gate import cleared
from scanner.rules.catalog import RULES
from scanner.store.store import Store
from scanner.suppressions.acknowledgements import load_acknowledgements


def listed_acknowledgements(files: Sequence[Path], today: date) -> tuple[Acknowledgement, ...]:
    """The acknowledgements in the files. Raises ConfigError with file, line and key."""
    return load_acknowledgements(files, [rule.id for rule in RULES], today)


def all_acknowledgements(store: Store, files: Sequence[Path], today: date) -> tuple[Acknowledgement, ...]:
    """The acknowledgements in the files and those of the served page. Raises ConfigError."""
    return (*listed_acknowledgements(files, today), *served_acknowledgements(store))


def served_acknowledgements(store: Store) -> tuple[Acknowledgement, ...]:
    """The acknowledgements of the served page."""
    return tuple(map(cleared, store.served.acknowledgements()))


def with_activity(store: Store, result: ScanResult, policy: ActivityPolicy) -> ScanResult:
    """A scan that was loaded, with what its identities did as far as was read by then. Raises DamagedRow."""
    past = store.activity.past(as_of=result.scan.started_at)
    if not past.logs:
        return result
    from scanner.app.activity import add_activity

    return add_activity(past, result, policy)
