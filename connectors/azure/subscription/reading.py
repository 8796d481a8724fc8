"""Reads one subscription, or what is set at one management group."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.azure.reader import Reader
from connectors.azure.subscription.assignments import read_assignments
from connectors.azure.subscription.resources import read_resources
from connectors.base import DiscoveredRecord


def read_subscription(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Who holds which role at the subscription and below, and what it holds."""
    yield from read_assignments(reader)
    yield from read_resources(reader)


def read_management_group(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Who holds which role at this management group, those of its ancestors and of its children apart."""
    yield from read_assignments(reader)
