"""The inputs of a scan, for audits: the config and the lists, each with the hash of its bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from scanner.config.load import Config
from scanner.errors import RegistryError
from scanner.model import Input, InputRole
from scanner.redaction.redact import redact
from scanner.redaction.shapes import MASK
from scanner.registry.lists import ListSource, find_files
from scanner.text import without_surrogates


def inputs_of(config: Config, exports: Iterable[Path] = ()) -> tuple[Input, ...]:
    """The config if there is a file, the files of registry and roster in the config's order, then those of exports.

    ``exports``: files, and folders with files, that sources are read from.
    """
    return tuple(_inputs(config, exports))


def _inputs(config: Config, exports: Iterable[Path]) -> Iterator[Input]:
    if config.document.text:
        yield _file("config", Path(config.document.file), text=_public_text(config))
    for source in config.registry:
        yield from _list("registry", source)
    for source in config.people:
        yield from _list("people", source)
    for export in exports:
        for file in _files_of(export.expanduser()):
            yield _file("export", file)


def _files_of(export: Path) -> list[Path]:
    try:
        return sorted(file for file in export.rglob("*") if file.is_file()) if export.is_dir() else [export]
    except OSError:
        return [export]


def _public_text(config: Config) -> str:
    """The config's text without secrets. A webhook's address is one, so only its host remains."""
    text = config.document.text
    for channel in config.channels:
        if isinstance(url := getattr(channel, "url", None), str):
            scheme, _, rest = url.partition("://")
            host = rest.partition("/")[0].partition("?")[0]
            if url not in text:  # written with escapes, so its end in the text is unknown
                return f"# left out: the address of the channel {channel.name} cannot be masked in it\n"
            text = text.replace(url, f"{scheme}://{host}/{MASK}")
    return redact(text)


def _list(role: InputRole, source: ListSource) -> Iterator[Input]:
    if source.path is None:
        yield Input(role=role, name=source.name)
        return
    try:
        files = find_files(source.path)
    except RegistryError:  # it existed when it was read
        files = [source.path]
    for file in files:
        yield _file(role, file)


def _file(role: InputRole, file: Path, *, text: str | None = None) -> Input:
    return Input(role=role, name=without_surrogates(str(file)), sha256=_sha256(file), text=text)


def _sha256(file: Path) -> str | None:
    """The file's hash; None if it is gone, or a pipe, which cannot be read twice."""
    try:
        if not file.is_file():
            return None
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError:
        return None
