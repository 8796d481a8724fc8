"""SDKs are extras: whether one is installed is found out without importing it."""

from __future__ import annotations

import importlib.util

from connectors.base import Spec
from scanner.errors import MissingExtra


def require_sdk(package: str, spec: Spec) -> None:
    """Raises MissingExtra where the package that the connector's extra brings is not installed."""
    if not _is_installed(package):
        raise MissingExtra(f"source type {spec.name}", spec.extra or spec.name)


def _is_installed(package: str) -> bool:
    """Of a dotted name the packages above are imported, which for a namespace costs nothing."""
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        return False
