"""What is asked project by project in a bulk unit."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.core.contract import DiscoveredRecord, Meter, Scope
from connectors.gcp.client import requests as r
from connectors.gcp.client.payloads import Anything
from connectors.gcp.each import each_project, in_each
from connectors.gcp.identities.accounts import emit_accounts, list_accounts
from connectors.gcp.reader import GcpReader
from scanner.model import Coverage, Identity
from tests.connectors.gcp.conftest import Place


def _read_accounts(reader: GcpReader) -> Iterator[DiscoveredRecord]:
    yield from list_accounts(reader)
    yield from emit_accounts(reader)


def _reader(place: Place) -> GcpReader:
    (scope,) = (one for one in place.connector().scopes() if isinstance(one, Scope))
    meter = Meter()
    return GcpReader(place.api(meter), scope, meter, place.settings())


def test_each_project_ends_in_a_state_of_its_own(place: Place) -> None:
    """Denied in one, off in none, read in the other; calls are the project's."""
    reader = _reader(place)
    place.cloud.faults.deny(api="iam", place="projects/acme-dev")

    records = list(in_each(_read_accounts)(reader))

    coverage = {one.scope: (one.status, one.calls) for one in records if isinstance(one, Coverage)}
    assert coverage == {"acme-prod": ("complete", 1), "acme-dev": ("denied", 1)}
    assert [one.scope for one in records if isinstance(one, Identity)] == ["acme-prod"]
    assert reader.gaps == {"iam.service_accounts": {"acme-dev"}}


def test_an_api_that_is_off_in_one_project_is_reported_of_that_one(place: Place) -> None:
    """Its accounts are there all the same; those of the others are read."""
    reader = _reader(place)
    place.cloud.faults.disable_api("iam", "acme-dev", "2222")

    records = list(in_each(_read_accounts)(reader))

    assert {one.scope: one.status for one in records if isinstance(one, Coverage)} == {
        "acme-prod": "complete",
        "acme-dev": "failed",
    }


def test_projects_keep_their_order(place: Place) -> None:
    """More of them than are asked at once."""
    for number in range(40):
        place.cloud.add_project(f"p-{number:02}", str(9000 + number), "organizations/123456789012")
    reader = _reader(place)

    def ask(one: GcpReader) -> list[str]:
        project = one.place.project.id
        one.api.get(r.PROJECT, Anything, project=project)
        return [project]

    found = [(project.id, said) for project, said in each_project(reader, lambda one: iter(ask(one)))]

    assert [project for project, _ in found] == [one.id for one in reader.place.projects]
    assert all(project == said for project, said in found)
