"""The lists of `muster serve`: a question under 300 ms at the median, counts under 1 s; the index built in 120 s.

At 1,000,000 identities; at 100,000 a keystroke under 50 ms. Each text is asked for the first time; for comparison it is
also looked for by plain SQL, in every row's cells. ``python -m benchmarks served_lists 300000`` takes another number.
"""

from __future__ import annotations

import resource
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from statistics import median, quantiles

from benchmarks.judged import judged
from scanner.serve.index.building import IndexPlan, build
from scanner.serve.index.questions import IndexQuestion
from scanner.serve.index.reading import ScanIndex
from scanner.store.store import open_store

SIZES = (100_000, 1_000_000)
PEOPLE, ASKED = 50, 10
ROWS = 100

TYPED = (
    "s",
    "sv",
    "svc",
    "svc-",
    "svc-p",
    "svc-pay",
    "svc-payments-p",
    "svc-payments-prod-0",
    "svc-payments-prod-0043",
)
TEXTS = ("payments", "004217", "person4", "akia0000", "prod 0042", "search staging", "mobile-dev-0999", "100000000003")
CHOICES: Sequence[dict[str, frozenset[str]]] = (
    {"registry": frozenset({"unregistered"})},
    {"ownership": frozenset({"orphaned"}), "severity": frozenset({"high", "critical"})},
    {"scope": frozenset({"100000000007"})},
    {"usage": frozenset({"dormant"}), "owner": frozenset({"person4@example.com", ""})},
)
SORTS = ("name", "severity", "owner", "scope")


def main() -> None:
    """Build and ask, for each size."""
    for size in [int(word) for word in sys.argv[1:]] or SIZES:
        with tempfile.TemporaryDirectory() as folder:
            _measure(size, Path(folder))


def _measure(size: int, folder: Path) -> None:
    path = folder / "lists.index"
    with open_store(f"sqlite:///{folder / 'muster.db'}") as store:
        store.save(judged(size))
        began, cpu = time.perf_counter(), time.process_time()
        build(store, IndexPlan(path=path))
    built, cpu = time.perf_counter() - began, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{size:,} identities: built in {built:.1f} s ({cpu:.1f} s of CPU), {path.stat().st_size / 1e6:.0f} MB; "
          f"peak of the process, judging included, {peak:.0f} MiB")  # fmt: skip
    ask(path)


def ask(path: Path) -> None:
    """Print how long each sort of question takes."""
    with closing(ScanIndex(path)) as index:
        first = _milliseconds(lambda: index.page(IndexQuestion(list="identities"), limit=ROWS))
    with closing(ScanIndex(path)) as index:
        counted = _milliseconds(lambda: index.counts(IndexQuestion(list="identities")))
    print(f"  first page of a file just opened {first:.0f} ms, counts of its facets {counted:.0f} ms")
    with closing(ScanIndex(path)) as index, closing(sqlite3.connect(path)) as plain:
        print(f"  made ready in {_milliseconds(index.warm):.0f} ms, as the server does before it serves a new index")
        _line("a keystroke", [_page(index, IndexQuestion(list="identities", text=text)) for text in TYPED])
        texts = [_page(index, IndexQuestion(list="identities", text=text)) for text in TEXTS]
        _line("a text", texts)
        scanned = [_milliseconds(partial(_scanned, plain, text)) for text in TEXTS]
        _line("  by plain SQL", scanned)
        print(f"  {median(scanned) / median(texts):.0f} × as fast at the median")
        chosen = [IndexQuestion(list="identities", chosen=choice) for choice in CHOICES]
        _line("a filter", [_page(index, question) for question in chosen])
        both = [
            IndexQuestion(list="identities", chosen=choice, text=text)
            for choice in CHOICES
            for text in ("order", "growth")
        ]
        _line("a filter and a text", [_page(index, question) for question in both])
        sorts = [
            IndexQuestion(list="identities", sort=sort, descending=down) for sort in SORTS for down in (False, True)
        ]
        _line("an order, the first time", [_page(index, question) for question in sorts])
        _line("an order, again, deep", [_page(index, question, offset=9_000) for question in sorts])
        _line("counts", [_milliseconds(partial(index.counts, asked)) for asked in (*chosen, *both)])
        findings = [IndexQuestion(list="findings", text=text) for text in ("unregistered", "svc-data-dev-0042")]
        _line("findings", [_page(index, question) for question in findings])
        _crowd(index, [*chosen, *both, *sorts])


def _page(index: ScanIndex, question: IndexQuestion, offset: int = 0) -> float:
    return _milliseconds(lambda: index.page(question, limit=ROWS, offset=offset))


def _scanned(plain: sqlite3.Connection, text: str) -> None:
    words = text.split()
    has_one = "instr(lower(cells), ?)"
    query = " ".join(("SELECT count(*) FROM row_identities WHERE", " AND ".join([has_one] * len(words))))
    plain.execute(query, words).fetchone()


def _crowd(index: ScanIndex, questions: Sequence[IndexQuestion]) -> None:
    """Fifty people, each asking as soon as the answer before is there."""
    times: list[float] = []

    def person(number: int) -> None:
        for at in range(ASKED):
            question = questions[(number + at) % len(questions)]
            times.append(_page(index, question))

    threads = [threading.Thread(target=person, args=(number,)) for number in range(PEOPLE)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = time.perf_counter() - began
    p95 = quantiles(times, n=20)[-1]
    print(f"  {PEOPLE} at once: median {median(times):.0f} ms, p95 {p95:.0f} ms, {len(times) / taken:.0f} a second")


def _line(what: str, times: Sequence[float]) -> None:
    print(f"  {what}: median {median(times):.0f} ms, longest {max(times):.0f} ms ({len(times)})", flush=True)


def _milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)


if __name__ == "__main__":
    main()
