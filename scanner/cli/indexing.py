"""The index of ``muster serve``: where it is, and building it at the end of a scan."""

from __future__ import annotations

import os
from contextlib import closing
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scanner.errors import MusterError
from scanner.safe_files import is_writable

if TYPE_CHECKING:
    from scanner.config.load import Config


def index_folder(store_url: str) -> Path:
    """The folder of the index: beside an SQLite store if that may be written to, else in the user's cache."""
    name = store_url.removeprefix("sqlite:///").partition("?")[0]
    if store_url.startswith("sqlite:///") and name not in ("", ":memory:"):
        beside = Path(f"{name}.index")
        if is_writable(beside if beside.exists() else beside.absolute().parent):
            return beside
        store_url = str(Path(name).resolve())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "muster" / f"index-{sha256(store_url.encode()).hexdigest()[:16]}"


def index_after_scan(config: Config) -> None:
    """Build the index of the scan that was just stored, so that the served page has it at once.

    By default where there is the folder of an index: somebody serves this store from this machine. A failure is a
    warning, because the server builds what is missing.
    """
    folder = config.serve.index or index_folder(config.store_url)
    wanted = config.serve.index_after_scan
    if wanted is False or (wanted is None and not (folder.is_dir() and is_writable(folder))):
        return
    from scanner.cli.console import counting, say
    from scanner.store.store import open_store

    try:
        from scanner.serve.index.catalog import Catalog

        connect = partial(open_store, config.store_url, create=False)
        with (
            counting("building the index of the served page") as progress,
            closing(Catalog(folder, connect, activity=config.activity)) as catalog,
        ):
            catalog.refresh(progress)
    except KeyboardInterrupt as stop:
        raise click.Abort("the scan is stored, the index of the served page is not built") from stop
    except MusterError as error:
        say(f"the index of the served page was not built: {error}", wrong=wanted is True)
