"""How old credentials are, in the steps of the chart."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reports.html.ages import AGES, age, ages
from scanner.model import StoredSecret
from tests.factories import ACCOUNT, NOW, days_ago, make_assessment, make_credential, make_identity, make_result


@pytest.mark.parametrize(
    ("since", "step"),
    [
        (days_ago(-5), "under 30 days"),
        (days_ago(29), "under 30 days"),
        (days_ago(30), "30 to 90 days"),
        (days_ago(90), "90 days to a year"),
        (days_ago(365), "1 to 2 years"),
        (days_ago(730), "over 2 years"),
        (None, "unknown"),
    ],
)
def test_each_step_ends_before_its_limit(since: datetime | None, step: str) -> None:
    """What is not yet made is young, and what no one dates is unknown."""
    assert age(since, NOW) == step


@given(st.none() | st.floats(-1e4, 1e4))
def test_every_age_is_a_step(days: float | None) -> None:
    """None falls between two."""
    assert age(None if days is None else days_ago(days), NOW) in AGES


def test_keys_and_stored_secrets_are_counted() -> None:
    """A secret by when its value was written, else by when it was made."""
    held = make_identity("svc", credentials=(make_credential("svc", "A", created_at=days_ago(40)),))
    never = StoredSecret(key="s", provider="aws", source="prod", scope=ACCOUNT, name="s", created_at=days_ago(400))
    rotated = replace(never, key="r", rotated_at=days_ago(3))

    counted = ages(make_result(make_assessment(held), secrets=(never, rotated)))
    assert counted == {"30 to 90 days": 1, "under 30 days": 1, "1 to 2 years": 1}
