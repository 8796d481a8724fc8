"""What an account is joined with, and what a gap keeps from it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.base import Meter, Scope
from connectors.gcp.accounts import CREDENTIALS, TRUSTS, USE, parse_account
from connectors.gcp.payloads import ServiceAccount
from connectors.gcp.places import Place as Unit
from connectors.gcp.places import ProjectRef
from connectors.gcp.reader import Reader
from connectors.gcp.spec import SPEC
from scanner.model import Credential, Trust
from tests.connectors.gcp.conftest import Place

PROD, DEV = ProjectRef(id="acme-prod", number="1111"), ProjectRef(id="acme-dev", number="2222")
ROW = ServiceAccount(email="a@acme-prod.iam.gserviceaccount.com", unique_id="1" * 21)
DAY = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def reader(place: Place) -> Reader:
    unit = Unit(kind="organization", name="organizations/1", bulk=True, projects=(PROD, DEV))
    scope = Scope(source="prod", spec=SPEC, id=unit.scope_id, context=unit)
    return Reader(place.api(), scope, Meter(), place.settings())


def test_an_account_is_joined_with_what_was_found_for_it(reader: Reader) -> None:
    """And with nothing of its neighbours."""
    credential = Credential(key="k", kind="access_key", id="1")
    trust = Trust(principal="p", kind="federated", evidence="e")
    reader.found.credentials[ROW.email].append(credential)
    reader.found.trusts[ROW.email].append(trust)
    reader.found.trusts["b@acme-prod.iam.gserviceaccount.com"].append(trust)
    reader.found.used[ROW.unique_id] = DAY
    reader.found.tracked["acme-prod"] = 400

    account = parse_account(reader, PROD, ROW)

    assert (account.credentials, account.trusts) == ((credential,), (trust,))
    assert (account.last_used_at, account.use_tracked_days) == (DAY, 400)


@pytest.mark.parametrize(
    ("section", "facts"),
    [
        *((name, ("credentials",)) for name in CREDENTIALS),
        *((name, ("trusts",)) for name in TRUSTS),
        *((name, ("use",)) for name in USE),
        ("workloads.run", ()),
    ],
)
def test_a_gap_of_one_project_is_that_project_s_alone(reader: Reader, section: str, facts: tuple[str, ...]) -> None:
    """A gap of the whole unit is everybody's."""
    one = reader.of_project(PROD)
    one.skipped(section, "why")
    reader.take_gaps(one)

    assert parse_account(reader, PROD, ROW).unread == facts
    assert parse_account(reader, DEV, ROW).unread == ()

    reader.skipped(section, "why")
    assert parse_account(reader, DEV, ROW).unread == facts
