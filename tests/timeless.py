"""Results of scans as they compare, whenever they were made."""

from __future__ import annotations

from typing import Any


def timeless(result: Any) -> Any:
    """A decoded ``muster.scan/1`` without the scan itself and without when anything was first seen."""
    ageless = {
        name: [{**one, "first_seen": None} for one in result[name]] for name in ("identities", "findings", "registry")
    }
    return {**result, **ageless, "scan": None}
