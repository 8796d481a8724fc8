"""What each view selects."""

from __future__ import annotations

import pytest

from reports.base import VIEWS, View
from reports.views import select
from tests.reports.samples import estate, provisional

ALL = ["deploy-pipeline", "ada", "legacy-admin", "support-agent", "approle/billing"]


@pytest.mark.parametrize(
    ("view", "identities", "entries", "rules", "secrets", "workloads"),
    [
        ("all", ALL, ["NHI-3", "NHI-7", "NHI-8"], 6, 1, 1),
        ("orphans", ["legacy-admin", "support-agent", "approle/billing"], ["NHI-3"], 4, 0, 1),
        ("unregistered", ["legacy-admin", "support-agent"], [], 3, 0, 1),
        ("findings", [name for name in ALL if name != "ada"], ["NHI-3", "NHI-7", "NHI-8"], 6, 0, 1),
        ("inventory", ALL, ["NHI-3", "NHI-7"], 5, 1, 1),
        ("registry", ["deploy-pipeline", "approle/billing"], ["NHI-3", "NHI-7", "NHI-8"], 3, 0, 0),
        ("credentials", ["legacy-admin"], [], 2, 1, 0),
        ("exposed", ["legacy-admin"], [], 2, 0, 0),
        ("coverage", [], [], 0, 0, 0),
    ],
)
def test_a_view_keeps_its_identities_and_what_they_refer_to(
    view: View, identities: list[str], entries: list[str], rules: int, secrets: int, workloads: int
) -> None:
    """Lists are filtered; nothing kept points at something left out."""
    seen = select(estate(), view)
    assert [judged.identity.name for judged in seen.identities] == identities
    assert [judged.entry.id for judged in seen.entries] == entries
    assert len(seen.findings) == rules
    assert (len(seen.secrets), len(seen.workloads)) == (secrets, workloads)
    assert {finding for judged in seen.identities for finding in judged.findings} <= {
        finding.fingerprint for finding in seen.findings
    }


@pytest.mark.parametrize("view", VIEWS)
def test_scan_summary_and_coverage_stay_whole(view: View) -> None:
    """No number without the gaps it was counted under."""
    result = estate()
    seen = select(result, view)
    assert (seen.scan, seen.summary, seen.coverage) == (result.scan, result.summary, result.coverage)


def test_provisional_orphans_are_orphans() -> None:
    """They are marked, not dropped."""
    assert len(select(provisional(estate()), "orphans").identities) == 3
