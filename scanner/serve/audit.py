"""The audit log: sign-ins, changes, and, with ``log_reads``, reads."""

from __future__ import annotations

import logging

_log = logging.getLogger("muster.audit")


def note(what: str, client: str, person: str | None = None) -> None:
    """Log an action of a person, with the client's address."""
    by = f" by {person}" if person else ""
    _log.info("%s%s from %s", what, by, client, extra={"person": person, "client": client})


def always() -> None:
    """Write this log regardless of the level of other logs."""
    _log.setLevel(logging.INFO)
