"""What Resource Manager shows, where it says odd things of what is above."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.gcp.scopes import LISTING
from scanner.model import Coverage, Identity
from tests.connectors.gcp.conftest import Place

BILLING = "//iam.googleapis.com/projects/acme-prod/serviceAccounts/billing@acme-prod.iam.gserviceaccount.com"


@pytest.mark.parametrize(
    ("parent", "gaps"), [("", 0), (None, 0), ("projects/1", 1), ("organizations/ 1", 1), ("folders/..", 1)]
)
@pytest.mark.parametrize("facts", [{}, {"projects": "acme-prod"}], ids=["searched", "named"])
def test_no_project_is_lost_for_what_it_says_is_above_it(
    place: Place, parent: str | None, gaps: int, facts: dict[str, Any]
) -> None:
    """An emulator may write nothing there. Of what is no organization and no folder the policy is not known: a gap."""
    place.cloud.projects["acme-prod"]["parent"] = parent

    records = place.scan(**facts)

    assert BILLING in {one.key for one in records if isinstance(one, Identity)}
    found = [one for one in records if isinstance(one, Coverage) and one.is_gap and one.section == LISTING]
    assert len(found) == gaps


@pytest.mark.parametrize(("parent", "gaps"), [("", 0), ("projects/1", 1)])
@pytest.mark.parametrize(
    "facts", [{}, {"folders": "456"}, {"projects": "acme-prod"}], ids=["searched", "named", "above a named one"]
)
def test_no_folder_is_lost_for_what_it_says_is_above_it(
    place: Place, parent: str, gaps: int, facts: dict[str, Any]
) -> None:
    """Nor what is below it."""
    for folder in place.cloud.folders.values():
        folder["parent"] = parent
    if facts:  # searches are behind by minutes
        place.cloud.faults.deny(api="cloudresourcemanager", place="folders:search")

    records = place.scan(**facts)

    assert BILLING in {one.key for one in records if isinstance(one, Identity)}
    reported = [str(one.detail) for one in records if isinstance(one, Coverage) and one.section == LISTING]
    assert len([detail for detail in reported if "is its parent" in detail]) == gaps
