"""The served page's API: 50 clients at once, alone and while a scan is saved (bound: p95 under 500 ms).

A real server process on SQLite, and on PostgreSQL where it is installed. A client asks once a second, as someone who
clicks without reading; then each asks without a pause, which shows what the server can do at most. The baseline is one
client alone. ``python -m benchmarks served 100000`` takes another number of identities.
"""

from __future__ import annotations

import http.client
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count as numbers
from pathlib import Path
from statistics import median, quantiles
from typing import TypeAlias
from urllib.parse import quote, urlencode

from benchmarks.judged import judged
from benchmarks.store import postgresql, sqlite
from scanner.model import ScanResult
from scanner.store.store import open_store
from tests.servers import postgres

COUNT = 1_000_000
CLIENTS = 50
SECONDS = 20.0

Asked: TypeAlias = tuple[str, float]
"""A kind of request, and how many seconds its answer took."""


class Server:
    """A running ``muster serve``."""

    def __init__(self, folder: str, url: str) -> None:
        command = [sys.executable, "-m", "scanner", "serve", "--store", url, "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self.process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)/\?token=(\S+)", self.process.stdout.readline())
        assert found is not None
        self.port, self.token = int(found[1]), found[2]

    def cpu(self) -> float:
        """The seconds of CPU that the process took so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def client(self) -> Callable[[str], bytes]:
        """Asks over a connection of its own. Raises where the answer is not 200."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        headers = {"authorization": f"Bearer {self.token}"}

        def ask(path: str) -> bytes:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != http.client.OK:
                raise RuntimeError(f"{path}: {answer.status} {body[:200]!r}")
            return body

        return ask


@contextmanager
def serving(url: str) -> Iterator[Server]:
    """A server over the store, which has built its index."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(folder, url)
        ask = server.client()
        try:
            for _ in numbers():
                try:
                    ask("/api/v1/identities?limit=1")
                    break
                except RuntimeError:  # the index is not there yet
                    time.sleep(1)
            yield server
        finally:
            server.process.terminate()
            server.process.wait()


def _paths(keys: Sequence[str], seed: int) -> Iterator[tuple[str, str]]:
    """What people ask for: kinds of requests, and their addresses."""
    chosen = random.Random(seed)  # the same ones every time
    while True:
        key = chosen.choice(keys)
        number, team = f"{chosen.randrange(len(keys) * 10):06}", chosen.choice(("payments", "orders", "risk", "growth"))
        lists = {
            "first page": {},
            "search": {"q": f"{team} {number[:4]}"},
            "search by id": {"q": number},
            "filter": {"ownership": "orphaned", "usage": chosen.choice(("active", "dormant"))},
            "sort": {"sort": chosen.choice(("name", "-name", "owner"))},
        }
        for kind, query in lists.items():
            yield kind, f"/api/v1/identities?{urlencode({'limit': 50, **query})}"
        yield "findings", f"/api/v1/findings?{urlencode({'limit': 50, 'severity': 'high'})}"
        yield "identity", f"/api/v1/identities/{quote(key, safe='')}"


def load(server: Server, keys: Sequence[str], clients: int, seconds: float, pause: float = 0.0) -> list[Asked]:
    """What each of these clients waited, which ask again after a pause."""
    end = time.monotonic() + seconds

    def one(seed: int) -> list[Asked]:
        ask, waited = server.client(), list[Asked]()
        time.sleep(pause * seed / clients)
        for kind, path in _paths(keys, seed):
            started = time.monotonic()
            if started > end:
                return waited
            ask(path)
            took = time.monotonic() - started
            waited.append((kind, took))
            time.sleep(max(pause - took, 0.0))
        return waited

    with ThreadPoolExecutor(clients) as pool:
        return [asked for found in pool.map(one, range(clients)) for asked in found]


def _by_kind(asked: Sequence[Asked]) -> Mapping[str, list[float]]:
    kinds: dict[str, list[float]] = defaultdict(list)
    for kind, seconds in asked:
        kinds[kind].append(seconds)
    return {"all": [seconds for _, seconds in asked], **kinds}


def _shown(title: str, asked: Sequence[Asked], alone: Mapping[str, float] | None) -> Mapping[str, float]:
    """Print the numbers; returns the medians by kind."""
    medians = {}
    for kind, seconds in _by_kind(asked).items():
        medians[kind] = median(seconds)
        p95 = quantiles(seconds, n=20)[-1] if len(seconds) > 1 else seconds[0]
        ratio = f" ({medians[kind] / alone[kind]:.1f} × alone)" if alone else ""
        times = f"median {1e3 * medians[kind]:.0f} ms{ratio}, p95 {1e3 * p95:.0f} ms"
        print(f"  {title:22} {kind:13} {len(seconds):6,} × {times}", flush=True)
    return medians


def main() -> None:
    """Save an estate, serve it, and print what clients wait for."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    for database in (sqlite, postgresql):
        if database is postgresql and (lacking := postgres.missing()):
            print(f"{database.__name__}: left out, {lacking}")
            continue
        with database() as url:
            print(f"{database.__name__}, {count:,} identities", flush=True)
            _measure(url, judged(count))


def _measure(url: str, result: ScanResult) -> None:
    keys = [one.identity.key for one in result.identities[::10]]
    count = len(result.identities)
    with open_store(url) as store:
        store.save(result)
    del result
    started = time.monotonic()
    with serving(url) as server:
        print(f"  ready after {time.monotonic() - started:.0f} s, with {_peak(server):,.0f} MiB", flush=True)
        alone = _shown("1 client", load(server, keys, 1, SECONDS / 2), None)
        _shown(f"{CLIENTS} clients", load(server, keys, CLIENTS, SECONDS, pause=1.0), alone)
        before = server.cpu()
        most = load(server, keys, CLIENTS, SECONDS)
        _shown(f"{CLIENTS} without a pause", most, alone)
        print(f"  {1e3 * (server.cpu() - before) / len(most):.1f} ms of CPU a request", flush=True)
        saving = subprocess.Popen([sys.executable, "-m", "benchmarks.served", str(count), url])
        asked = list[Asked]()
        while saving.poll() is None:
            asked += load(server, keys, CLIENTS, SECONDS / 4, pause=1.0)
        _shown("while a scan is saved", asked, alone)
        print(f"  the most memory: {_peak(server):,.0f} MiB", flush=True)


def _peak(server: Server) -> float:
    """The most resident memory of the process so far, in MiB."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024


def save_another(count: int, url: str) -> None:
    """Save a second scan, in which one in a hundred identities has changed."""
    with open_store(url) as store:
        store.save(judged(count, changed=0.01))


if __name__ == "__main__":
    if len(sys.argv) > 2:  # a count and a store: what the benchmark starts beside its clients
        save_another(int(sys.argv[1]), sys.argv[2])
    else:
        main()
