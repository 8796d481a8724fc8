"""The connectors that are installed."""

from scanner.catalog import Catalog


def connector_catalog() -> Catalog:
    """By source type."""
    return Catalog("muster.connectors", "connector")
