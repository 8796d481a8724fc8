"""Conditions: what still holds, what no longer does, and what no one can say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.gcp.rights.conditions import Expression, alternatives, outlook
from tests.connectors.gcp.rights.estate import NOW

PAST, FUTURE = 'timestamp("2025-01-01T00:00:00Z")', "timestamp('2027-01-01T00:00:00.123456789Z')"
BUCKET = 'resource.name.startsWith("projects/_/buckets/a")'


@pytest.mark.parametrize(
    ("text", "standing"),
    [
        ("", "always"),
        (f"request.time < {PAST}", "never"),
        (f"request.time <= {PAST}", "never"),
        (f"{PAST} > request.time", "never"),
        (f"request.time < {FUTURE}", "always"),
        (f"request.time > {PAST}", "always"),
        (f"request.time > {FUTURE}", "maybe"),
        (BUCKET, "maybe"),
        (f"request.time < {PAST} && {BUCKET}", "never"),
        (f"({BUCKET}) && (request.time < {PAST})", "never"),
        (f"(request.time < {PAST} && {BUCKET})", "never"),
        (f"request.time < {FUTURE} && {BUCKET}", "maybe"),
        (f"request.time < {PAST} || {BUCKET}", "maybe"),
        (f"!(request.time < {PAST})", "maybe"),
        (f"!({BUCKET} && request.time < {PAST})", "maybe"),
        (f"true ? {BUCKET} : request.time < {PAST}", "maybe"),
        (f"x ? y : z && request.time < {PAST}", "maybe"),
        ("request.time < timestamp('2025-01-01')", "maybe"),
        ("request.time < timestamp('soon')", "maybe"),
        ("request.time.getFullYear('Europe/Berlin') < 2025", "maybe"),
    ],
)
def test_only_a_moment_that_passed_ends_a_binding(text: str, standing: str) -> None:
    """Everything else may hold."""
    assert outlook(Expression(expression=text), NOW).standing == standing


@pytest.mark.parametrize(
    "text",
    [
        f"""resource.name != "x' && request.time < {PAST} && 'y" """,
        f"""resource.name != 'x && request.time < {PAST} && y'""",
        f'''resource.name != """x" && request.time < {PAST} && "y"""''',
        f"""resource.name != "\\" && request.time < {PAST} && " """,
        f"(a || request.time < {PAST} && b)",
        f"[a && request.time < {PAST}].size() == 1",
    ],
)
def test_no_one_hides_a_right_behind_a_moment_that_is_no_clause(text: str) -> None:
    """A condition is written by anyone who gives the right."""
    assert outlook(Expression(expression=text), NOW).standing == "maybe"


def test_a_binding_that_ends_says_when() -> None:
    """The earliest end counts."""
    found = outlook(
        Expression(expression=f"request.time < {FUTURE} && request.time < timestamp('2028-01-01T00:00:00Z')"), NOW
    )

    assert found.until == datetime(2027, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)


@given(st.text(alphabet="()&|!\"'ab<> \\"))
def test_any_text_can_be_looked_at(text: str) -> None:
    """And is never taken for a moment that has passed."""
    assert outlook(Expression(expression=text), NOW).standing in ("always", "maybe")
    alternatives(text)
