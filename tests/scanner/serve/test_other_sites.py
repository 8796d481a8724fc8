"""What a page of another site can do with the browser of someone who is signed in."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser import new_page
from tests.scanner.serve.served import Served

pytestmark = pytest.mark.browser

ATTACKER = "http://attacker.example/"
PAGE = """<!doctype html><a href="{url}/session">a link</a><iframe src="{url}/session"></iframe>
<form method="post" action="{url}/sign-out"><button>Win</button></form>"""
READ = "url => fetch(url, {credentials: 'include'}).then(answer => answer.text(), () => 'refused')"
BLIND = "url => fetch(url, {credentials: 'include', method: 'POST', mode: 'no-cors'}).then(() => '', () => '')"


def test_another_site_only_links_here(browser: Browser, scanned_folder: Path) -> None:
    """A link works as usual; nothing of another site reads, writes or frames, though the browser is signed in."""
    with Served(scanned_folder, "", "--as", "ada") as served:
        page = new_page(browser)
        page.goto(f"{served.url}/session?token={served.token}")
        assert page.url == f"{served.url}/session"
        assert "ada@acme.example" in page.content()

        page.route(
            f"{ATTACKER}**", lambda route: route.fulfill(content_type="text/html", body=PAGE.format(url=served.url))
        )
        page.goto(ATTACKER)
        assert "ada@acme.example" not in "".join(frame.content() for frame in page.frames)
        assert page.evaluate(READ, f"{served.url}/session") == "refused"
        page.evaluate(BLIND, f"{served.url}/sign-out")
        page.get_by_text("Win").click()
        page.wait_for_url(f"{served.url}/sign-out")
        assert "another site" in page.content()

        page.goto(ATTACKER)
        page.get_by_text("a link").click()
        page.get_by_text("ada@acme.example").wait_for()
        assert page.url == f"{served.url}/session"
        page.close()
