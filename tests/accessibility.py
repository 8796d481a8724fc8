"""What axe-core, the usual judge of what a screen reader and a keyboard can do with a page, has against one."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def violations(page: Page) -> list[str]:
    """Each rule that the page breaks as it stands, with the elements that break it."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {', '.join(node['html'][:120] for node in one['nodes'])}" for one in found]
