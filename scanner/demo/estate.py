"""The demo's estate: estate.toml, a file for each other cloud, and dates relative to now."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any


def load_estate() -> dict[str, Any]:
    """The tables of estate.toml, and of each other cloud's file under its name. The registry has the entries of all."""
    estate = load_tables("estate.toml")
    clouds = {name: load_tables(f"{name}.toml") for name in ("anthropic", "azure", "gcp", "github", "kubernetes")}
    entries = [*estate["registry"], *(entry for cloud in clouds.values() for entry in cloud.pop("registry"))]
    return {**estate, "registry": entries, **clouds}


def load_tables(name: str) -> dict[str, Any]:
    """The tables of a file of the demo."""
    return tomllib.loads((files("scanner.demo") / name).read_text(encoding="utf-8"))


def days_ago(days: float) -> datetime:
    """The time ``days`` before now; negative is in the future. In whole seconds, as providers store it."""
    return (datetime.now(UTC) - timedelta(days=days)).replace(microsecond=0)
