"""Roles Anywhere: machines outside AWS that come in with a certificate."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.aws.client.payloads import AwsAccount
from connectors.aws.client.session import AwsSession
from connectors.aws.identities.roles_anywhere import read_roles_anywhere
from connectors.aws.settings import AwsSettings
from connectors.aws.spec import ANCHORS, PROFILES, SPEC, SUBJECTS
from connectors.core.contract import Scope
from tests.connectors.aws.estate import Estate, Found, arn
from tests.connectors.aws.identities.test_x509 import YEAR_2060, certificate
from tests.servers.fault_proxy import Fault, FaultKind
from tests.servers.moto_server import ACCOUNT
from tests.servers.wire import Wrong

pytestmark = pytest.mark.real_server

REGION = "eu-west-1"
MADE, SEEN = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC)
LISTINGS = {
    "rolesanywhere:ListTrustAnchors": ANCHORS,
    "rolesanywhere:ListProfiles": PROFILES,
    "rolesanywhere:ListSubjects": SUBJECTS,
}


def its_arn(kind: str, number: int) -> str:
    """An ARN of the service."""
    return f"arn:aws:rolesanywhere:{REGION}:{ACCOUNT}:{kind}/{its_id(number)}"


def its_id(number: int) -> str:
    """An id of the service's."""
    return f"00000000-0000-0000-0000-{number:012}"


def anchor(number: int = 1, **source: Any) -> dict[str, Any]:
    """A trust anchor."""
    return {
        "trustAnchorId": its_id(number),
        "trustAnchorArn": its_arn("trust-anchor", number),
        "name": f"factory-{number}",
        "enabled": True,
        "createdAt": MADE,
        "source": source or {"sourceType": "AWS_ACM_PCA", "sourceData": {"acmPcaArn": "arn:aws:acm-pca:x"}},
    }


BUNDLE = {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": certificate(YEAR_2060)}}
PROFILE = {
    "profileId": its_id(7),
    "profileArn": its_arn("profile", 7),
    "name": "robots",
    "enabled": True,
    "roleArns": [arn("role", "b"), arn("role", "a")],
    "sessionPolicy": '{"not": "kept"}',
    "createdBy": arn("user", "ada"),
    "createdAt": MADE,
}
SUBJECT = {
    "subjectId": its_id(9),
    "subjectArn": its_arn("subject", 9),
    "x509Subject": "CN=robot-9",
    "enabled": True,
    "createdAt": MADE,
    "lastSeenAt": SEEN,
}


def made(aws: Estate, *anchors: Any) -> None:
    """A region with these anchors, a profile and a subject."""
    aws.proxy.made["rolesanywhere:ListTrustAnchors"] = lambda _: {"trustAnchors": list(anchors)}
    aws.proxy.made["rolesanywhere:ListProfiles"] = lambda _: {"profiles": [PROFILE]}
    aws.proxy.made["rolesanywhere:ListSubjects"] = lambda _: {"subjects": [SUBJECT]}


def read(aws: Estate) -> Found:
    """The region's."""
    session = AwsSession(AwsSettings(endpoint_url=aws.proxy.url, max_attempts=1))
    scope = Scope(source="prod", spec=SPEC, id=ACCOUNT, part=REGION)
    return Found(list(read_roles_anywhere(scope, session, AwsAccount(source="prod", account=ACCOUNT))))


def test_anchors_and_subjects_are_identities_and_profiles_lead_to_roles(aws: Estate) -> None:
    """An anchor ends with its certificates; a subject's last time is known."""
    made(aws, anchor(1), anchor(2, **BUNDLE))

    found = read(aws)

    assert found.gaps == {}
    own, bundled = found.identities["factory-1"], found.identities["factory-2"]
    assert (own.kind, own.enabled, own.privilege.level, own.credentials) == ("trust_anchor", True, "normal", ())
    assert own.attributes == {
        "region": REGION, "certificates": "AWS_ACM_PCA", "certificate_authority": "arn:aws:acm-pca:x",
    }  # fmt: skip
    assert [(one.kind, one.expires_at, one.enabled) for one in bundled.credentials] == [
        ("certificate", YEAR_2060, True)
    ]
    robot = found.identities["CN=robot-9"]
    assert (robot.kind, robot.unique_id, robot.last_used_at) == ("rolesanywhere_subject", its_id(9), SEEN)
    profile = found.workloads["robots"]
    assert (profile.runs_as, profile.created_by) == ((arn("role", "a"), arn("role", "b")), arn("user", "ada"))
    assert not any(word in repr(found.records) for word in ("BEGIN CERTIFICATE", "kept"))
    assert [aws.proxy.calls[operation] for operation in LISTINGS] == [1, 1, 1]
    assert sum(one.calls for one in found.coverage.values()) == 3


def test_without_an_anchor_no_one_comes_in_and_nothing_more_is_asked(aws: Estate) -> None:
    """One call for such a region; it says why the other two sections are empty."""
    made(aws)

    found = read(aws)

    assert {name.partition(":")[0]: one.status for name, one in found.coverage.items()} == dict.fromkeys(
        LISTINGS.values(), "complete"
    )
    assert "no trust anchor" in (found.coverage[f"{SUBJECTS}:{REGION}"].detail or "")
    assert aws.proxy.calls.total() == 1


def test_the_service_says_how_its_pages_go_on(aws: Estate) -> None:
    """Its own token, which is not called as others call theirs."""

    def page(asked: Mapping[str, str]) -> Mapping[str, Any]:
        at = int(asked.get("nextToken", 0))
        return {"trustAnchors": [anchor(at + 1)], **({"nextToken": str(at + 1)} if at < 2 else {})}

    made(aws)
    aws.proxy.made["rolesanywhere:ListTrustAnchors"] = page

    assert {name for name in read(aws).identities if name.startswith("factory")} == {
        "factory-1", "factory-2", "factory-3",
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["denied", "throttled", "error", "portal"])
@pytest.mark.parametrize("operation", LISTINGS)
def test_a_listing_that_fails_is_its_section_s_gap(aws: Estate, operation: str, kind: FaultKind) -> None:
    """The others are read: also where it is unknown whether there are anchors."""
    made(aws, anchor())
    aws.proxy.fail(operation, Fault(kind))

    found = read(aws)

    section = f"{LISTINGS[operation]}:{REGION}"
    assert found.gaps == {section: "denied" if kind == "denied" else "failed"}
    assert found.coverage[section].permission == (operation if kind == "denied" else None)
    assert sum(one.identities for one in found.coverage.values()) == 2


def test_a_region_without_the_service_is_no_gap(aws: Estate) -> None:
    """The emulator does not have it: that is asked once."""
    found = read(aws)

    assert [one.status for one in found.coverage.values()] == ["not_offered"] * 3
    assert aws.proxy.calls.total() == 1


def test_a_malformed_row_is_named(aws: Estate) -> None:
    """The other anchors are read."""
    made(aws, anchor())
    bad = {**anchor(2), "trustAnchorArn": None}
    aws.proxy.made["rolesanywhere:ListTrustAnchors"] = lambda _: Wrong(trustAnchors=[bad, anchor()])

    found = read(aws)

    assert found.gaps == {f"{ANCHORS}:{REGION}": "partial"}
    assert f"row {its_id(2)} could not be read" in (found.coverage[f"{ANCHORS}:{REGION}"].detail or "")
    assert "factory-1" in found.identities
