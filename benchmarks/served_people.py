"""The memory of `muster serve` after 50 people: under 500 MiB for the process tree at 100,000 identities.

A real server behind a proxy that names people. Fifty sign in and read what people read: their lists with words, facets
and orders, identities, findings, changes, files. Ten of them are viewers, who also follow paths. The memory is what the
tree takes together, shared pages counted once (smaps_rollup), before, after, and a minute later.
``python -m benchmarks.served_people 300000`` takes another number of identities, ``--store URL`` a store.
"""

from __future__ import annotations

import argparse
import http.client
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote, urlencode

from benchmarks.estate import people
from benchmarks.judged import judged
from benchmarks.measure import proportional_memory
from scanner.store.store import open_store

COUNT, PEOPLE, VIEWERS, REQUESTS = 100_000, 50, 10, 40
SETTLED = 60.0
CONFIG = """
[[people]]
path = "people.csv"
[serve]
user_header = "X-User"
proxies = ["127.0.0.1"]
viewers = [{viewers}]
"""
LISTS = ("identities", "findings", "agents", "entries", "credentials", "changes")


def main() -> None:
    """Serve, read, and print the memory."""
    asked = argparse.ArgumentParser()
    asked.add_argument("identities", nargs="?", type=int, default=COUNT)
    asked.add_argument("--store")
    asked.add_argument("--settled", type=float, default=SETTLED)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, url = Path(name), given.store or f"sqlite:///{name}/muster.db"
        if given.store is None:
            with open_store(url) as store:
                store.save(judged(given.identities))
        measure(folder, url, given.settled)


def measure(folder: Path, url: str, settled: float) -> None:
    """Print the memory of a server over that store."""
    with open_store(url, create=False) as store:
        keys = [key for _, _, key, _ in store.memory.identities_of(["prod"])]
    emails = sorted(one.email for one in people())[:PEOPLE]
    written = "".join(f"{email},{email.partition('@')[0]},active\n" for email in emails)
    (folder / "people.csv").write_text(f"email,name,status\n{written}")
    viewers = ", ".join(f'"{email}"' for email in emails[:VIEWERS])
    (folder / "config.toml").write_text(CONFIG.format(viewers=viewers))
    command = (sys.executable, "-m", "scanner", "serve", "--store", url, "--listen", "127.0.0.1:0")
    began = time.monotonic()
    server = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)", server.stdout.readline())
        assert found is not None
        port = int(found[1])
        listening = time.monotonic() - began
        while _ask(port, emails[0], "/api/v1/identities?limit=1") != http.client.OK:
            time.sleep(0.5)
        print(f"  listening after {listening:.1f} s, indexed after {time.monotonic() - began:.1f} s", flush=True)
        _line("before", server.pid)
        with ThreadPoolExecutor(PEOPLE) as pool:
            counts = list(pool.map(lambda at: _read(port, emails[at], at, keys), range(PEOPLE)))
        wrong = sorted({status for count in counts for status in count if status >= http.client.BAD_REQUEST})
        print(f"  {len(emails)} people, {sum(map(len, counts)):,} answers; refused with {wrong or 'nothing'}")
        _line("after", server.pid)
        time.sleep(settled)
        _line(f"{settled:.0f} s later", server.pid)
        ended = time.monotonic()
        server.terminate()
        print(f"  ended after {time.monotonic() - ended:.1f} s with {server.wait()}")
    finally:
        server.kill()
        server.wait()


def _line(when: str, pid: int) -> None:
    status = Path(f"/proc/{pid}/status").read_text()
    kib = {name: int(size) for name, size in re.findall(r"(\w+):\s+(\d+) kB", status)}
    tree = proportional_memory(pid)
    print(
        f"  {when}: tree {tree:,.0f} MiB; server {kib['VmRSS'] / 1024:,.0f} MiB, of which its own "
        f"{kib['RssAnon'] / 1024:,.0f}; peak {kib['VmHWM'] / 1024:,.0f}",
        flush=True,
    )


def _read(port: int, person: str, at: int, keys: Sequence[str]) -> list[int]:
    """The statuses of what a person reads."""
    return [_ask(port, person, path) for path in _paths(random.Random(at), keys, is_viewer=at < VIEWERS)]


def _paths(chosen: random.Random, keys: Sequence[str], *, is_viewer: bool) -> Iterator[str]:
    yield from ("/", "/session", "/page/overview", "/api/v1/me")
    for _ in range(REQUESTS // 8):
        name = chosen.choice(LISTS)
        words = {"q": f"{chosen.choice(('payments', 'orders', 'risk'))} {chosen.randrange(99)}"}
        yield f"/page/list/{name}"
        yield f"/api/v1/{name}?{urlencode(words)}"
        yield f"/api/v1/identities?{urlencode({'ownership': 'orphaned', 'sort': chosen.choice(('name', '-severity'))})}"
        yield f"/api/v1/identities/{quote(chosen.choice(keys), safe='')}"
        yield f"/page/list/{name}?{urlencode(words)}"
        yield "/api/v1/owners"
        yield "/api/v1/scans"
        if is_viewer:
            yield f"/api/v1/paths?{urlencode({'from': chosen.choice(keys), 'to': 'admin'})}"
    if is_viewer:
        yield "/api/v1/chokes"
        yield "/export/identities.csv?ownership=orphaned"


def _ask(port: int, person: str, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    try:
        connection.request("GET", path, headers={"x-user": person})
        answer = connection.getresponse()
        while answer.read(1 << 16):
            pass
        return answer.status
    finally:
        connection.close()


if __name__ == "__main__":
    main()
