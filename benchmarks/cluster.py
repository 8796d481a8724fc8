"""Scopes and identities a second by threads and by 1, 2 and 4 Dask workers, with 20 ms a call.

``python -m benchmarks cluster [ACCOUNTS]`` reads two estates: 1,000 scopes of a source that only waits for its
provider, and accounts of an AWS organization (200 unless said otherwise), which also cost processor time. Each worker
is a process with 8 threads, as is the thread engine. What is timed is the reading, once the cluster is up; records come
back through the scheduler. Workers share the machine's cores with the server that stands in for AWS.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

from msgspec import Struct

from benchmarks.aws_organization import LATENCY, WORKERS, server
from benchmarks.waiting import Waiting, WaitingConnector
from connectors.core.contract import Connector
from tests.servers.moto_server import ENVIRONMENT

ACCOUNTS = 200
THREADS = 0
"""No cluster."""
NOWHERE = "-"


def main() -> None:
    """Read both estates by each of them, and print the ratios to threads."""
    accounts = int(next(iter(sys.argv[1:]), ACCOUNTS))
    print(f"{LATENCY * 1000:.0f} ms a call, {WORKERS} threads a process, {os.cpu_count()} cores")
    _compare(f"{Waiting().scopes} scopes that wait", Waiting().scopes, NOWHERE)
    with server(accounts) as (_, url):
        _compare(f"{accounts} AWS accounts", accounts, url)


def _compare(what: str, scopes: int, url: str) -> None:
    print(f"{what}:")
    by_threads = 0.0
    for workers in (THREADS, 1, 2, 4):
        command = [sys.executable, "-m", "benchmarks.cluster", url, str(workers)]
        done = subprocess.run(command, env={**os.environ, **ENVIRONMENT}, stdout=subprocess.PIPE, check=True, text=True)
        seconds, identities = map(float, done.stdout.split())
        by_threads = by_threads or seconds
        who = "threads" if workers == THREADS else f"{workers} worker{'s' if workers > 1 else ''}"
        print(
            f"{who:>11}: {seconds:6.1f} s, {scopes / seconds:6.1f} scopes/s, {identities / seconds:7.0f} identities/s"
            f" ({by_threads / seconds:.2f} × threads)",
            flush=True,
        )


def read(url: str, workers: int) -> None:
    """Read the estate, and print the seconds it took and how many identities it has."""
    from scanner.discovery.cluster import job_there
    from scanner.discovery.engine import job_here, readings_of, run

    connector, settings = _estate(url)
    with _executor(workers) as executor:
        job = (
            job_here("prod", connector, 3600, Event())
            if workers == THREADS
            else job_there("prod", connector, settings, scope_deadline=3600, shared_store=None)
        )
        started = time.perf_counter()
        outcomes = run([job], executor=executor, observer=_Nobody())
        readings = [reading for outcome in outcomes for reading in readings_of(outcome)]
        seconds = time.perf_counter() - started
    if any(coverage.is_gap for reading in readings for coverage in reading.coverage):
        raise RuntimeError("not all of it could be read")
    print(seconds, sum(reading.found for reading in readings))


def _estate(url: str) -> tuple[Connector, Struct]:
    if url == NOWHERE:
        return WaitingConnector("prod", Waiting()), Waiting()
    from connectors.aws.connector import AwsConnector
    from connectors.aws.settings import AwsSettings

    settings = AwsSettings(
        endpoint_url=url, regions=("eu-west-1",), resources=("secretsmanager",), organization_role="MusterAudit"
    )
    return AwsConnector("prod", settings), settings


class _Nobody:
    def planned(self, source: str, scopes: int) -> None:
        """Nothing is shown."""

    def done(self, reading: object) -> None:
        """Nothing is shown."""


@contextmanager
def _executor(workers: int) -> Iterator[Executor]:
    if workers == THREADS:
        with ThreadPoolExecutor(WORKERS) as executor:
            yield executor
        return
    import distributed

    from scanner.discovery.cluster import cluster_executor

    options: dict[str, Any] = {"dashboard_address": None, "silence_logs": 50}
    with distributed.LocalCluster(n_workers=workers, threads_per_worker=WORKERS, **options) as cluster:
        cluster.wait_for_workers(workers)
        with cluster_executor(cluster.scheduler_address) as executor:
            yield executor


if __name__ == "__main__":
    read(sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 2 else main()
