"""What surrounds a scan or an import: garbage is seldom collected, and a failure is kept for ``muster history``."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from scanner.app.scanning import Run
    from scanner.config.load import Config

log = logging.getLogger(__name__)

INTERRUPTED = "it was interrupted"
SELDOM = 200_000
"""New containers between two collections. Python's default of 700 is meant for small heaps."""


@contextmanager
def infrequent_collection() -> Iterator[None]:
    """Collect garbage less often: collections without any result took up to a fifth of a large scan's time.

    Collection is not switched off, because hours of requests to providers leave reference cycles behind.
    """
    usual = gc.get_threshold()
    gc.set_threshold(SELDOM, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


@contextmanager
def failures_kept(config: Config, run: Run) -> Iterator[None]:
    """Keep the reason in the store if the run ends with an error. A store is not created for that."""
    from scanner.errors import as_muster_error

    try:
        yield
    except BrokenPipeError:  # the scan is stored, and whoever read its report wanted no more
        raise
    except (click.Abort, KeyboardInterrupt):
        _keep(config, run, INTERRUPTED)
        raise
    except Exception as error:  # any error is why the run failed, and is raised again
        _keep(config, run, str(as_muster_error(error)))
        raise


def _keep(config: Config, run: Run, reason: str) -> None:
    from scanner.errors import MissingStore, MusterError, OlderStore
    from scanner.redaction.redact import redact
    from scanner.store.store import open_store

    now = datetime.now(UTC).replace(microsecond=0)
    for create in (False, True):  # an older store is brought forward, a missing one is not created
        try:
            with open_store(config.store_url, create=create) as store:
                store.runs.failed(run.scan_id, run.started, max(now, run.started), redact(reason))
        except OlderStore:
            continue
        except MissingStore:
            pass
        except MusterError as error:  # the run's own error is the one to report
            log.info("the failure is not kept in the store: %s", error)
        return
