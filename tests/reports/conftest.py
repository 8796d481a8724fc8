"""The browser that pages are looked at in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser import chromium


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all pages: Playwright runs but once in a process."""
    with chromium() as running:
        yield running
