"""Rights by project: one whose policies could not be read hides nothing that was revoked in another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from scanner.app.scanning import Run, conclude
from scanner.demo.fakes.gcp.cloud import Cloud
from scanner.discovery.inventory import ScopeReading, join
from scanner.judging.pipeline import Declared
from scanner.matching.places import SourceRef
from scanner.model import Assignment, Coverage, Identity, ScanResult
from scanner.store.store import Store
from tests.connectors.gcp.conftest import Place
from tests.connectors.gcp.rights.company import ORGANIZATION, bind, company
from tests.connectors.gcp.rights.estate import BUILDER
from tests.databases import empty_store, sqlite_file
from tests.factories import NOW

VIEWER = "roles/logging.viewer"


@pytest.fixture
def place(start: Callable[[Cloud], Place]) -> Place:
    """The company, where the search for policies is denied, so that each is requested."""
    place = start(company())
    place.cloud.faults.deny(part=":searchAllIamPolicies")
    bind(place.cloud, "projects/acme-prod", {VIEWER: [BUILDER]})
    bind(place.cloud, "projects/acme-dev", {VIEWER: [BUILDER]})
    return place


def night(store: Store, number: int, place: Place) -> ScanResult:
    """A scan of the company."""
    records = list(place.scan())
    reading = ScopeReading(
        source="prod",
        scope=ORGANIZATION,
        identities=tuple(one for one in records if isinstance(one, Identity)),
        assignments=tuple(one for one in records if isinstance(one, Assignment)),
        coverage=tuple(one for one in records if isinstance(one, Coverage)),
    )
    declared = Declared(sources=(SourceRef(name="prod", provider="gcp"),))
    run = Run(scan_id=f"night-{number}", started=NOW + timedelta(days=number))
    return conclude(store, join([reading], {"prod": 0}), declared, run, lists=(), accept_drop=True)


def viewed(result: ScanResult) -> set[str | None]:
    """Where the builder may view."""
    return {
        one.grant.resource for one in result.assignments if (one.holder, one.grant.name) == (BUILDER, VIEWER)
    }  # fmt: skip


@pytest.mark.parametrize("denied", ["projects/acme-dev:getIamPolicy", "folders/45:getIamPolicy"])
def test_what_was_revoked_in_a_project_that_was_read_is_gone(place: Place, denied: str) -> None:
    """What was revoked in one that could not be read stays as last seen."""
    store = empty_store(sqlite_file)
    before = viewed(night(store, 0, place))
    for project in ("acme-prod", "acme-dev"):
        bind(place.cloud, f"projects/{project}", {})
    place.cloud.faults.deny(part=denied)

    after = night(store, 1, place)

    assert before == {"projects/acme-prod", "projects/acme-dev"}
    assert viewed(after) == ({"projects/acme-dev"} if "acme-dev" in denied else set())
    rows = {one.scope: one for one in after.coverage if one.section == "iam.policies"}
    gap = rows["acme-dev"] if "acme-dev" in denied else rows[ORGANIZATION]
    assert [one for one in rows.values() if one.is_gap] == [gap]
    assert gap.permission is not None
    assert not gap.feeds_within  # others may have rights there
