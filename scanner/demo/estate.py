"""The demo's estate as data (estate.toml, and one file a cloud), and the one helper that all who seed it need."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any


def load_estate() -> dict[str, Any]:
    """The tables of estate.toml, and those of each other cloud's file under its name; one registry has all entries."""
    estate = _tables("estate.toml")
    clouds = {name: _tables(f"{name}.toml") for name in ("azure", "gcp")}
    entries = [*estate["registry"], *(entry for cloud in clouds.values() for entry in cloud.pop("registry"))]
    return {**estate, "registry": entries, **clouds}


def _tables(name: str) -> dict[str, Any]:
    return tomllib.loads((files("scanner.demo") / name).read_text(encoding="utf-8"))


def days_ago(days: float) -> datetime:
    """A moment so many days before now; negative ones lie ahead. Whole seconds, as providers keep them."""
    return (datetime.now(UTC) - timedelta(days=days)).replace(microsecond=0)
