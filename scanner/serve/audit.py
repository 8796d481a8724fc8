"""The audit log: who signed in, who changed what, and, with ``log_reads``, who looked at what."""

from __future__ import annotations

import logging

_log = logging.getLogger("muster.audit")


def note(what: str, client: str, person: str | None = None) -> None:
    """Log what a person did, from which address."""
    by = f" by {person}" if person else ""
    _log.info("%s%s from %s", what, by, client, extra={"person": person, "client": client})


def always() -> None:
    """Write this log whatever the level of the others."""
    _log.setLevel(logging.INFO)
