"""How far back a report can be trusted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.azure.usage.record import Sign, UseRecord

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def _record(*days: float, whole: bool = True) -> UseRecord:
    signs = [(f"app-{number}", Sign(at=NOW - timedelta(days=ago))) for number, ago in enumerate(days)]
    return UseRecord.of(signs, NOW, whole=whole)


@pytest.mark.parametrize(
    ("days", "whole", "reach"),
    [
        ((), True, None),
        ((3,), True, 3),
        ((3, 200.9, 50), True, 200),
        ((3, 200), False, None),
        ((0.5,), True, 0),
        ((-1,), True, 0),
    ],
)
def test_a_report_reaches_as_far_back_as_its_oldest_row(
    days: tuple[float, ...], reach: int | None, *, whole: bool
) -> None:
    """No one says how far, and everything since that row is in it; one that was not read whole proves nothing."""
    assert _record(*days, whole=whole).reach == reach


def test_the_latest_use_under_any_id_counts() -> None:
    """Whatever the case of the ids."""
    record = _record(5, 2)

    assert record.last("APP-0", None, "app-1") == NOW - timedelta(days=2)
    assert record.last("App-0") == NOW - timedelta(days=5)
    assert record.last("app-7", None) is None


def test_shown_only_keeps_the_uses_and_proves_no_disuse() -> None:
    """For those whose absence means nothing."""
    record = _record(5).shown_only()

    assert (record.last("app-0"), record.reach) == (NOW - timedelta(days=5), None)


@given(days=st.lists(st.integers(0, 2000), min_size=1))
def test_no_use_that_is_recorded_lies_before_what_is_claimed(days: list[int]) -> None:
    """The claim is never longer than the record."""
    record = _record(*days)

    assert record.reach is not None
    assert record.reach == max(days)
