"""Reading stored data is of one level, whichever service stores it."""

from __future__ import annotations

import pytest

from connectors.gcp.rights.roles import GcpRoles
from connectors.gcp.rights.vocabulary import READ_DATA, vocabulary
from tests.connectors.gcp.rights.estate import assigned, bound

PROJECT = "projects/acme-prod"
READS = frozenset(vocabulary().high[READ_DATA])
SEVERAL = {
    "roles/bigquery.dataViewer", "roles/storage.objectViewer", "roles/spanner.databaseReader", "roles/bigtable.reader",
    "roles/datastore.user", "roles/pubsub.subscriber", "roles/healthcare.fhirResourceReader",
    "roles/logging.privateLogViewer", "roles/alloydb.admin",
}  # fmt: skip
KNOWN = GcpRoles()
READERS = sorted(name for name in vocabulary().known_roles if not READS.isdisjoint(KNOWN[name].permissions or ()))
"""Google's own roles that read data, of all that are known."""


def _level(role: str) -> tuple[str, str]:
    held, *_ = assigned(bound(PROJECT, role), roles={})
    return held.privilege.level, "; ".join(held.privilege.evidence)


def test_the_roles_of_every_service_are_walked() -> None:
    """Those of at least a dozen services, the ones that were told apart among them."""
    assert set(READERS) >= SEVERAL
    assert len({name.partition(".")[0] for name in READERS}) >= 12


@pytest.mark.parametrize("role", READERS)
def test_a_role_that_reads_data_is_high_or_worse(role: str) -> None:
    """Alike for all of them, and the evidence says so, unless the role is an administrator's."""
    level, evidence = _level(role)

    assert level == "high" or role == "roles/owner"
    assert "can read data on projects/acme-prod" in evidence or role == "roles/owner"


@pytest.mark.parametrize("permission", sorted(READS))
def test_any_custom_role_with_one_of_the_permissions_is_high(permission: str) -> None:
    """One permission suffices."""
    own = f"{PROJECT}/roles/own"
    (held,) = assigned(bound(PROJECT, own), roles={own: (permission,)})

    assert held.privilege.level == "high"
    assert permission in held.privilege.evidence[0]


@pytest.mark.parametrize("role", ["roles/pubsub.publisher", "roles/monitoring.viewer", "roles/artifactregistry.reader"])
def test_what_reads_no_stored_content_is_normal(role: str) -> None:
    """Measurements, and packages that are built to be run."""
    assert _level(role)[0] == "normal"
