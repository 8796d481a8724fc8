"""What axe-core, the usual judge of what a screen reader and a keyboard can do with a page, has against one."""

from __future__ import annotations

from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_OF_COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}


def violations(page: Page) -> list[str]:
    """Each rule that the page breaks as it stands, with the elements that break it."""
    return _described(Axe().run(page))


def violations_in_light_and_dark(page: Page) -> list[str]:
    """In dark only colours are others, so only the rules about them are tried again."""
    in_light = violations(page)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")  # or colours would still be on their way
    return in_light + _described(Axe().run(page, options=_OF_COLOURS))


def _described(results: AxeResults) -> list[str]:
    found = results.response["violations"]
    return [f"{one['id']}: {', '.join(node['html'][:120] for node in one['nodes'])}" for one in found]
