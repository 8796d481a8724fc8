"""What a config may reach that lies in the checkout it helps to judge: its author may be the author of the change.

Such a config reads files of the checkout, and neither secrets, other files nor databases, unless the caller of the
command allows them by name. A config from elsewhere, such as the base branch, is the caller's own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from scanner.config.load import Config
from scanner.errors import RegistryError, UsageError
from scanner.redaction.redact import SecretRef
from scanner.registry.lists import ListSource, find_files

_GIT = ".git"
_SQLITE = "sqlite"


class Allowed(Struct, frozen=True, kw_only=True):
    """What the caller allows by name: environment variables, and files or folders."""

    env: frozenset[str] = frozenset()
    files: frozenset[Path] = frozenset()

    def secret(self, reference: SecretRef) -> bool:
        """Whether a reference may be resolved."""
        if reference.env is not None:
            return reference.env in self.env
        return self.covers(Path(reference.file or "").expanduser())

    def covers(self, path: Path) -> bool:
        """Whether a file is allowed, by its own name or that of a folder, with all links followed."""
        return _is_within(path.resolve(), (allowed.resolve() for allowed in self.files))


class Reach(Struct, frozen=True, kw_only=True):
    """The parts of a config that a command takes from it, and not from its own options."""

    lists: tuple[ListSource, ...] = ()
    acknowledged: tuple[Path, ...] = ()
    store_url: str | None = None


def checkouts(files: Iterable[str]) -> tuple[Path, ...]:
    """The folders of a change: of the current folder and of each file the outermost git checkout, else the folder."""
    folders = {Path.cwd(), *(_absolute(Path(file)).parent for file in files)}
    return tuple(sorted({_outermost(way) for folder in folders for way in (folder, folder.resolve())}))


def lies_in(config: Path, roots: Sequence[Path]) -> bool:
    """Whether a config lies in one of these folders, by its name or by where its links lead."""
    return any(_is_within(path, roots) for path in (_absolute(config), config.resolve()))


def check_reach(config: Path, reach: Reach, roots: Sequence[Path], allowed: Allowed) -> None:
    """Raise UsageError if a config that lies in a checkout leads out of it without having been allowed to."""
    resolved = tuple(root.resolve() for root in roots)
    for path in _paths(reach):
        if not _is_within(path.resolve(), resolved) and not allowed.covers(path):
            raise _refused(config, f"may not read {path}", f"--allow-file {path}")
    for listed in reach.lists:
        if listed.url is None or _file_of(listed.url) is not None:
            continue
        if listed.password is None or not allowed.secret(listed.password):
            raise _refused(config, f"may not open {listed.name}", "--allow-env with the variable of its password")
    if reach.store_url is not None and _file_of(reach.store_url) is None:
        raise _refused(config, "may not open the store of its [store]", "--store URL")


def _paths(reach: Reach) -> Iterator[Path]:
    """The files that it names. Of a pattern first the folder that it begins in, so that no other is searched."""
    urls = [listed.url for listed in reach.lists if listed.url is not None]
    urls += [reach.store_url] if reach.store_url is not None else []
    yield from (path for url in urls if (path := _file_of(url)) is not None)
    yield from reach.acknowledged
    for listed in reach.lists:
        if listed.path is None:
            continue
        parts = listed.path.parts
        wild = next((number for number, part in enumerate(parts) if "*" in part), len(parts))
        yield Path(*parts[:wild])
        try:
            yield from find_files(listed.path)
        except RegistryError:  # said where the list is read
            continue


def _file_of(url: str) -> Path | None:
    """The file of a database; None for one that is reached in another way."""
    scheme, _, rest = url.partition("://")
    if scheme.partition("+")[0] != _SQLITE or not rest.startswith("/") or "?" in rest:
        return None
    return Path(rest[1:])


def _refused(config: Path, what: str, option: str) -> UsageError:
    return UsageError(
        f"{config}: lies in the checkout that is checked, so its author may be the change's: it {what}",
        hint=f"take the config from elsewhere, such as the base branch, or allow it: {option}",
    )


def _outermost(folder: Path) -> Path:
    """The checkout around a folder. The outermost one: a change may bring a checkout of its own as a submodule."""
    found = [one for one in (folder, *folder.parents) if (one / _GIT).exists()]
    return found[-1] if found else folder


def _absolute(path: Path) -> Path:
    """Return the path without ``..``, by its name alone: links are not followed."""
    return Path(os.path.normpath(path.absolute()))


def _is_within(path: Path, folders: Iterable[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def reach_of(config: Config, *, registries: bool, people: bool, store: bool) -> Reach:
    """What is taken from a config. Lists and a store that the command line gives instead are the caller's."""
    return Reach(
        lists=(*(config.registry if registries else ()), *(config.people if people else ())),
        acknowledged=config.acknowledged,
        store_url=config.store_url if store else None,
    )
