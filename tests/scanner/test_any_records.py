"""Records may come from anybody's connector or another machine's shard: whatever is in them, a scan has a result."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from scanner.model import Assignment, Coverage, Identity, StoredSecret, Workload
from tests.connectors.hostile import told
from tests.examples import examples
from tests.scanner.history.strategies import of

RECORDS = st.one_of(*(of(kind) for kind in (Identity, Identity, StoredSecret, Workload, Assignment, Coverage)))


@examples(6)
@given(st.lists(RECORDS, max_size=6))
def test_any_records_can_be_judged_kept_and_told(records: list[Any]) -> None:
    """As far as their types allow."""
    told(records)
