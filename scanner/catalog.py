"""What installed packages bring: plugins by entry point, facts about providers, and tables in files.

Plugins are loaded one at a time; built-in ones are found in the same way as any other.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from scanner.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint, EntryPoints

    from scanner.model.providers import Providers

_T = TypeVar("_T")


class Catalog:
    """The plugins of one entry-point group, by name. Listing the names imports none of them."""

    def __init__(self, group: str, noun: str) -> None:
        self._noun = noun
        found = _installed(tuple(sys.path))(group=group)
        twice = sorted(name for name, count in Counter(point.name for point in found).items() if count > 1)
        if twice:
            packages = sorted(_package(point) for point in found if point.name == twice[0])
            raise UsageError(
                f"two {noun}s are called {twice[0]}: from {' and '.join(packages)}", hint="uninstall one of them"
            )
        self._points: dict[str, EntryPoint] = {point.name: point for point in found}

    @property
    def names(self) -> tuple[str, ...]:
        """Every plugin's name, sorted."""
        return tuple(sorted(self._points))

    def package(self, name: str) -> str:
        """The package of the plugin of that name."""
        return _package(self._points[name])

    def module(self, name: str) -> str:
        """The module that the plugin of that name is in."""
        return self._points[name].module

    def load(self, name: str) -> Any:
        """The plugin of that name. Raises UsageError that suggests the most similar name if there is none."""
        point = self._points.get(name)
        if point is None:
            raise UsageError(
                f"there is no {self._noun} called {name}",
                hint=did_you_mean(name, self.names) or f"there are: {', '.join(self.names)}",
            )
        try:
            return point.load()
        except (ImportError, AttributeError) as error:
            raise UsageError(f"the {self._noun} {name} cannot be loaded: {error}", hint="reinstall it") from error


@cache
def _installed(path: tuple[str, ...]) -> Callable[..., EntryPoints]:
    """Return the entry points of all packages on ``sys.path`` by group. Reading them takes 10 ms."""
    from importlib.metadata import entry_points  # takes longer to import than all else that --help needs

    del path
    return entry_points().select


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value


# --- Facts about providers from the installed connectors: the composition root sets the source, read once ---

_readers: list[Callable[[], Providers]] = []


def providers_from(read: Callable[[], Providers]) -> None:
    """Set the function that returns the facts of providers. It is called when they are first needed."""
    _readers[:] = [read]


def known_providers() -> Providers:
    """The facts of providers. Raises LookupError if :func:`providers_from` was not called: no id form would match."""
    if not _readers:
        raise LookupError("no source of providers is set: scanner.catalog.providers_from(installed_providers)")
    return _readers[0]()


# --- Tables that come with a package, as TOML files beside the modules that use them ---


def read_table(package: str, name: str, shape: type[_T]) -> _T:
    """The table in a package's file, in its type. Raises msgspec.ValidationError with the file and its line or key."""
    from importlib.resources import files  # no part of --help

    try:
        return msgspec.toml.decode(files(package).joinpath(name).read_bytes(), type=shape)
    except msgspec.DecodeError as error:
        raise msgspec.ValidationError(f"{name} of {package}: {error}") from error
