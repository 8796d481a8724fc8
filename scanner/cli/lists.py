"""Files named on the command line, as the lists that they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.config import Config
    from scanner.registry.lists import ListSource


def listed(path: Path) -> ListSource:
    """A list in that file, of which nothing else is said."""
    from scanner.registry.lists import ListSource

    return ListSource(path=path)


def registry_of(config: Config, path: Path) -> ListSource:
    """The file as the config explains it, where it does."""
    explained = (one for one in config.registry if one.path is not None and one.path.resolve() == path.resolve())
    return next(explained, None) or listed(path)
