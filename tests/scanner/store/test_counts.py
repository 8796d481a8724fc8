"""What the store keeps of a caller's day."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from scanner.store.activity.counts import counts_of
from tests.contract.test_store_activity import ago, caller_day

BUSY = {f"read=s3:Get{number}": number for number in range(1, 7)}


@pytest.mark.parametrize(
    ("counts", "kept"),
    [
        (BUSY, "read=s3:Get1 read=s3:Get2 read=s3:Get3 read=s3:Get4"),
        (BUSY | {"write=s3:Put": 99}, "read=s3:Get1 read=s3:Get2 read=s3:Get3 write=s3:Put"),
        (BUSY | {"read=dynamodb:Scan": 900}, "read=dynamodb:Scan read=s3:Get1 read=s3:Get2 read=s3:Get3"),
        (BUSY | {"mark=off_host": 50}, "mark=off_host read=s3:Get1 read=s3:Get2 read=s3:Get3"),
        ({"read=s3:Get": 100, "network=a": 60, "network=b": 40}, "network=b read=s3:Get"),
        ({"read=s3:Get": 100, "network=a": 100, "client=boto3": 100}, "read=s3:Get"),
        ({"read=s3:Get": 100, "assumed_by=eve": 100}, "assumed_by=eve read=s3:Get"),
        ({f"read={service}:Get": 9 for service in "abcdefg"}, " ".join(f"read={service}:Get" for service in "abcdefg")),
    ],
)
def test_ids_of_events_are_kept_of_what_findings_are_about(counts: Mapping[str, int], kept: str) -> None:
    """The rarest action of each service, the rarest of several networks; nothing that all events have in common."""
    numbers = {text: number for number, text in enumerate(counts)}
    day = caller_day(
        ago(1),
        events=100,
        counts={text: (count, 0, 0) for text, count in counts.items()},
        samples={t: t for t in counts},
    )

    assert sorted(event for _, event in counts_of(day, numbers).samples) == kept.split()
