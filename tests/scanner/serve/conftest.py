"""A store with a scan, prepared once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scanner.serve.served import scanned


@pytest.fixture(scope="session")
def scanned_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with lists, config and a store, which tests only read."""
    return scanned(tmp_path_factory.mktemp("served"))
