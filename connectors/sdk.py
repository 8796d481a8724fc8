"""SDKs are extras: whether one is installed is found out without importing it."""

from __future__ import annotations

import importlib.util

from connectors.base import Spec
from scanner.errors import MissingExtra


def require_sdk(package: str, spec: Spec) -> None:
    """Raises MissingExtra where the package that the connector's extra brings is not installed."""
    try:
        found = importlib.util.find_spec(package)
    except ModuleNotFoundError:  # of a dotted name, the first part
        found = None
    if found is None:
        raise MissingExtra(f"source type {spec.name}", spec.extra or spec.name)
