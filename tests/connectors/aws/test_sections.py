"""Each section of the account: its operation refused, missing or failing; and how few calls all of them take."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.aws.spec import SPEC
from tests.connectors.aws.estate import Estate, Found, arn
from tests.connectors.aws.identities.test_x509 import YEAR_2060, certificate
from tests.servers.fault_proxy import Fault, FaultKind, Made
from tests.servers.wire import Wrong

pytestmark = pytest.mark.real_server

OPTIONS: dict[str, Any] = {"ssh_keys": True, "service_last_accessed": True, "creators": True}
DAY = datetime(2026, 11, 1, tzinfo=UTC)
# What only the wire says, in place of the emulator.
ANSWERS: dict[str, Any] = {
    "iam:ListServiceSpecificCredentials": {"ServiceSpecificCredentials": [], "IsTruncated": False},
    "iam:GetOutboundWebIdentityFederationInfo": {"JwtVendingEnabled": False},
    "iam:ListDelegationRequests": {"DelegationRequests": [], "isTruncated": False},
    "iam:GenerateServiceLastAccessedDetails": {"JobId": "0" * 36},
    "iam:GetServiceLastAccessedDetails": {
        "JobStatus": "COMPLETED", "JobCreationDate": DAY, "JobCompletionDate": DAY, "ServicesLastAccessed": [],
    },
    "cloudtrail:LookupEvents": {"Events": []},
    "iam:ListMFADevices": {
        "MFADevices": [{"UserName": "ada", "SerialNumber": "GAHT12345678", "EnableDate": DAY}], "IsTruncated": False,
    },
}  # fmt: skip
# Every operation by which a section is read, besides those that others stand in for (see test_faults).
OPERATIONS = {
    "iam:ListRoles": "iam.role_details",
    "iam:ListServiceSpecificCredentials": "iam.service_credentials",
    "iam:ListSigningCertificates": "iam.signing_certificates",
    "iam:ListSSHPublicKeys": "iam.ssh_keys",
    "iam:ListVirtualMFADevices": "iam.mfa_devices",
    "iam:ListMFADevices": "iam.mfa_devices",
    "iam:ListOpenIDConnectProviders": "iam.oidc_providers",
    "iam:GetOpenIDConnectProvider": "iam.oidc_providers",
    "iam:ListSAMLProviders": "iam.saml_providers",
    "iam:GetSAMLProvider": "iam.saml_providers",
    "iam:ListServerCertificates": "iam.server_certificates",
    "iam:ListInstanceProfiles": "iam.instance_profiles",
    "iam:GetOutboundWebIdentityFederationInfo": "iam.outbound_federation",
    "iam:ListDelegationRequests": "iam.delegation_requests",
    "iam:GenerateServiceLastAccessedDetails": "iam.service_last_accessed",
    "iam:GetServiceLastAccessedDetails": "iam.service_last_accessed",
    "cloudtrail:LookupEvents": "cloudtrail.creators",
}


def fill(estate: Estate) -> dict[str, Made]:
    """Put one of everything into the account. What answers in its place."""
    estate.user("ada", keys=1, password=True, allow="*")
    estate.user("svc", keys=2)
    estate.user("empty")
    estate.role("worker")
    described = {"Description": "moves data", "MaxSessionDuration": 7200}
    estate.iam.create_role(RoleName="described", AssumeRolePolicyDocument="{}", **described)
    estate.iam.create_role(RoleName="silent", AssumeRolePolicyDocument="{}")
    estate.iam.upload_signing_certificate(UserName="ada", CertificateBody=certificate(YEAR_2060))
    estate.iam.create_open_id_connect_provider(Url="https://gitlab.com", ClientIDList=["x"])
    estate.iam.create_saml_provider(Name="okta", SAMLMetadataDocument="x" * 1024)
    estate.iam.upload_server_certificate(ServerCertificateName="www", CertificateBody="x", PrivateKey="y")
    estate.iam.create_instance_profile(InstanceProfileName="machines")
    estate.report(ada={"mfa_active": "true", "cert_1_active": "true"})
    return estate.proxy.made | {operation: always(answer) for operation, answer in ANSWERS.items()}


def always(answer: Any) -> Made:
    """The same answer to every request."""
    return lambda _: answer


@pytest.fixture
def estate(account: Estate) -> Estate:
    """One of everything, behind a proxy without faults."""
    account.proxy.made |= account.hold(fill)
    return account


def read(estate: Estate, **settings: Any) -> Found:
    """All of it, the optional included."""
    return estate.read_iam(**{**OPTIONS, **settings})


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_denied_operation_names_its_permission(estate: Estate, operation: str) -> None:
    """It is a gap of its own section and of no other; every user and role is still there."""
    estate.proxy.fail(operation, Fault("denied"))

    found = read(estate)

    section = OPERATIONS[operation]
    assert set(found.gaps) == {section}
    assert found.coverage[section].permission == operation
    assert operation in SPEC.section(section).permissions
    assert {"ada", "svc", "empty", "worker", "root"} <= set(found.identities)


def apart(operations: Iterable[str]) -> list[tuple[str, ...]]:
    """Groups of operations, no two of one section: what becomes of each shows although all of a group fail at once."""
    groups: list[dict[str, str]] = []
    for operation in operations:
        section = OPERATIONS[operation]
        group = next((one for one in groups if section not in one), None)
        if group is None:
            groups.append(group := {})
        group[section] = operation
    return [tuple(group.values()) for group in groups]


# A server that lists providers and cannot report on one is none of AWS's: what it keeps back is a gap.
@pytest.mark.parametrize(
    "operations", apart(sorted(OPERATIONS.keys() - {"iam:GetOpenIDConnectProvider", "iam:GetSAMLProvider"}))
)
def test_an_operation_that_is_not_there_is_no_gap_and_not_tried_again(
    estate: Estate, operations: tuple[str, ...]
) -> None:
    """An older server, or another part of AWS, does not have it: a fact, not a fault."""
    for operation in operations:
        estate.proxy.fail(operation, Fault("not_offered"))

    found = read(estate, max_attempts=4)

    assert found.gaps == {}
    for operation in operations:
        assert found.coverage[OPERATIONS[operation]].status == "not_offered", operation
        assert estate.proxy.calls[operation] == 1, operation


@pytest.mark.parametrize("kind", ["throttled", "error", "close", "portal", "malformed"])
@pytest.mark.parametrize("operations", apart(OPERATIONS))
def test_an_operation_that_fails_is_its_section_s_gap(
    estate: Estate, operations: tuple[str, ...], kind: FaultKind
) -> None:
    """Whatever goes wrong: never an empty listing, and nothing else is lost."""
    for operation in operations:
        estate.proxy.fail(operation, Fault(kind))

    found = read(estate)

    assert set(found.gaps) == {OPERATIONS[operation] for operation in operations}
    assert set(operations) <= set(estate.proxy.calls)
    assert {"ada", "svc", "empty", "worker", "root"} <= set(found.identities)


@pytest.mark.parametrize(
    ("operation", "answer", "words"),
    [
        pytest.param("iam:ListRoles", {"Roles": [{"Arn": "arn:bad"}]}, "row arn:bad", id="a role"),
        pytest.param("iam:ListVirtualMFADevices", {"VirtualMFADevices": [{"Base32StringSeed": b"seed"}]},
                     "row without a name", id="a second factor"),
        pytest.param("iam:ListSAMLProviders", {"SAMLProviderList": [{"CreateDate": DAY}]}, "row without a name",
                     id="a SAML provider"),
        pytest.param("iam:ListServerCertificates", {"ServerCertificateMetadataList": [{"ServerCertificateName": "c"}]},
                     "row c", id="a server certificate"),
        pytest.param("iam:ListInstanceProfiles", {"InstanceProfiles": [{"InstanceProfileName": "p"}]}, "row p",
                     id="an instance profile"),
        pytest.param("iam:ListSigningCertificates", {"Certificates": [{"CertificateId": "c"}]},
                     "iam:ListSigningCertificates of ada", id="a user's certificate"),
        pytest.param("iam:ListSSHPublicKeys", {"SSHPublicKeys": [{"Status": "Active"}]}, "iam:ListSSHPublicKeys of ada",
                     id="a user's SSH key"),
        pytest.param("iam:ListMFADevices", {"MFADevices": [{"UserName": "ada"}]}, "iam:ListMFADevices of ada",
                     id="a user's device"),
        pytest.param("iam:GetOpenIDConnectProvider", {"Tags": [{"Key": "k"}]}, arn("oidc-provider", "gitlab.com"),
                     id="what a provider is"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(estate: Estate, operation: str, answer: dict[str, Any], words: str) -> None:
    """A gap of its section that says which row, or whose; never a traceback, and no secret in the words."""
    estate.proxy.made[operation] = lambda _: Wrong(answer)

    found = read(estate)

    assert set(found.gaps) == {OPERATIONS[operation]}
    detail = found.coverage[OPERATIONS[operation]].detail or ""
    assert words in detail
    assert "seed" not in detail


def test_all_that_is_in_an_account_takes_the_fewest_calls(estate: Estate) -> None:
    """One for each listing; for a user, only what the report says that there is; for a provider, the one that says."""
    found = read(estate)

    assert found.gaps == {}
    assert {name: count for name, count in estate.proxy.calls.items() if name != "sts:GetCallerIdentity"} == {
        "iam:GenerateCredentialReport": 1,
        "iam:GetAccountAuthorizationDetails": 1,
        "iam:GetCredentialReport": 1,
        "iam:ListRoles": 1,
        "iam:ListAccessKeys": 2,
        "iam:GetAccountSummary": 1,
        "iam:ListServiceSpecificCredentials": 1,
        "iam:ListSigningCertificates": 1,
        "iam:ListSSHPublicKeys": 1,
        "iam:ListVirtualMFADevices": 1,
        "iam:ListMFADevices": 1,
        "iam:GenerateServiceLastAccessedDetails": 1,
        "iam:GetServiceLastAccessedDetails": 1,
        "cloudtrail:LookupEvents": 8,
        "iam:ListOpenIDConnectProviders": 1,
        "iam:GetOpenIDConnectProvider": 1,
        "iam:ListSAMLProviders": 1,
        "iam:GetSAMLProvider": 1,
        "iam:ListServerCertificates": 1,
        "iam:ListInstanceProfiles": 1,
        "iam:GetOutboundWebIdentityFederationInfo": 1,
        "iam:ListDelegationRequests": 1,
    }
    assert sum(one.calls for one in found.coverage.values()) == estate.proxy.calls.total() - 1


def test_optional_sections_are_off_and_cost_nothing(estate: Estate) -> None:
    """They are shown, so that a reader knows what was not asked for; a gap they are not."""
    found = estate.read_iam()

    off = {name for name, one in found.coverage.items() if one.status == "off"}
    assert off == {section.name for section in SPEC.sections if section.optional and section.name in off}
    assert off == {"iam.ssh_keys", "iam.service_last_accessed", "cloudtrail.creators"}
    assert found.gaps == {}
    assert not {"iam:ListSSHPublicKeys", "iam:GenerateServiceLastAccessedDetails"} & set(estate.proxy.calls)


def test_roles_are_described(estate: Estate) -> None:
    """What they are for, how long a session lasts and what template they come from: the large listing lacks that."""
    roles = read(estate).identities

    assert (roles["described"].description, roles["described"].attributes["session_seconds"]) == ("moves data", 7200)
    assert (roles["silent"].description, roles["silent"].attributes["session_seconds"]) == (None, 3600)


def test_a_role_s_template_is_reported(estate: Estate) -> None:
    """The emulator knows no templates. A role that is newer than the large listing is left for the next scan."""
    role = {"Path": "/", "RoleId": "A" * 16, "CreateDate": DAY}
    template = {"TemplateArn": "arn:aws:iam::aws:role-template/t", "TemplateMinorVersion": 1}
    estate.proxy.made["iam:ListRoles"] = lambda _: {
        "Roles": [
            {
                **role,
                "RoleName": "worker",
                "Arn": arn("role", "worker"),
                "SourceRoleTemplate": template,
                "Description": "",
            },
            {**role, "RoleName": "newer", "Arn": arn("role", "newer")},
        ],
        "IsTruncated": False,
    }

    found = read(estate)

    worker = found.identities["worker"]
    assert (worker.attributes["template"], worker.description) == (template["TemplateArn"], None)
    assert "newer" not in found.identities


def test_nothing_secret_is_in_what_comes_out(estate: Estate) -> None:
    """Neither certificates nor seeds nor metadata documents."""
    found = read(estate)

    assert not [word for word in ("BEGIN CERTIFICATE", "x" * 100, "Seed") if word in repr(found.records)]
