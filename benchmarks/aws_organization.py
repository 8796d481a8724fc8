"""An organization of 1,000 accounts with 20 ms a call: wall clock against the bound, and memory against 100 accounts.

The bound is calls × latency ÷ scopes read at once (goal: 1.5 ×); peak memory should not grow with the accounts.
What is measured is the connector alone, as the engine drives it: each account's records are dropped once it is read.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from benchmarks.measure import run
from tests.servers.moto_server import ENVIRONMENT

ACCOUNTS, FEW = 1000, 100
LATENCY = 0.02
WORKERS = 8


def main() -> None:
    """Read the large organization and the small one, each in a process of its own, and print the ratios."""
    peaks = {}
    for accounts in (FEW, ACCOUNTS):
        with server(accounts) as (process, url):
            cost = run([sys.executable, "-m", "benchmarks.aws_organization", url], environment=ENVIRONMENT)
            process.terminate()
            calls = int(process.communicate()[0].split()[-1])
        bound = calls * LATENCY / WORKERS
        peaks[accounts] = cost.peak
        print(
            f"{accounts} accounts: {calls} calls ({calls / accounts:.1f} an account); wall {cost.wall:.1f} s "
            f"({cost.wall / bound:.2f} × {bound:.1f}, the bound with {WORKERS} scopes at once); "
            f"CPU {cost.cpu:.1f} s ({cost.cpu / calls * 1000:.1f} ms a call); peak {cost.peak:.0f} MiB"
        )
    print(f"peak memory of {ACCOUNTS} accounts: {peaks[ACCOUNTS] / peaks[FEW]:.2f} × that of {FEW}")


def read(url: str) -> None:
    """Read the organization behind the endpoint as a scan does, and keep nothing."""
    from connectors.aws.connector import AwsConnector
    from connectors.aws.settings import AwsSettings
    from scanner.discovery.engine import read_all

    settings = AwsSettings(endpoint_url=url, regions=("eu-west-1",), organization_role="MusterAudit")
    with ThreadPoolExecutor(WORKERS) as executor:
        readings = read_all(
            [("prod", AwsConnector("prod", settings))], executor=executor, scope_deadline=3600, observer=_Nobody()
        )
        identities = gaps = 0
        for reading in readings:
            identities += len(reading.identities)
            gaps += sum(coverage.is_gap for coverage in reading.coverage)
    if gaps or not identities:
        raise RuntimeError(f"{gaps} gaps among {identities} identities")


class _Nobody:
    def planned(self, source: str, scopes: int) -> None:
        """Nothing is shown."""

    def done(self, reading: object) -> None:
        """Nothing is shown."""


@contextmanager
def server(accounts: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """So many accounts alike, each answer held back a little: the process, and its address."""
    command = [sys.executable, "-m", "benchmarks.latency_server", str(accounts), str(LATENCY)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            if process.poll() is None:
                process.terminate()
                process.communicate()


if __name__ == "__main__":
    read(sys.argv[1]) if len(sys.argv) > 1 else main()
