"""What the last scan knew stands in for what this one could not read."""

from __future__ import annotations

import pytest

from scanner.continuity.remembered import with_unread_assignments
from scanner.matching.places import Places
from scanner.model import CoverageStatus
from tests.factories import make_assignment, make_coverage


@pytest.mark.parametrize(
    ("status", "now", "expected"), [("denied", None, True), ("complete", None, None), ("denied", False, False)]
)
def test_a_holder_that_was_gone_stays_so_while_nobody_can_tell(
    status: CoverageStatus, *, now: bool | None, expected: bool | None
) -> None:
    """The list of holders was denied, and the right was read."""
    places = Places([make_coverage(scope="s", status=status)])

    (found,) = with_unread_assignments([make_assignment(gone=now)], [make_assignment(gone=True)], places)

    assert found.gone is expected
