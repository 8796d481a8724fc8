"""Pictures of the report and the served page for the documentation: ``python -m tests.tour FOLDER``.

The folder has what ``muster demo`` left. ``make tour`` runs the demo first.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from tests.browser import chromium
from tests.scanner.serve.served import Served

IMAGES = Path(__file__).parent.parent / "docs" / "images"
PICTURES: Mapping[str, str] = {
    "served-list": "/?q=prod",
    "served-panel": "/?privilege=escalation",
    "served-paths": "/paths?from=outside&to=admin",
}
"""By name of the picture, the address; a panel is that of the first row."""
REPORT: Mapping[str, str] = {
    "report": "",
    "report-panel": "#view=identities&identity=arn:aws:iam::471208833519:user/data/etl-warehouse-prod",
}
"""By name of the picture, what follows the file's address."""
OWNER = "jonas.lindqvist@tidewater.example"
SIGN_IN = """
[serve]
user_header = "X-User"
proxies = ["127.0.0.1"]
"""
WAIT = 60_000


def main() -> None:
    """Write the pictures."""
    folder = Path(sys.argv[1]).resolve()
    with Served(folder, "", "--store", f"sqlite:///{folder / 'demo.db'}") as served, chromium() as browser:
        page = browser.new_page(viewport={"width": 1200, "height": 680})
        page.goto(f"{served.url}/?token={served.token}")
        for name, address in PICTURES.items():
            page.goto(served.url + address)
            page.locator("#grid tbody tr[data-at], #page .attack").first.wait_for(timeout=WAIT)
            if name.endswith("panel"):
                page.locator("#grid tbody tr[data-at]").first.click()
                page.get_by_role("dialog").wait_for()
            page.screenshot(path=IMAGES / f"{name}.png")
    with Served(folder, SIGN_IN, "--store", f"sqlite:///{folder / 'demo.db'}") as served, chromium() as browser:
        page = browser.new_page(viewport={"width": 1200, "height": 680}, extra_http_headers={"X-User": OWNER})
        page.goto(served.url)
        page.locator(".needs li").first.wait_for(timeout=WAIT)
        page.screenshot(path=IMAGES / "served-start.png")
        for name, fragment in REPORT.items():
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(f"{(folder / 'report.html').as_uri()}{fragment}")
            page.locator("body[data-ready]").wait_for(timeout=WAIT)
            page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
