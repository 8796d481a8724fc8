"""Last use from Graph's reports: of applications and of keys, or unknown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from connectors.azure.usage.reading import credential_signs, principal_signs
from connectors.azure.usage.record import CredentialActivity, PrincipalActivity, UseRecord
from scanner.demo.fakes.azure.faults import Fault
from scanner.demo.fakes.azure.relations import add_agent, add_blueprint, add_credential_use, add_sign_in
from scanner.demo.fakes.azure.tenant import guid
from scanner.demo.fakes.azure.wire import refusal
from scanner.judging.usage import judge_usage
from tests.connectors.azure.estate import AzureEstate
from tests.connectors.azure.identities.conftest import TenantReading

REPORTS = "/beta/reports/"
NO_LICENCE = refusal("graph", 403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant")
NOW = datetime.now(UTC)
SITE = "/subscriptions/s-1/resourceGroups/rg/providers/Microsoft.Web/sites/shop"


def _ago(days: int) -> str:
    return (NOW - timedelta(days=days)).isoformat()


def _read(azure: AzureEstate, **facts: Any) -> TenantReading:
    return TenantReading(azure, **facts)


def _at(text: str) -> dict[str, str]:
    return {"lastSignInDateTime": text}


JANUARY, MARCH = "2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z"
CLIENT, RESOURCE = "applicationAuthenticationClientSignInActivity", "delegatedResourceSignInActivity"


@pytest.mark.parametrize(
    ("facts", "month", "used_as"),
    [
        ({}, None, None),
        ({"lastSignInActivity": None}, None, None),
        ({"lastSignInActivity": _at(MARCH)}, 3, None),
        ({"lastSignInActivity": _at(MARCH), CLIENT: _at(MARCH), RESOURCE: _at(JANUARY)}, 3, "client"),
        ({"lastSignInActivity": _at(MARCH), CLIENT: _at(JANUARY), RESOURCE: _at(MARCH)}, 3, "resource"),
        ({"lastSignInActivity": _at(MARCH), CLIENT: _at(JANUARY)}, 3, None),
        ({CLIENT: _at(JANUARY)}, 1, "client"),
        ({"lastSignInActivity": _at("0001-01-01T00:00:00Z")}, None, None),
        ({"lastSignInActivity": _at("soon")}, None, None),
        ({"lastSignInActivity": {**_at(JANUARY), "lastSuccessfulSignInDateTime": MARCH}}, 3, None),
    ],
)
def test_the_latest_of_all_activities_is_the_last_use(
    facts: dict[str, Any], month: int | None, used_as: str | None
) -> None:
    """Whatever it was used as; a year 1 represents never."""
    record = UseRecord.of(principal_signs(msgspec.convert({"appId": "A", **facts}, PrincipalActivity)), NOW, whole=True)

    sign = record.sign("a")
    assert (sign.at.month if sign else None, sign.used_as if sign else None) == (month, used_as)


@pytest.mark.parametrize(
    ("at", "hour"),
    [("2026-03-18T00:00:00-8:00", 8), ("2026-03-18T00:00:00-08:00", 8), ("2026-03-18T00:00:00.1234567Z", 0)],
)
def test_a_key_s_last_use_is_read_as_the_samples_write_it(at: str, hour: int) -> None:
    """Their offsets have one digit, where the published type wants two."""
    ((key, sign),) = credential_signs(msgspec.convert({"keyId": "K", "signInActivity": _at(at)}, CredentialActivity))

    assert (key, sign.at.hour) == ("k", hour)


def test_use_is_reported_of_applications_and_of_their_keys(azure: AzureEstate) -> None:
    """A key is used on several resources, of which the latest counts."""
    secrets = [{"keyId": guid("old")}, {"keyId": guid("used")}]
    shop = azure.tenant.add_application("shop", passwordCredentials=secrets)
    azure.tenant.add_application("idle", createdDateTime="2020-01-01T00:00:00Z")
    add_sign_in(azure.tenant, shop["appId"], _ago(3), succeeded=_ago(4))
    add_sign_in(azure.tenant, guid("gone long ago"), _ago(200))
    for days in (90, 7):
        add_credential_use(azure.tenant, shop, guid("used"), _ago(days))

    found = _read(azure).identities

    states = {name: judge_usage(one, window_days=90, now=NOW).state for name, one in found.items()}
    assert states == {"shop": "active", "idle": "dormant"}
    assert found["shop"].attributes["used_as"] == "client"
    assert found["shop"].attributes["last_successful_use"][:10] == _ago(4)[:10]
    keys = {one.id: (one.last_used_at, one.use_tracked_days) for one in found["shop"].credentials}
    assert keys == {guid("old"): (None, 90), guid("used"): (NOW - timedelta(days=7), 90)}


def test_no_one_is_called_unused_beyond_what_the_report_has(azure: AzureEstate) -> None:
    """Its oldest row is a week old: that is how far it is known to reach back."""
    azure.tenant.add_application("idle", createdDateTime="2020-01-01T00:00:00Z")
    add_sign_in(azure.tenant, guid("another"), _ago(7))

    verdict = judge_usage(_read(azure).identities["idle"], window_days=90, now=NOW)

    assert (verdict.state, "only 7 days" in verdict.evidence) == ("unknown", True)


def test_of_managed_identities_and_agents_absence_proves_nothing(azure: AzureEstate) -> None:
    """The reports do not promise to have each of them; one that they have was used."""
    blueprint = add_blueprint(azure.tenant, "helper")
    agent = add_agent(azure.tenant, "helper-1", blueprint)
    add_agent(azure.tenant, "helper-2", blueprint)
    site = azure.tenant.add_managed_identity(SITE, user_assigned=False)
    azure.tenant.add_managed_identity(f"{SITE}2", user_assigned=False)
    for client in (agent["appId"], site["appId"]):
        add_sign_in(azure.tenant, client, _ago(2))
    add_sign_in(azure.tenant, guid("old"), _ago(400))

    found = _read(azure).identities

    used = {name: one.last_used_at is not None for name, one in found.items()}
    assert used == {"helper": False, "helper-1": True, "helper-2": False, "shop": True, "shop2": False}
    assert {one.use_tracked_days for one in found.values()} == {None}


@pytest.mark.parametrize(("times", "status", "calls"), [(1, "complete", 2), (2, "not_offered", 2)])
def test_without_a_licence_use_is_unknown(azure: AzureEstate, times: int, status: str, calls: int) -> None:
    """Licensed tenants get that answer at times, too, so it is asked twice, and what was known stays; it is no gap."""
    azure.tenant.add_application("shop", createdDateTime="2020-01-01T00:00:00Z")
    for report in ("servicePrincipal", "appCredential"):
        azure.server.faults.add(Fault(service="graph", path=f"{REPORTS}{report}", reply=NO_LICENCE, times=times))

    found = _read(azure)

    assert found.gaps == {}
    reported = {
        name: (one.status, one.calls)
        for name, one in found.coverage.items()
        if name in ("graph.sign_ins", "graph.credential_use")
    }
    assert reported == dict.fromkeys(("graph.sign_ins", "graph.credential_use"), (status, calls))
    assert judge_usage(found.identities["shop"], window_days=90, now=NOW).state == "unknown"
    assert found.identities["shop"].unread == (() if status == "complete" else ("use",))


def test_where_large_pages_are_refused_smaller_ones_are_taken(azure: AzureEstate) -> None:
    """How large they may be is not published."""
    shop = azure.tenant.add_application("shop")
    add_sign_in(azure.tenant, shop["appId"], _ago(3))
    refused = refusal("graph", 400, "BadRequest", "The limit of '999' for Top query has been exceeded.")
    azure.server.faults.add(Fault(service="graph", path=rf"{REPORTS}.*top=999", reply=refused))

    found = _read(azure)

    assert found.gaps == {}
    assert found.identities["shop"].last_used_at == NOW - timedelta(days=3)


@pytest.mark.parametrize(("facts", "status"), [({"sign_ins": "off"}, "off"), ({"cloud": "china"}, "not_offered")])
def test_where_there_is_no_report_none_is_asked_for(azure: AzureEstate, facts: dict[str, Any], status: str) -> None:
    """Because the settings say so, or because that cloud has none."""
    found = _read(azure, **facts)

    assert {found.coverage[name].status for name in ("graph.sign_ins", "graph.credential_use")} == {status}
    assert not [call for call in azure.server.log if call.path.startswith(REPORTS)]


def test_a_report_that_was_not_read_whole_proves_no_disuse(azure: AzureEstate) -> None:
    """The row that is missing might be anyone's."""
    azure.is_hostile = True
    shop = azure.tenant.add_application("shop")
    add_sign_in(azure.tenant, shop["appId"], _ago(300))
    add_sign_in(azure.tenant, guid("x"), _ago(3))["appId"] = 7

    found = _read(azure)

    assert found.gaps == {"graph.sign_ins": "partial"}
    identity = found.identities["shop"]
    assert (identity.last_used_at, identity.use_tracked_days, identity.unread) == (
        NOW - timedelta(days=300),
        None,
        ("use",),
    )
