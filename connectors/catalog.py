"""The connectors that are installed, and what they know of providers."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from scanner.catalog import Catalog

if TYPE_CHECKING:
    from scanner.model.providers import Providers

log = logging.getLogger(__name__)

_LISTS = "file"
"""The connector for lists of any provider: its facts about one have the lowest priority."""


def connector_catalog() -> Catalog:
    """By source type."""
    return Catalog("muster.connectors", "connector")


def installed_providers() -> Providers:
    """Facts about providers from the installed connectors: from the file beside a connector's module, else its spec.

    Built-in connectors have the file, so none of them is imported. A connector that cannot be loaded causes a warning,
    and its provider counts as unknown: it must not end an unrelated command.
    """
    from scanner.model.providers import joined

    catalog = connector_catalog()
    return joined(
        (name, _providers(catalog, name)) for name in sorted(catalog.names, key=lambda name: (name == _LISTS, name))
    )


def _providers(catalog: Catalog, name: str) -> Providers:
    from scanner.model.providers import find_providers

    folder = catalog.module(name).rpartition(".")[0]
    try:
        found = find_providers(folder, name) if folder else None
        given: Providers = catalog.load(name).spec.providers if found is None else found
    except Exception as error:  # a broken plugin must not end commands that do not need it
        log.warning("what the connector %s knows of its provider cannot be read: %s", name, error)
        log.debug("the connector %s", name, exc_info=error)
        return {}
    return given
