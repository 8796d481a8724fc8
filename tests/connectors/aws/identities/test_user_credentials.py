"""Users' credentials besides passwords and access keys, and their second factors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.aws.identities.users import UserFacts
from scanner.judging.agents.verdict import judge_agent
from scanner.judging.nature import judge_nature
from scanner.model import Credential
from tests.connectors.aws.estate import Estate, arn
from tests.connectors.aws.identities.test_x509 import YEAR_2060, certificate
from tests.servers.fault_proxy import Fault
from tests.servers.wire import Wrong

LISTING = "iam:ListServiceSpecificCredentials"
MADE, ENDS = datetime(2026, 1, 2, tzinfo=UTC), datetime(2027, 1, 2, tzinfo=UTC)
BEDROCK, CODECOMMIT = "bedrock.amazonaws.com", "codecommit.amazonaws.com"
HAS_CERTIFICATE = {"cert_1_active": "true", "cert_1_last_rotated": "2020-01-01T00:00:00+00:00"}


def name_of(user: str, number: int = 1) -> str:
    """The id of a credential."""
    return f"ACCA{user.upper():X<16}{number}"


def credential(user: str, number: int = 1, *, service: str = BEDROCK, status: str = "Active", **more: Any) -> Any:
    """A row of the listing."""
    return {
        "ServiceSpecificCredentialId": name_of(user, number),
        "ServiceName": service,
        "UserName": user,
        "Status": status,
        "CreateDate": MADE,
        "ServiceUserName": f"{user}-at-service",
        **more,
    }


def listing(*rows: Any) -> Mapping[str, Any]:
    """The whole listing."""
    return {"ServiceSpecificCredentials": list(rows), "IsTruncated": False}


@pytest.mark.real_server
def test_api_keys_and_passwords_of_single_services_are_credentials(aws: Estate) -> None:
    """One listing gives them of all users; a key without an end never ends, and none has a record of its use."""
    for name in ("app", "git"):
        aws.user(name)
    rows = (
        credential("app", 1, ServiceCredentialAlias="chat"),
        credential("app", 2, ExpirationDate=ENDS),
        credential("app", 3, status="Expired", ExpirationDate=MADE),
        credential("git", service=CODECOMMIT, status="Inactive"),
        credential("nobody"),
        credential("git", 2, service="new-service.amazonaws.com"),
    )
    aws.proxy.made[LISTING] = lambda _: listing(*rows)

    found = aws.read_iam()

    app, git = found.identities["app"], found.identities["git"]
    assert [(one.kind, one.id, one.enabled, one.expires_at, one.never_expires) for one in app.credentials] == [
        ("api_key", name_of("app", 1), True, None, True),
        ("api_key", name_of("app", 2), True, ENDS, False),
        ("api_key", name_of("app", 3), False, MADE, False),
    ]
    assert [(one.kind, one.enabled, one.created_at) for one in git.credentials] == [
        ("service_specific", False, MADE),
        ("service_specific", True, MADE),
    ]
    assert app.credentials[0].attributes == {"service": BEDROCK, "alias": "chat"}
    assert (app.enabled, app.use_tracked_days, app.unread) == (True, None, ())
    assert (found.coverage["iam.service_credentials"].status, aws.proxy.calls[LISTING]) == ("complete", 1)


@pytest.mark.real_server
def test_anyone_who_holds_a_model_key_may_be_an_agent(aws: Estate) -> None:
    """The key alone hints at it; the right to call models besides makes it one. It is a machine either way."""
    aws.user("one")
    aws.user("two", allow="bedrock:InvokeModel")
    aws.user("ada", password=True)
    aws.user("logs")
    rows = (credential("one"), credential("two"), credential("ada"), credential("logs", service="logs.amazonaws.com"))
    aws.proxy.made[LISTING] = lambda _: listing(*rows)

    found = aws.read_iam().identities

    agents = {name: judge_agent(found[name]) for name in ("one", "two", "logs")}
    assert {name: verdict.is_agent for name, verdict in agents.items()} == {"one": False, "two": True, "logs": False}
    assert {name: len(verdict.signals) for name, verdict in agents.items()} == {"one": 1, "two": 2, "logs": 0}
    assert [signal.strength for signal in agents["one"].signals] == ["suggested"]
    assert [one.kind for one in found["logs"].credentials] == ["api_key"]
    assert judge_nature(found["logs"], None).verdict == "non_human"
    assert judge_nature(found["ada"], None).verdict == "mixed"


@pytest.mark.real_server
def test_the_listing_goes_on_over_pages(aws: Estate) -> None:
    """The SDK does not page through it by itself."""
    aws.user("app")

    def page(parameters: Mapping[str, str]) -> Mapping[str, Any]:
        at = int(parameters.get("Marker", 0))
        more = {"IsTruncated": at < 2, **({"Marker": str(at + 1)} if at < 2 else {})}
        return {**listing(credential("app", at)), **more}

    aws.proxy.made[LISTING] = page

    app = aws.read_iam().identities["app"]

    assert [one.id for one in app.credentials] == [name_of("app", 0), name_of("app", 1), name_of("app", 2)]
    assert aws.proxy.calls[LISTING] == 3


@pytest.mark.real_server
@pytest.mark.parametrize("unknown", [(), (CODECOMMIT,)], ids=["all are known", "one is not in this part of AWS"])
def test_where_a_service_must_be_named_each_is_asked_for(aws: Estate, unknown: tuple[str, ...]) -> None:
    """A service that is unknown there is left out; the coverage says which were asked for."""
    aws.user("app")

    def by_service(asked: Mapping[str, str]) -> Mapping[str, Any] | Fault:
        if asked.get("ServiceName") in (None, *unknown):
            return Fault("not_taken")
        return listing(*([credential("app")] if asked["ServiceName"] == BEDROCK else []))

    aws.proxy.made[LISTING] = by_service

    found = aws.read_iam()

    coverage = found.coverage["iam.service_credentials"]
    assert [one.id for one in found.identities["app"].credentials] == [name_of("app", 1)]
    assert coverage.status == "complete"
    assert (BEDROCK in (coverage.detail or ""), CODECOMMIT in (coverage.detail or "")) == (True, not unknown)


@pytest.mark.real_server
@pytest.mark.parametrize("kind", ["denied", "throttled", "not_taken"])
def test_without_the_listing_no_one_s_use_or_credentials_are_known(aws: Estate, kind: Any) -> None:
    """An API key that could not be seen may be what a user is used by: never dormant, never switched off."""
    aws.user("svc", keys=1)
    aws.user("empty")
    aws.proxy.fail(LISTING, Fault(kind))

    found = aws.read_iam()

    assert found.gaps == {"iam.service_credentials": "denied" if kind == "denied" else "failed"}
    users = (found.identities["svc"], found.identities["empty"])
    assert [(one.enabled, one.use_tracked_days, one.unread) for one in users] == [
        (True, None, ("credentials", "use")),
        (None, None, ("credentials", "use")),
    ]


@pytest.mark.real_server
def test_a_row_that_is_malformed_is_named(aws: Estate) -> None:
    """The other rows are read."""
    aws.user("app")
    bad = {key: value for key, value in credential("app", 2).items() if key != "Status"}
    aws.proxy.made[LISTING] = lambda _: Wrong(listing(credential("app"), bad))

    found = aws.read_iam()

    assert found.gaps == {"iam.service_credentials": "partial"}
    assert f"row {name_of('app', 2)} could not be read" in (found.coverage["iam.service_credentials"].detail or "")
    assert [one.id for one in found.identities["app"].credentials] == [name_of("app", 1)]


@pytest.mark.real_server
def test_signing_certificates_are_asked_for_of_those_who_have_some(aws: Estate) -> None:
    """The report counts them; of their bodies, the date on which they end is kept and nothing else."""
    for name in ("signer", "former", "plain"):
        aws.user(name)
    body = certificate(YEAR_2060, "someone")
    made = aws.iam.upload_signing_certificate(UserName="signer", CertificateBody=body)["Certificate"]
    aws.report(signer=HAS_CERTIFICATE, former={**HAS_CERTIFICATE, "cert_1_active": "false"})

    found = aws.read_iam()

    signer = found.identities["signer"]
    assert [(one.kind, one.id, one.enabled, one.expires_at) for one in signer.credentials] == [
        ("certificate", made["CertificateId"], True, YEAR_2060)
    ]
    assert (signer.enabled, signer.use_tracked_days) == (True, None)
    assert "BEGIN CERTIFICATE" not in repr(found.records)
    asked = [call.parameters["UserName"] for call in aws.proxy.log if call.operation == "iam:ListSigningCertificates"]
    assert sorted(asked) == ["former", "signer"]


@pytest.mark.real_server
def test_ssh_keys_are_asked_for_on_request_of_those_who_may_use_them(aws: Estate) -> None:
    """They open CodeCommit and nothing else: a user without a right to it is not asked about."""
    aws.user("ada", allow="codecommit:Git*")
    aws.user("root-like", allow="*")
    aws.user("svc", allow=("s3:GetObject", "codecommit:ListRepositories"))
    key = aws.iam.upload_ssh_public_key(UserName="ada", SSHPublicKeyBody="ssh-rsa AAAA")["SSHPublicKey"]

    off, on = aws.read_iam(), aws.read_iam(ssh_keys=True)

    assert (off.coverage["iam.ssh_keys"].status, on.coverage["iam.ssh_keys"].status) == ("off", "complete")
    assert (off.identities["ada"].credentials, off.identities["ada"].enabled) == ((), False)
    assert [(one.kind, one.id, one.never_expires) for one in on.identities["ada"].credentials] == [
        ("ssh_key", key["SSHPublicKeyId"], True)
    ]
    assert on.identities["ada"].enabled is True
    asked = [call.parameters["UserName"] for call in aws.proxy.log if call.operation == "iam:ListSSHPublicKeys"]
    assert sorted(asked) == ["ada", "root-like"]


@pytest.mark.real_server
@pytest.mark.parametrize(
    ("operation", "section", "settings"),
    [
        ("iam:ListSigningCertificates", "iam.signing_certificates", {}),
        ("iam:ListSSHPublicKeys", "iam.ssh_keys", {"ssh_keys": True}),
    ],
)
def test_one_user_s_refusal_is_reported_of_that_user(
    aws: Estate, operation: str, section: str, settings: dict[str, Any]
) -> None:
    """The others are read; what the one may hold is unknown."""
    for name in ("signer", "other"):
        aws.user(name, allow="*")
    aws.report(signer=HAS_CERTIFICATE, other=HAS_CERTIFICATE)
    aws.proxy.fail(operation, Fault("denied", user="other"))

    found = aws.read_iam(**settings)

    assert found.gaps == {section: "partial"}
    assert found.coverage[section].permission == operation
    assert {name for name, one in found.identities.items() if "credentials" in one.unread} == {"other"}


@pytest.mark.real_server
def test_second_factors_are_reported_by_their_sort(aws: Estate) -> None:
    """Virtual ones come in one listing, without their seeds; the others take a call for each who has one."""
    for name in ("virtual", "keyed", "token", "none"):
        aws.user(name, password=True)
    serial = aws.iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]
    aws.iam.enable_mfa_device(
        UserName="virtual",
        SerialNumber=serial["SerialNumber"],
        AuthenticationCode1="123456",
        AuthenticationCode2="234567",
    )
    devices = {"keyed": arn("u2f/user", "keyed/yubikey-K5R21XNN3Q5P"), "token": "GAHT12345678"}
    aws.report(keyed={"mfa_active": "true"}, token={"mfa_active": "true"})
    aws.proxy.made["iam:ListMFADevices"] = lambda asked: {
        "MFADevices": [{"UserName": asked["UserName"], "SerialNumber": devices[asked["UserName"]], "EnableDate": MADE}],
        "IsTruncated": False,
    }

    found = aws.read_iam()

    sorts = {name: one.attributes.get("second_factors") for name, one in found.identities.items() if one.kind == "user"}
    assert sorts == {"virtual": ["virtual"], "keyed": ["passkey"], "token": ["hardware"], "none": None}
    assert serial["Base32StringSeed"].decode() not in repr(found.records)
    calls = aws.proxy.calls
    assert (calls["iam:ListVirtualMFADevices"], calls["iam:ListMFADevices"]) == (1, 2)


def other(kind: Any = "api_key", *, enabled: bool = True) -> Credential:
    """A credential of which AWS records no use."""
    return Credential(key="k", kind=kind, id="i", enabled=enabled, attributes={"service": BEDROCK})


FACTS: dict[str, Any] = {"keys": (), "password": False}


@pytest.mark.parametrize(
    ("facts", "enabled", "tracked"),
    [
        pytest.param({}, False, True, id="none"),
        pytest.param({"others": (other(),)}, True, False, id="an active one: its use is not recorded"),
        pytest.param({"others": (other(enabled=False),)}, False, True, id="one that is switched off"),
        pytest.param({"others_known": False}, None, False, id="unread"),
        pytest.param({"others": (other(),), "others_known": False}, True, False, id="one seen, others unread"),
    ],
)
def test_what_other_credentials_say_of_their_user(facts: dict[str, Any], enabled: bool | None, tracked: bool) -> None:
    """Whether it can do anything, and whether "no use" would mean "never"."""
    found = UserFacts(**FACTS, **facts)

    assert (found.enabled, found.use_tracked) == (enabled, tracked)
