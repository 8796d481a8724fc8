"""The demo's estate as data (estate.toml, azure.toml), and the one helper that all who seed it need."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any


def load_estate() -> dict[str, Any]:
    """The tables of estate.toml, and those of azure.toml as ``azure``; one registry has the entries of both."""
    estate, azure = (_tables(name) for name in ("estate.toml", "azure.toml"))
    entries = [*estate["registry"], *azure.pop("registry")]
    return {**estate, "registry": entries, "azure": azure}


def _tables(name: str) -> dict[str, Any]:
    return tomllib.loads((files("scanner.demo") / name).read_text(encoding="utf-8"))


def days_ago(days: float) -> datetime:
    """A moment so many days before now; negative ones lie ahead. Whole seconds, as providers keep them."""
    return (datetime.now(UTC) - timedelta(days=days)).replace(microsecond=0)
