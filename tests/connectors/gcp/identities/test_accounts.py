"""What an account is joined with, and what a gap keeps from it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec import structs

from connectors.core.contract import Meter, Scope
from connectors.gcp.client.payloads import ServiceAccount
from connectors.gcp.identities.accounts import CREDENTIALS, ServiceAccountKey, parse_account, parse_account_key
from connectors.gcp.identities.other_credentials import HmacKey, parse_hmac_key
from connectors.gcp.reader import GcpReader
from connectors.gcp.rights.assignments import POLICIES
from connectors.gcp.spec import SPEC
from connectors.gcp.units import GcpUnit as Unit
from connectors.gcp.units import ProjectRef
from connectors.gcp.usage.activities import Use
from scanner.model import Credential, Trust
from tests.connectors.gcp.conftest import Place

PROD, DEV = ProjectRef(id="acme-prod", number="1111"), ProjectRef(id="acme-dev", number="2222")
ROW = ServiceAccount(email="a@acme-prod.iam.gserviceaccount.com", unique_id="1" * 21)
DAY = datetime(2026, 1, 2, tzinfo=UTC)
USE = Use(last_used_at=DAY, tracked_days=400)


@pytest.fixture
def reader(place: Place) -> GcpReader:
    unit = Unit(kind="organization", name="organizations/1", bulk=True, projects=(PROD, DEV))
    scope = Scope(source="prod", spec=SPEC, id=unit.scope_id, context=unit)
    return GcpReader(place.api(), scope, Meter(), place.settings())


def test_an_account_is_joined_with_what_was_found_for_it(reader: GcpReader) -> None:
    """And with nothing of its neighbours."""
    credential = Credential(key="k", kind="access_key", id="1")
    trust = Trust(principal="p", kind="federated", evidence="e")
    reader.found.accounts.facts[ROW.email].credentials.append(credential)
    reader.found.accounts.facts[ROW.email].trusts.append(trust)
    reader.found.accounts.facts["b@acme-prod.iam.gserviceaccount.com"].trusts.append(trust)
    reader.found.accounts.used[ROW.unique_id] = USE

    account = parse_account(reader, PROD, ROW)

    assert (account.credentials, account.trusts) == ((credential,), (trust,))
    assert (account.last_used_at, account.use_tracked_days) == (DAY, 400)


@pytest.mark.parametrize(
    ("section", "facts"),
    [
        *((name, ("credentials",) if name.startswith("iam") else ("credentials", "use")) for name in CREDENTIALS),
        (POLICIES, ("permissions", "trusts")),
        ("iam.roles", ()),
        ("iam.workload_identity_pools", ()),
        ("policyanalyzer.accounts", ("use",)),
        ("workloads.run", ()),
    ],
)
def test_a_gap_of_one_project_is_that_project_s_alone(reader: GcpReader, section: str, facts: tuple[str, ...]) -> None:
    """A gap of the whole unit is everyone's."""
    one = reader.of_project(PROD)
    one.skipped(section, "why")
    reader.take_gaps(one)

    assert parse_account(reader, PROD, ROW).unread == facts
    assert parse_account(reader, DEV, ROW).unread == ()

    reader.skipped(section, "why")
    assert parse_account(reader, DEV, ROW).unread == facts


@pytest.mark.parametrize("account", [ROW.email, ROW.unique_id])
def test_keys_that_users_manage_have_a_last_use(reader: GcpReader, account: str) -> None:
    """However the record of use names their account; of an HMAC key there is none."""
    key = parse_account_key("acme-prod", ROW.email, ServiceAccountKey(name="keys/1"))
    hmac = parse_hmac_key("acme-prod", HmacKey(access_id="2", service_account_email=ROW.email))
    reader.found.accounts.facts[ROW.email].credentials += [key, hmac]
    reader.found.accounts.keys_used |= {f"{account}/keys/1": USE, f"{account}/keys/2": USE}

    found = {one.id: (one.last_used_at, one.use_tracked_days) for one in parse_account(reader, PROD, ROW).credentials}

    assert found == {"1": (DAY, 400), "2": (None, None)}


def test_without_the_record_of_keys_their_use_is_unknown(reader: GcpReader) -> None:
    """Though that of accounts was read."""
    reader.found.accounts.facts[ROW.email].credentials.append(
        parse_account_key("acme-prod", ROW.email, ServiceAccountKey(name="keys/1"))
    )
    reader.found.accounts.used[ROW.unique_id] = USE
    reader.skipped("policyanalyzer.keys", "why")

    account = parse_account(reader, PROD, ROW)

    assert account.use_tracked_days == 400
    assert account.credentials[0].use_tracked_days is None


@pytest.mark.parametrize(
    ("email", "kind", "managed", "default"),
    [
        ("a@acme-prod.iam.gserviceaccount.com", "service_account", False, None),
        ("1111-compute@developer.gserviceaccount.com", "service_account", False, True),
        ("acme-prod@appspot.gserviceaccount.com", "service_account", False, True),
        ("1111@cloudbuild.gserviceaccount.com", "service_agent", True, None),
        ("1111@cloudservices.gserviceaccount.com", "service_agent", True, None),
        ("service-1111@gcp-sa-pubsub.iam.gserviceaccount.com", "service_agent", True, None),
        ("service-1111@compute-system.iam.gserviceaccount.com", "service_agent", True, None),
        ("a@legacy.example.com.iam.gserviceaccount.com", "service_account", False, None),
    ],
)
def test_an_address_says_what_an_account_is_for(
    reader: GcpReader, email: str, kind: str, managed: bool, default: bool | None
) -> None:
    """Google answers for its agents, and made the default accounts for whatever names none."""
    account = parse_account(reader, PROD, structs.replace(ROW, email=email))

    assert (account.kind, account.managed_by is not None) == (kind, managed)
    assert account.attributes.get("default_account") is default
