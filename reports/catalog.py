"""The report formats that are installed."""

from scanner.catalog import Catalog


def report_catalog() -> Catalog:
    """By format."""
    return Catalog("muster.reports", "report format")
