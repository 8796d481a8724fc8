"""Debian's Chromium, driven by Playwright: what a page does, and everything it must not do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from msgspec import Struct, field
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from tests.processes import PATIENCE

CHROMIUMS = (Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium"))
"""The first that is installed: without a window to draw around it, a page takes a quarter of the time."""
VIEWPORT: ViewportSize = {"width": 1280, "height": 800}


class Watched(Struct):
    """A page with what it complained about and what it asked the network for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser; the test is skipped where it is not installed."""
    installed = next((each for each in CHROMIUMS if each.exists()), None)
    if installed is None:
        pytest.skip(f"{CHROMIUMS[0]} is not there: apt-get install chromium-headless-shell")
    expect.set_options(timeout=PATIENCE * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def new_page(browser: Browser, **facts: Any) -> Page:
    """A page as of a browser of its own, however long a busy machine takes to open it; ``facts``: see Playwright's."""
    page = browser.new_page(**facts)
    page.set_default_timeout(PATIENCE * 1000)
    return page


# A page that is opened anew has a process of its own to start: a third of the time of most tests.
_free: WeakKeyDictionary[Browser, list[Page]] = WeakKeyDictionary()


@contextmanager
def watched(browser: Browser, address: str, *, dark: bool = False) -> Iterator[Watched]:
    """Open an address and note console errors, policy violations, dialogs, failures and requests.

    It is opened where one before it was, unless that test failed. What stays there besides is set back; a file has no
    storage or cookies.
    """
    free = _free.setdefault(browser, [])
    page = free.pop() if free else new_page(browser)
    page.set_viewport_size(VIEWPORT)
    page.emulate_media(media="null", color_scheme="dark" if dark else "light", reduced_motion="null")
    page.mouse.move(0, 0)
    seen = Watched(page=page)
    watching: dict[str, Callable[[Any], None]] = {
        "console": lambda message: seen.complaints.append(f"{message.type}: {message.text}"),
        "pageerror": lambda error: seen.complaints.append(f"error: {error}"),
        "dialog": lambda dialog: seen.complaints.append(f"dialog: {dialog.message}"),
        "request": lambda request: seen.requests.append(request.url),
    }
    for happening, note in watching.items():
        page.on(happening, note)  # type: ignore[call-overload]  # each name has an overload of its own
    page.goto(address)
    yield seen
    for happening, note in watching.items():
        page.remove_listener(happening, note)
    page.context.clear_permissions()
    page.goto("about:blank")
    free.append(page)
