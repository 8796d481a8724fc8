"""The page in Chromium."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeAlias

import pytest
from playwright.sync_api import Browser

from reports.base import View
from scanner.model import ScanResult
from tests.browser import Watched, watched
from tests.reports.html.estate import written

Opens: TypeAlias = Callable[..., AbstractContextManager[Watched]]


@pytest.fixture
def opens(browser: Browser, tmp_path: Path) -> Opens:
    """Writes a result as a page and opens it, at a fragment of its address if one is given."""

    def open_page(
        result: ScanResult, *, view: View = "all", fragment: str = "", dark: bool = False
    ) -> AbstractContextManager[Watched]:
        file = tmp_path / "report.html"
        file.write_bytes(written(result, view))
        return watched(browser, file.as_uri() + fragment, dark=dark)

    return open_page
