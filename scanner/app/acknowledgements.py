"""The acknowledgements in force: those in files, and those of the served page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from scanner.model import Acknowledgement
from scanner.redaction.masking import mask
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
    return tuple(map(mask, store.served.acknowledgements()))
