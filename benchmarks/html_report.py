"""How the HTML report holds up in Chromium: file size, time to the first rows, and time for a keystroke.

python -m benchmarks.html_report [IDENTITIES]…       10,000 and 100,000 by default
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser

from benchmarks.judged import judged
from reports.base import Screen
from reports.html.report import HtmlReport
from tests.browser import chromium

TYPED = "payments prod"


def main() -> None:
    """Measure each size and print a line of numbers for it."""
    sizes = [int(size) for size in sys.argv[1:]] or [10_000, 100_000]
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        for size in sizes:
            print(measure(size, browser, Path(folder, f"{size}.html")), flush=True)


def measure(size: int, browser: Browser, page_file: Path) -> str:
    """One line of numbers for an estate of this size."""
    result = judged(size)
    started = time.perf_counter()
    with page_file.open("wb") as out:
        HtmlReport().write(result, "all", out, Screen())
    written = time.perf_counter() - started
    first_rows = statistics.median(_first_rows(browser, page_file) for _ in range(3))
    first, *others = _keystrokes(browser, page_file)
    return (
        f"{size:>9,} identities: {page_file.stat().st_size / 1e6:5.2f} MB, written in {written:4.1f} s; "
        f"first rows {first_rows:4.0f} ms; first keystroke {first:4.0f} ms, "
        f"median {statistics.median(others):4.0f} ms, slowest {max(others):4.0f} ms"
    )


def _first_rows(browser: Browser, page_file: Path) -> float:
    page = browser.new_page()
    page.goto(page_file.as_uri())
    page.locator("#grid tbody tr[data-at]").first.wait_for()
    mark: float = page.evaluate("performance.getEntriesByName('first-rows')[0].startTime")
    page.close()
    return mark


def _keystrokes(browser: Browser, page_file: Path) -> list[float]:
    """For each key: milliseconds from the input event until the browser has laid the new rows out."""
    page = browser.new_page()
    page.goto(page_file.as_uri())
    page.locator("body[data-ready]").wait_for(timeout=60_000)
    times = [
        page.evaluate(
            """text => {
                const box = document.getElementById("filter");
                box.value = text;
                const from = performance.now();
                box.dispatchEvent(new Event("input"));
                document.body.getBoundingClientRect();
                return performance.now() - from;
            }""",
            TYPED[:length],
        )
        for length in range(1, len(TYPED) + 1)
    ]
    page.close()
    return times


if __name__ == "__main__":
    main()
