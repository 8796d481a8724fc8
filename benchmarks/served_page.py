"""The served page in Chromium: time to the first rows, time of a keystroke in the filter, and the server's memory.

python -m benchmarks.served_page [IDENTITIES]…       100,000 by default

An empty request from the same page is the floor of a keystroke.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page

from benchmarks.judged import judged
from scanner.store.store import open_store
from tests.browser import chromium
from tests.scanner.serve.served import PEOPLE, Served

WORDS = ("payments prod", "svc deploy", "role admin", "orders-2", "ledger eu")
_READY = 300.0
"""Seconds that the server may take to index the scan."""


def main() -> None:
    """Measure each size and print a line of numbers for it."""
    sizes = [int(size) for size in sys.argv[1:]] or [100_000]
    with chromium() as browser:
        for size in sizes:
            with tempfile.TemporaryDirectory() as folder:
                print(measure(size, browser, Path(folder)), flush=True)


def measure(size: int, browser: Browser, folder: Path) -> str:
    """One line of numbers."""
    (folder / "people.csv").write_text(PEOPLE)
    with open_store(f"sqlite:///{folder / 'muster.db'}") as store:
        store.save(judged(size))
    with Served(folder) as served:
        _wait(served)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(f"{served.url}/?token={served.token}")
        firsts = [_first_rows(page, served) for _ in range(5)]
        keys = [_keystroke(page, word[:length]) for word in WORDS for length in range(1, len(word) + 1)]
        floor = statistics.median(_round_trip(page) for _ in range(20))
        memory = _memory(served.pid)
        page.close()
    return (
        f"{size:>9,} identities: first rows {statistics.median(firsts):4.0f} ms; keystroke median "
        f"{statistics.median(keys):4.0f} ms, {statistics.quantiles(keys, n=20)[-1]:4.0f} ms at 95 % (an empty "
        f"request: {floor:.0f} ms); server {memory:,.0f} MiB"
    )


def _wait(served: Served) -> None:
    until = time.monotonic() + _READY
    while served.http.get("/page/list/identities", headers=served.bearer).status_code != 200:
        if time.monotonic() > until:
            raise RuntimeError(f"the scan was not indexed: {served.log[-2000:]}")
        time.sleep(0.5)


def _first_rows(page: Page, served: Served) -> float:
    page.goto(f"{served.url}/?sort=name")
    page.locator("#grid tbody tr[data-at]").first.wait_for()
    mark: float = page.evaluate(
        """async () => {
            for (;;) {
                const [mark] = performance.getEntriesByName("first-rows");
                if (mark) return mark.startTime;
                await new Promise(requestAnimationFrame);
            }
        }"""
    )
    return mark


def _keystroke(page: Page, text: str) -> float:
    """Milliseconds from the input event until the rows of its answer are laid out."""
    found: float = page.evaluate(
        """text => new Promise((resolve) => {
            const box = document.getElementById("filter");
            const from = performance.now();
            const seen = new MutationObserver(() => {
                seen.disconnect();
                document.body.getBoundingClientRect();
                resolve(performance.now() - from);
            });
            seen.observe(document.getElementById("grid").tBodies[0], { childList: true });
            box.value = text;
            box.dispatchEvent(new Event("input"));
        })""",
        text,
    )
    return found


def _round_trip(page: Page) -> float:
    took: float = page.evaluate(
        """async () => {
            const from = performance.now();
            await (await fetch("/healthz")).text();
            return performance.now() - from;
        }"""
    )
    return took


def _memory(pid: int) -> float:
    """The resident memory of a process, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main()
