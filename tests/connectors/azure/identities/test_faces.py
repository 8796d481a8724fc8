"""What both faces of an application say together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.azure import sections as s
from connectors.azure.identities.applications import application
from connectors.azure.identities.faces import tags_of
from connectors.azure.usage.record import Sign, UseRecord
from scanner.demo.fakes.azure.tenant import guid
from tests.connectors.azure.identities.made import CLIENT, PRINCIPAL, REGISTRATION, both, found

Facts = dict[str, Any]


@pytest.mark.parametrize(
    ("principal", "registration", "enabled"),
    [
        ({}, {}, True),
        ({"accountEnabled": False}, {}, False),
        ({"accountEnabled": None}, {}, None),
        ({"isDisabled": True}, {}, False),
        ({}, {"isDisabled": True}, False),
        ({}, {"isDisabled": False}, True),
        ({"disabledByMicrosoftStatus": "DisabledDueToViolationOfServicesAgreement"}, {}, False),
        ({"disabledByMicrosoftStatus": "NotDisabled"}, {}, True),
        ({}, {"disabledByMicrosoftStatus": "DisabledDueToViolationOfServicesAgreement"}, False),
        (None, {}, None),
    ],
)
def test_either_face_can_be_switched_off(principal: Facts | None, registration: Facts, enabled: bool | None) -> None:
    """By its owner or by Microsoft."""
    assert application(found(), both(principal, registration)).enabled is enabled


@pytest.mark.parametrize(
    ("principal", "registration", "pairs", "words"),
    [
        (["env:prod"], [], {"env": "prod"}, []),
        (["env=prod", "team = shop"], [], {"env": "prod", "team": "shop"}, []),
        (["HideApp"], ["webApp"], {}, ["HideApp", "webApp"]),
        (["https://example.com"], [], {}, ["https://example.com"]),
        (["a:b:c"], [], {"a": "b:c"}, []),
        (["a=b:c"], [], {"a": "b:c"}, []),
        ([":x", "x:", ":", ""], [], {}, [":x", "x:", ":", ""]),
        (["env:prod"], ["env:test", "owner:ada"], {"env": "prod", "owner": "ada"}, []),
        (["same"], ["same"], {}, ["same"]),
    ],
)
def test_tags_that_read_as_pairs_are_pairs(
    principal: list[str], registration: list[str], pairs: dict[str, str], words: list[str]
) -> None:
    """Of both faces; the principal's goes before."""
    assert tags_of(both({"tags": principal}, {"tags": registration})) == (pairs, words)


@pytest.mark.parametrize(
    ("principal", "registration", "created"),
    [
        ({"createdDateTime": "2026-02-01T00:00:00Z"}, {"createdDateTime": "2026-01-01T00:00:00Z"}, 1),
        ({"createdDateTime": "2026-02-01T00:00:00Z"}, None, 2),
        ({}, {}, None),
        ({"createdDateTime": "never"}, None, None),
    ],
)
def test_it_is_as_old_as_its_registration(principal: Facts, registration: Facts | None, created: int | None) -> None:
    """Where that is here; else as old as its principal, if the service says that."""
    expected = None if created is None else datetime(2026, created, 1, tzinfo=UTC)

    assert application(found(), both(principal, registration)).created_at == expected


def test_both_faces_are_one_identity() -> None:
    """Known by either's id."""
    names = [CLIENT, "api://shop"]
    identity = application(found(), both({"servicePrincipalNames": names}, {"serviceManagementReference": "CI-7"}))

    assert (identity.kind, identity.unique_id) == ("service_principal", PRINCIPAL)
    assert identity.aliases == (CLIENT, REGISTRATION, "api://shop")
    assert identity.attributes["service_management_reference"] == "CI-7"
    assert identity.attributes["registration"] == "here"
    assert [one.subject for one in identity.token_subjects] == [PRINCIPAL, PRINCIPAL]


@pytest.mark.parametrize(
    ("deleted", "gaps", "expected"),
    [
        (False, set(), "missing"),
        (True, set(), "deleted"),
        (False, {s.APPLICATIONS}, None),
    ],
)
def test_a_principal_that_lost_its_registration_says_so(gaps: set[str], expected: str | None, *, deleted: bool) -> None:
    """Unless registrations could not be read; one in the bin can be had back."""
    until = datetime(2026, 12, 1, tzinfo=UTC)
    identity = application(found(gaps=gaps, deleted={CLIENT: until} if deleted else {}), both({}))

    assert identity.attributes.get("registration") == expected
    assert identity.attributes.get("restorable_until") == (until.isoformat() if deleted else None)


@pytest.mark.parametrize(
    ("gaps", "federated", "principal", "registration", "unread"),
    [
        (set(), True, {}, {}, ()),
        (set(), False, {}, {}, ("credentials", "trusts")),
        ({s.APPLICATIONS}, False, {}, None, ("credentials", "tags", "trusts")),
        ({s.APPLICATIONS}, False, {"appOwnerOrganizationId": guid("fabrikam")}, None, ()),
        ({s.SERVICE_PRINCIPALS}, True, None, {}, ("credentials", "permissions", "tags", "use")),
    ],
)
def test_what_a_gap_kept_from_us_is_said(
    gaps: set[str], principal: Facts | None, registration: Facts | None, unread: tuple[str, ...], *, federated: bool
) -> None:
    """Of each identity, and of those only that it touches."""
    known = {REGISTRATION: ()} if federated else {}

    assert application(found(gaps=gaps, federated=known), both(principal, registration)).unread == unread


@pytest.mark.parametrize(
    ("report", "keys", "unread"),
    [
        ("sign_ins", [], ("use",)),
        ("credential_use", [], ()),
        ("credential_use", [{"keyId": guid("secret")}], ("use",)),
    ],
)
def test_use_that_a_report_did_not_say_is_unread(
    report: str, keys: list[dict[str, str]], unread: tuple[str, ...]
) -> None:
    """Of credentials where it has some; what was known before stands, and with it that one is not used."""
    reported = found(federated={REGISTRATION: ()}, **{report: UseRecord(unread=True)})

    assert application(reported, both({"passwordCredentials": keys}, {})).unread == unread


@pytest.mark.parametrize(
    ("audience", "owner", "tracked"),
    [
        ("AzureADMyOrg", None, 200),
        ("AzureADMultipleOrgs", None, None),
        ("AzureADMultipleOrgs", guid("fabrikam"), 200),
    ],
)
def test_of_use_in_other_tenants_nothing_is_known(audience: str, owner: str | None, tracked: int | None) -> None:
    """So an own application that they take is never called unused; another's is, as it is used here."""
    now = datetime(2026, 11, 1, tzinfo=UTC)
    record = UseRecord.of([(guid("other"), Sign(at=now - timedelta(days=200)))], now, whole=True)
    facts: Facts = {"signInAudience": audience, "passwordCredentials": [{"keyId": guid("k")}]}
    faces = both({**facts, "appOwnerOrganizationId": owner}) if owner else both({}, facts)

    identity = application(found(sign_ins=record, credential_use=record), faces)

    assert identity.use_tracked_days == tracked
    assert [one.use_tracked_days for one in identity.credentials] == [tracked]


def test_whose_principal_was_not_read_is_not_judged() -> None:
    """The principal holds the rights, and says whether it can be used: neither harmless nor unused, then."""
    read = found(gaps={s.SERVICE_PRINCIPALS}, sign_ins=UseRecord(reach=30))

    one = application(read, both(None, {}))

    assert (one.privilege.level, one.use_tracked_days, one.enabled) == ("unknown", None, None)
    assert {"permissions", "use"} <= set(one.unread)
