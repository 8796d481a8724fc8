"""A judged result of a synthetic estate, through the real pipeline."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from benchmarks.estate import NOW, entries, identities, people
from scanner.discovery.inventory import Inventory
from scanner.judging.last_known.remembered import Remembered
from scanner.judging.pipeline import Declared, judge
from scanner.matching.places import SourceRef
from scanner.model import Coverage, KnownFinding, ScanInfo, ScanResult


def judged(count: int, *, day: int = 0, changed: float = 0.0, before: ScanResult | None = None) -> ScanResult:
    """The estate on that day; so large a share of it has another description than on day 0, the scan ``before``."""
    estate = tuple(sorted(identities(count), key=lambda one: one.key))
    if changed:
        every = round(1 / changed)
        estate = tuple(
            msgspec.structs.replace(one, description="changed") if number % every == 0 else one
            for number, one in enumerate(estate)
        )
    scopes = sorted({one.scope for one in estate})
    coverage = tuple(
        Coverage(source="prod", provider="aws", scope=scope, section="iam.users", status="complete", kinds=("user",))
        for scope in scopes
    )
    moment = NOW + timedelta(days=day)
    return judge(
        Inventory(identities=estate, coverage=coverage),
        Declared(
            entries=tuple(entries(count // 10, count // 100)),
            people=people(),
            sources=(SourceRef(name="prod", provider="aws"),),
        ),
        Remembered()
        if before is None
        else Remembered(known={one.fingerprint: KnownFinding(one.first_seen, one.severity) for one in before.findings}),
        ScanInfo(id=f"scan-{day}-{changed}", started_at=moment, finished_at=moment, version="0"),
    )
