"""Each operation denied, throttled, broken off: the right gap, nothing invented, nothing lost that was read."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from connectors.aws.client.iam_calls import order_report, read_report
from connectors.aws.client.session import AwsSession
from connectors.aws.settings import AwsSettings
from connectors.core.contract import Meter
from scanner.errors import SourceError
from tests.connectors.aws.estate import Estate, Found, arn, document
from tests.servers.fault_proxy import Fault, FaultKind

pytestmark = pytest.mark.real_server

DETAILS = "iam:GetAccountAuthorizationDetails"
LISTED = ("iam.users", "iam.roles", "iam.groups", "iam.policies")
USERS = {"deploy", "build", "ada"}
ROLES = {"worker", "runner"}


@pytest.fixture
def estate(account: Estate) -> Estate:
    """Three users, two of them with a key, two roles and a secret."""
    account.hold(fill)
    return account


def fill(aws: Estate) -> None:
    """Put it there."""
    aws.user("deploy", keys=1, allow="*")
    aws.user("build", keys=1)
    aws.user("ada", password=True)
    aws.role("worker", allow="*")
    aws.role("runner", trusts={"AWS": arn("user", "build")})
    aws.secret("db")


def names(found: Found) -> set[str]:
    """Users and roles that were found."""
    return {name for name, each in found.identities.items() if each.kind != "root"}


SECRETS = {"secretsmanager.secrets:eu-west-1", "secretsmanager.secrets:us-east-1"}
SERVED = {
    "iam:GenerateCredentialReport": {"iam.credential_report"},
    "iam:GetCredentialReport": {"iam.credential_report"},
    "iam:ListAccessKeys": {"iam.access_keys"},
    "iam:GetAccountSummary": {"iam.root"},
    "secretsmanager:ListSecrets": SECRETS,
}
"""Operations, and the sections that each serves."""


@pytest.mark.parametrize("operation", SERVED)
def test_one_denied_operation_is_a_gap_of_its_section(estate: Estate, operation: str) -> None:
    """Only the section that the operation serves is a gap; every user and role is still found, with its rights."""
    estate.proxy.fail(operation, Fault("denied"))

    found = estate.read()

    assert found.gaps == dict.fromkeys(SERVED[operation], "denied")
    assert names(found) == USERS | ROLES
    assert found.identities["deploy"].privilege.level == "admin"
    assert operation in {found.coverage[section].permission for section in SERVED[operation]}


@pytest.mark.parametrize("kind", ["throttled", "error", "close", "truncated", "malformed", "portal"])
@pytest.mark.parametrize(
    "operations", [SERVED.keys() - {"iam:GenerateCredentialReport"}, SERVED.keys() - {"iam:GetCredentialReport"}]
)
def test_failing_operations_are_gaps_of_their_sections(estate: Estate, operations: set[str], kind: FaultKind) -> None:
    """Also where others fail as well: whatever else is there is found."""
    for operation in operations:
        estate.proxy.fail(operation, Fault(kind))

    found = estate.read()

    assert found.gaps == dict.fromkeys(set().union(*(SERVED[operation] for operation in operations)), "failed")
    assert names(found) == USERS | ROLES
    assert found.identities["deploy"].privilege.level == "admin"


@pytest.mark.parametrize("kind", ["throttled", "error", "close", "truncated", "malformed", "portal"])
def test_a_listing_that_fails_outright_finds_no_one_and_says_so(estate: Estate, kind: FaultKind) -> None:
    """Not one user or role, and four sections that have failed: never an empty account."""
    estate.proxy.fail(DETAILS, Fault(kind))

    found = estate.read()

    assert names(found) == set()
    assert found.gaps == dict.fromkeys(LISTED, "failed")


def test_a_denied_listing_falls_back_to_names(estate: Estate) -> None:
    """Users and roles are found by the smaller listings; what those do not give is unknown, not absent."""
    estate.proxy.fail(DETAILS, Fault("denied"))
    estate.proxy.page_size = 2

    found = estate.read()

    assert names(found) == USERS | ROLES
    assert found.gaps == {
        "iam.users": "partial", "iam.roles": "partial", "iam.groups": "denied", "iam.policies": "denied",
    }  # fmt: skip
    assert {found.coverage[section].permission for section in LISTED} == {DETAILS}
    assert "without tags" in (found.coverage["iam.users"].detail or "")
    assert {found.identities[name].privilege.level for name in USERS | ROLES} == {"unknown"}
    assert found.identities["worker"].use_tracked_days is None
    assert [link.target for link in found.identities["build"].links] == [arn("role", "runner")]
    assert len(found.identities["deploy"].credentials) == 1


@pytest.mark.parametrize("operation", ["iam:ListUsers", "iam:ListRoles"])
def test_a_fallback_that_is_denied_too_is_denied(estate: Estate, operation: str) -> None:
    """What neither listing gives is denied; the other kind is still found."""
    estate.proxy.fail(DETAILS, Fault("denied"))
    estate.proxy.fail(operation, Fault("denied"))

    found = estate.read()

    lost = "iam.users" if operation == "iam:ListUsers" else "iam.roles"
    assert found.coverage[lost].status == "denied"
    assert names(found) == (ROLES if operation == "iam:ListUsers" else USERS)


@pytest.mark.parametrize("kind", ["denied", "throttled", "error", "close", "truncated", "malformed", "portal"])
def test_a_later_page_that_fails_keeps_what_was_read(estate: Estate, kind: FaultKind) -> None:
    """The first page's users stay, the four sections are partial, and no other listing is begun."""
    estate.proxy.page_size = 2
    estate.proxy.fail(DETAILS, Fault(kind, from_page=2))

    found = estate.read()

    assert len(names(found)) == 2
    assert names(found) <= USERS
    assert found.gaps == dict.fromkeys(LISTED, "partial")
    assert estate.proxy.calls["iam:ListUsers"] == 0


def test_a_policy_on_an_unread_page_makes_privilege_unknown(aws: Estate) -> None:
    """A user whose attached policy was not read has no known privilege, whatever its other policies say."""
    made = aws.iam.create_policy(PolicyName="late", PolicyDocument=document("logs:*"))["Policy"]["Arn"]
    aws.user("early", allow="s3:ListBucket")
    aws.iam.attach_user_policy(UserName="early", PolicyArn=made)
    aws.proxy.page_size = 1
    aws.proxy.fail(DETAILS, Fault("throttled", from_page=2))

    early = aws.read().identities["early"]

    assert early.privilege.level == "unknown"
    assert "policy late (direct) could not be read" in early.privilege.evidence


def test_without_the_report_every_fact_is_asked_for_singly(estate: Estate) -> None:
    """Keys, their use, passwords and second factors come from calls for each user."""
    estate.proxy.fail("iam:GenerateCredentialReport", Fault("denied"))

    found = estate.read()

    assert found.gaps == {"iam.credential_report": "denied"}
    assert found.coverage["iam.passwords"].status == "complete"
    ada, deploy = found.identities["ada"], found.identities["deploy"]
    assert [credential.kind for credential in ada.credentials] == ["password"]
    assert (ada.enabled, ada.use_tracked_days, ada.attributes["mfa_active"]) == (True, 3650, False)
    assert deploy.credentials[0].use_tracked_days == 3650
    calls = estate.proxy.calls
    assert (calls["iam:ListAccessKeys"], calls["iam:GetAccessKeyLastUsed"], calls["iam:GetLoginProfile"]) == (3, 2, 3)


def test_use_that_could_not_be_read_is_never_no_use(estate: Estate) -> None:
    """Without report and key use, a user's use is unknown: not dormant, not never used."""
    estate.proxy.fail("iam:GetCredentialReport", Fault("denied"))
    estate.proxy.fail("iam:GetAccessKeyLastUsed", Fault("denied"))

    found = estate.read()

    assert found.gaps == {"iam.credential_report": "denied", "iam.access_keys": "partial"}
    assert found.identities["deploy"].use_tracked_days is None
    assert found.identities["deploy"].credentials[0].use_tracked_days is None


def test_keys_that_cannot_be_listed_are_counted_from_the_report(estate: Estate) -> None:
    """No key is made up; the user is enabled and its use is known, for the report gives both."""
    estate.proxy.fail("iam:ListAccessKeys", Fault("denied"))

    deploy = estate.read().identities["deploy"]

    assert (deploy.credentials, deploy.enabled, deploy.use_tracked_days) == ((), True, 3650)
    assert deploy.attributes["active_keys"] == 1


def test_one_throttled_item_costs_that_item_alone(estate: Estate) -> None:
    """A single refusal loses one user's keys, says how many of how many, and keeps the rest."""
    estate.proxy.fail("iam:ListAccessKeys", Fault("throttled", times=1))

    found = estate.read()

    assert found.gaps == {"iam.access_keys": "partial"}
    assert "1 of 2 users' access keys" in (found.coverage["iam.access_keys"].detail or "")
    assert sum(len(found.identities[name].credentials) for name in ("deploy", "build")) == 1


def test_throttling_that_ends_is_no_gap(estate: Estate) -> None:
    """Retries carry over a short refusal, and every attempt is counted."""
    estate.proxy.fail(DETAILS, Fault("throttled", times=1))

    found = estate.read(max_attempts=3)

    assert found.gaps == {}
    assert estate.proxy.calls[DETAILS] == 2
    assert sum(each.calls for each in found.coverage.values()) == estate.proxy.calls.total()


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK tries again at once, as often as it would."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _seconds: None))


@pytest.mark.usefixtures("no_pauses")
def test_after_a_call_was_given_up_the_next_are_tried_three_times(estate: Estate) -> None:
    """While AWS refuses everything for load, each further call does not wait through all of its attempts again."""
    for operation in (DETAILS, "iam:GenerateCredentialReport"):
        estate.proxy.fail(operation, Fault("throttled"))

    found = estate.read(max_attempts=5)

    assert {*LISTED, "iam.credential_report"} <= found.gaps.keys()
    calls = estate.proxy.calls
    assert (calls["iam:GenerateCredentialReport"], calls[DETAILS]) == (5, 3)


@pytest.mark.usefixtures("no_pauses")
def test_once_a_call_is_answered_the_next_are_tried_as_often_as_ever(estate: Estate) -> None:
    """The listing came through: what follows has all of its attempts."""
    estate.proxy.fail("iam:GenerateCredentialReport", Fault("throttled"))
    estate.proxy.fail("iam:GetAccountSummary", Fault("throttled"))

    found = estate.read(max_attempts=5)

    assert found.gaps == dict.fromkeys(("iam.credential_report", "iam.root"), "failed")
    assert estate.proxy.calls["iam:GetAccountSummary"] == 5


def test_a_denial_for_everybody_does_not_cost_a_call_for_everybody(aws: Estate) -> None:
    """After some refusals in a row the remaining users are not asked for."""
    for number in range(40):
        aws.user(f"user-{number}", keys=1)
    aws.proxy.fail("iam:ListAccessKeys", Fault("denied"))

    found = aws.read()

    assert found.gaps == {"iam.access_keys": "denied"}
    assert "40 of 40" in (found.coverage["iam.access_keys"].detail or "")
    assert aws.proxy.calls["iam:ListAccessKeys"] < 20


def test_the_cause_of_a_denial_is_reported(estate: Estate) -> None:
    """A refusal by a service control policy names it: no grant in the account will help."""
    text = "User: x is not authorized to perform: iam:ListAccessKeys with an explicit deny in a service control policy"
    estate.proxy.fail("iam:ListAccessKeys", Fault("denied", message=text))

    gap = estate.read().coverage["iam.access_keys"]

    assert gap.permission == "iam:ListAccessKeys"
    assert "explicit deny in a service control policy" in (gap.detail or "")


def test_an_operation_that_is_not_there_is_no_gap_and_not_retried(estate: Estate) -> None:
    """A server without Secrets Manager is a fact about it, asked for once a region."""
    estate.proxy.fail("secretsmanager:ListSecrets", Fault("not_offered"))

    found = estate.read(max_attempts=5)

    assert found.gaps == {}
    assert found.coverage["secretsmanager.secrets:eu-west-1"].status == "not_offered"
    assert estate.proxy.calls["secretsmanager:ListSecrets"] == 2


def test_a_user_deleted_meanwhile_is_gone(estate: Estate) -> None:
    """Its keys answer "no such user": it is neither an identity any more nor an error."""
    estate.proxy.fail("iam:ListAccessKeys", Fault("gone", times=1))

    found = estate.read()

    assert found.gaps == {}
    assert len(names(found) & {"deploy", "build"}) == 1


def test_a_report_that_takes_its_time_is_waited_for(estate: Estate) -> None:
    """While it is being made it is asked for again, and is no gap."""
    iam = AwsSession(AwsSettings(endpoint_url=estate.proxy.url)).client("iam", "eu-west-1", Meter())
    order_report(iam)
    estate.proxy.fail("iam:GetCredentialReport", Fault("not_ready", times=2))

    report, _ = read_report(iam, pause=0.01)

    assert len(report.rows) == 3
    assert estate.proxy.calls["iam:GetCredentialReport"] == 3


def test_a_report_that_never_comes_is_given_up(estate: Estate) -> None:
    """After the time allowed it is a failure, which names that time."""
    iam = AwsSession(AwsSettings(endpoint_url=estate.proxy.url)).client("iam", "eu-west-1", Meter())
    estate.proxy.fail("iam:GetCredentialReport", Fault("not_ready"))

    with pytest.raises(SourceError, match=r"not ready after 0\.05 seconds"):
        read_report(iam, patience=0.05, pause=0.02)


def test_regions_that_cannot_be_listed_leave_the_session_s_own(estate: Estate) -> None:
    """The home region is read, and the gap says that others may exist."""
    estate.proxy.fail("ec2:DescribeRegions", Fault("denied"))

    found = estate.read(regions="all")

    assert found.gaps == {"ec2.regions": "denied"}
    assert set(found.secrets) == {"db"}
    assert "secret" in found.coverage["ec2.regions"].kinds


def test_a_named_region_that_is_not_enabled_is_no_gap(estate: Estate) -> None:
    """The same refusal is a gap in a region that the account has, and a fact in one that it has not opted into."""
    estate.proxy.fail("secretsmanager:ListSecrets", Fault("expired"))

    found = estate.read(regions=("eu-west-1", "ap-east-1"))

    assert found.gaps == {"secretsmanager.secrets:eu-west-1": "failed"}
    disabled = found.coverage["secretsmanager.secrets:ap-east-1"]
    assert (disabled.status, disabled.detail) == ("not_offered", "region ap-east-1 is not enabled")


def test_a_region_of_which_nothing_is_reported_stays_a_gap(estate: Estate) -> None:
    """Credentials that are refused in one region prove nothing about the region by themselves."""
    estate.proxy.fail("secretsmanager:ListSecrets", Fault("expired"))
    estate.proxy.fail("ec2:DescribeRegions", Fault("denied"))

    found = estate.read(regions=("ap-east-1",))

    assert found.gaps == {"secretsmanager.secrets:ap-east-1": "failed"}
    assert "region is not enabled" in (found.coverage["secretsmanager.secrets:ap-east-1"].detail or "")


def test_a_caller_that_is_refused_is_one_gap_over_everything(estate: Estate) -> None:
    """An expired token ends it before anything is listed."""
    estate.proxy.fail("sts:GetCallerIdentity", Fault("expired"))

    found = estate.read()

    (gap,) = found.records
    assert found.gaps == {"sts.account": "failed"}
    assert "expired" in repr(gap)


def test_preflight_names_each_missing_permission(estate: Estate) -> None:
    """A line for each permission; the refused ones say what is lost and what to allow."""
    estate.proxy.fail("iam:ListAccessKeys", Fault("denied"))

    checks = {check.name: check for check in estate.connector().check()}

    assert [name for name, check in checks.items() if not check.ok] == ["iam:ListAccessKeys"]
    assert checks["iam:ListAccessKeys"].fix == "allow iam:ListAccessKeys"
    assert checks["credentials"].detail == "account 123456789012"
    assert checks["iam:GetLoginProfile"].ok


def test_preflight_takes_a_service_that_the_region_has_not_got_for_no_problem(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its address does not exist, while others answer: nothing to be allowed."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", estate.proxy.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:9")

    checks = {check.name: check for check in estate.connector(endpoint_url=None).check()}

    assert [name for name, check in checks.items() if not check.ok] == []
    assert checks["secretsmanager:ListSecrets"].detail == "not offered in this region"


@pytest.mark.parametrize(
    ("setting", "permission"), [("creators", "cloudtrail:LookupEvents"), ("ssh_keys", "iam:ListSSHPublicKeys")]
)
def test_preflight_asks_only_for_what_is_read(estate: Estate, setting: str, permission: str) -> None:
    """What is switched off needs no permission."""
    off, on = ({check.name for check in estate.connector(**{setting: flag}).check()} for flag in (False, True))

    assert on - off == {permission}
    assert "lambda:ListFunctions" not in on
    assert "lambda:ListFunctions" in {check.name for check in estate.connector(resources="lambda").check()}
