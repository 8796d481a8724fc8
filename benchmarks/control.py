"""Who can become an admin, of all identities at once, as a share of judging them.

python -m benchmarks control [IDENTITIES]       1,000,000 by default

Accounts of 10,000 users, as in ``benchmarks.estate``. A fifth may assume others of their account, one of fifty an
identity of another account; one of a thousand is an admin. In each account twenty hold a right to become everybody, and
twenty a right to make everybody an admin: an edge for each pair would be 400,000 edges an account.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Iterator

from msgspec.structs import replace

from benchmarks.estate import NOW, entries, identities, people
from scanner.access.edges import resolve
from scanner.access.raised_privileges import raise_by_paths
from scanner.discovery.inventory import Inventory
from scanner.judging.last_known.remembered import Remembered
from scanner.judging.pipeline import Declared, judge
from scanner.matching.places import SourceRef
from scanner.model import Coverage, Identity, Link, Privilege, ScanInfo, Way

PER_ACCOUNT = 10_000
HOLDERS = 20


def main(arguments: list[str]) -> None:
    """Print one line for each part, and the share."""
    size = int(arguments[0]) if arguments else 1_000_000
    estate = tuple(linked(size))
    scopes = sorted({one.scope for one in estate})
    coverage = tuple(
        Coverage(source="prod", provider="aws", scope=scope, section="iam.users", status="complete", kinds=("user",))
        for scope in scopes
    )
    gc.collect()
    gc.freeze()  # as a scan does: see scanner.app.scanning
    started = time.process_time()
    resolved = resolve(estate, {}, (), coverage)
    edges = time.process_time() - started
    started = time.process_time()
    raised = raise_by_paths({one.key: one.privilege for one in estate}, resolved.edges, resolved.methods)
    levels = time.process_time() - started
    able = sum(one.level == "escalation" for one in raised.values())
    print(f"{size:,} identities: {len(resolved.edges):,} edges in {edges:.1f} s, levels in {levels:.1f} s of CPU")
    print(f"  {able:,} can escalate")
    del resolved, raised
    gc.collect()
    started = time.process_time()
    judge(
        Inventory(identities=estate, coverage=coverage),
        Declared(
            entries=tuple(entries(size // 10, size // 100)),
            people=people(),
            sources=(SourceRef(name="prod", provider="aws"),),
        ),
        Remembered(),
        ScanInfo(id="day-0", started_at=NOW, finished_at=NOW, version="0"),
    )
    whole = time.process_time() - started
    print(f"  {(edges + levels) / whole:.1%} of judging, which takes {whole:.1f} s of CPU", flush=True)


def linked(count: int) -> Iterator[Identity]:
    """The estate with links, ways and levels."""
    keys = [one.key for one in identities(count)]
    for number, one in enumerate(identities(count)):
        first = number - number % PER_ACCOUNT
        place = number - first
        targets = []
        if place % 5 == 0:
            targets.append(keys[min(first + (place * 7 + 1) % PER_ACCOUNT, count - 1)])
        if place % 50 == 1:
            targets.append(keys[(number + 3 * PER_ACCOUNT) % count])
        links = tuple(Link(relation="can_assume", target=key, evidence="its trust policy names it") for key in targets)
        everybody = (f"arn:aws:iam::{one.scope}:user/*",)
        ways: tuple[Way, ...] = ()
        if place % (PER_ACCOUNT // HOLDERS) == 3:
            ways = (Way(kind="become", on=everybody, by="iam:CreateAccessKey by policy Keys"),)
        elif place % (PER_ACCOUNT // HOLDERS) == 4:
            ways = (Way(kind="make_admin", on=everybody, by="iam:PutUserPolicy by policy Users"),)
        level = Privilege(level="admin" if place % 1_000 == 999 else "normal", evidence=("policy Own",))
        yield replace(one, links=links, reach=ways, privilege=level)


if __name__ == "__main__":
    main(sys.argv[1:])
