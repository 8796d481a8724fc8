"""The accounts of an organization: each entered by its role and read as a scope, or a gap that says why not."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from connectors.aws.connector import AwsConnector
from connectors.core.contract import Scope
from scanner.model import Coverage, FileEnd, Identity
from tests.connectors.aws.estate import Estate, Found, document
from tests.servers.fault_proxy import Fault, FaultKind
from tests.servers.moto_server import ACCOUNT
from tests.servers.wire import Wrong

pytestmark = pytest.mark.real_server

ROLE = "OrganizationAccountAccessRole"
REGION = "eu-west-1"
ACCOUNTS_LISTED, ENTERED = "organizations:ListAccounts", "sts:AssumeRole"


class Company(Estate):
    """An organization in the emulator: the own account runs it, and there are two more, one of them in a unit."""

    def __init__(self, account: Estate) -> None:
        super().__init__(account.moto, account.proxy)
        self.api = account.moto.client("organizations")
        self.api.create_organization(FeatureSet="ALL")
        self.root = self.api.list_roots()["Roots"][0]["Id"]
        self.api.enable_policy_type(RootId=self.root, PolicyType="SERVICE_CONTROL_POLICY")
        self.unit = self.api.create_organizational_unit(ParentId=self.root, Name="unit")["OrganizationalUnit"]["Id"]
        self.first, self.second = self.join("first"), self.join("second")
        self.api.move_account(AccountId=self.second, SourceParentId=self.root, DestinationParentId=self.unit)

    def join(self, name: str) -> str:
        """A new account; gives its id."""
        made = self.api.create_account(AccountName=name, Email=f"{name}@example.com")
        account: str = made["CreateAccountStatus"]["AccountId"]
        return account

    def administrator(self, account: str, name: str) -> None:
        """A user in that account that may do anything."""
        iam = self._inside(account)
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document("*"))

    def forbid(self, actions: str, *, on: str) -> str:
        """A service control policy that denies some actions, on a root, unit or account; gives its id."""
        statement = {"Effect": "Deny", "Action": actions, "Resource": "*"}
        made = self.api.create_policy(
            Name=f"no {on}", Description="", Type="SERVICE_CONTROL_POLICY", Content=json.dumps({"Statement": statement})
        )
        policy: str = made["Policy"]["PolicySummary"]["Id"]
        self.api.attach_policy(PolicyId=policy, TargetId=on)
        return policy

    def company(self, **settings: Any) -> AwsConnector:
        """A connector for the organization."""
        few = {"organization_role": ROLE, "regions": REGION, "resources": "secretsmanager"}
        return self.connector(**{**few, **settings})

    def read_all(self, **settings: Any) -> dict[str, Found]:
        """What each scope gave, by its id; what is no scope's, under the scope that it is about."""
        connector = self.company(**settings)
        found: dict[str, Found] = {}
        for scope in connector.scopes():
            if isinstance(scope, Scope):
                found.setdefault(scope.id, Found()).records.extend(connector.discover(scope))
            else:
                found.setdefault(scope.scope, Found()).records.append(scope)
        return found

    def _inside(self, account: str) -> Any:
        import boto3

        role = f"arn:aws:iam::{account}:role/{ROLE}"
        given = self.moto.client("sts").assume_role(RoleArn=role, RoleSessionName="seed")["Credentials"]
        return boto3.client(
            "iam",
            endpoint_url=self.moto.url,
            region_name=REGION,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )


@pytest.fixture
def company(account: Estate) -> Company:
    """An organization of three accounts."""
    return account.hold(Company)


def gaps(found: Mapping[str, Found]) -> dict[tuple[str, str], str]:
    """By scope and section: how it is a gap."""
    return {(scope, section): status for scope, each in found.items() for section, status in each.gaps.items()}


def listed(*accounts: Mapping[str, Any]) -> Any:
    """What Organizations answers to a listing of accounts."""
    return lambda _: {"Accounts": accounts}


def test_each_account_is_a_scope_of_its_own(company: Company) -> None:
    """Everyone is found where they are; one call lists the accounts, and one enters each."""
    company.user("here")
    company.administrator(company.first, "there")

    found = company.read_all()

    assert gaps(found) == {}
    assert set(found) == {ACCOUNT, company.first, company.second}
    assert "here" in found[ACCOUNT].identities
    assert "here" not in found[company.first].identities
    assert found[company.first].identities["there"].key == f"arn:aws:iam::{company.first}:user/there"
    assert {each.scope for each in found[company.second].records if not isinstance(each, FileEnd)} == {company.second}
    calls = company.proxy.calls
    assert (calls[ACCOUNTS_LISTED], calls[ENTERED]) == (1, 3)
    assert sum(each.calls for one in found.values() for each in one.coverage.values()) == calls.total()


def test_an_identity_says_whose_account_it_is_in(company: Company) -> None:
    """By the name and the e-mail that the organization has for it: who to ask when no one answers."""
    company.administrator(company.first, "ada")

    found = company.read_all()
    users = [one for one in found[company.first].records if isinstance(one, Identity) and one.kind == "user"]

    assert [(one.attributes["scope_name"], one.attributes["scope_contact"]) for one in users] == [
        ("first", "first@example.com")
    ]


def test_more_accounts_than_one_page_holds_are_all_listed(company: Company) -> None:
    """AWS gives twenty at a time."""
    joined = {company.join(f"account-{number}") for number in range(22)}

    scopes = [scope for scope in company.company().scopes() if isinstance(scope, Scope)]

    assert {scope.id for scope in scopes} == {ACCOUNT, company.first, company.second, *joined}
    assert company.proxy.calls[ACCOUNTS_LISTED] == 2


def test_the_role_is_asked_for_as_its_trust_policy_wants_it(company: Company) -> None:
    """With the external id and the session's name, in the path that the role has."""
    company.read_all(organization_role="audit/Reader", external_id="shared-with-us", session_name="night-watch")

    asked = [call.parameters for call in company.proxy.log if call.operation == ENTERED]
    assert {each["RoleArn"] for each in asked} == {
        f"arn:aws:iam::{account}:role/audit/Reader" for account in (ACCOUNT, company.first, company.second)
    }
    assert {(each["ExternalId"], each["RoleSessionName"]) for each in asked} == {("shared-with-us", "night-watch")}


@pytest.mark.parametrize("kind", ["denied", "throttled", "error", "close", "truncated", "malformed", "portal"])
def test_an_account_that_cannot_be_entered_is_a_gap_and_the_others_go_on(company: Company, kind: FaultKind) -> None:
    """The gap is over all kinds of identities in that account, says why, and nothing of it looks empty."""
    role = f"arn:aws:iam::{company.first}:role/{ROLE}"
    company.proxy.fail(ENTERED, Fault(kind, where={"RoleArn": role}))

    found = company.read_all()

    assert gaps(found) == {(company.first, "sts.assume_role"): "denied" if kind == "denied" else "failed"}
    (gap,) = found[company.first].records
    assert isinstance(gap, Coverage)
    assert {"user", "role", "root"} <= set(gap.kinds) or "*" in gap.kinds
    if kind == "denied":
        assert gap.permission == ENTERED
        assert role in (gap.detail or "")
        assert "trust policy" in (gap.detail or "")
    assert "root" in found[company.second].identities


def test_the_own_account_is_read_without_the_role_where_there_is_none(company: Company) -> None:
    """The account that runs the organization seldom has it; one's own credentials serve, and nothing is a gap."""
    company.user("here")
    role = f"arn:aws:iam::{ACCOUNT}:role/{ROLE}"
    company.proxy.fail(ENTERED, Fault("denied", where={"RoleArn": role}))

    found = company.read_all()

    assert gaps(found) == {}
    assert "here" in found[ACCOUNT].identities
    assert "its own credentials" in (found[ACCOUNT].coverage["sts.assume_role"].detail or "")


@pytest.mark.parametrize(
    ("member", "detail"),
    [
        pytest.param({"State": "SUSPENDED", "Status": "ACTIVE"}, "suspended", id="state"),
        pytest.param({"Status": "SUSPENDED"}, "suspended", id="status, as it was called once"),
        pytest.param({"State": "PENDING_CLOSURE"}, "pending closure", id="closing"),
        pytest.param({"State": "ACTIVE", "Status": "SUSPENDED"}, None, id="active"),
        pytest.param({}, None, id="not reported"),
    ],
)
def test_an_account_that_is_not_active_is_a_gap(company: Company, member: dict[str, str], detail: str | None) -> None:
    """It is not entered; no permission would help."""
    company.proxy.made[ACCOUNTS_LISTED] = listed({"Id": ACCOUNT}, {"Id": company.first, **member})

    found = company.read_all()

    assert company.proxy.calls[ENTERED] == (2 if detail is None else 1)
    if detail is None:
        assert gaps(found) == {}
    else:
        assert gaps(found) == {(company.first, "sts.assume_role"): "skipped"}
        gap = found[company.first].coverage["sts.assume_role"]
        assert gap.permission is None
        assert detail in (gap.detail or "")


@pytest.mark.parametrize("kind", ["denied", "throttled", "error", "close", "truncated", "malformed", "portal"])
def test_accounts_that_cannot_be_listed_leave_the_own_one(company: Company, kind: FaultKind) -> None:
    """Wherever anything else would be is a gap; the own account is read, under limits that no one knows."""
    company.administrator(ACCOUNT, "here")
    company.proxy.fail(ACCOUNTS_LISTED, Fault(kind))

    found = company.read_all()

    assert gaps(found) == {("*", "organizations.accounts"): "denied" if kind == "denied" else "failed"}
    assert set(found) == {"*", ACCOUNT}
    assert "here" in found[ACCOUNT].identities
    assert found["*"].coverage["organizations.accounts"].permission == (ACCOUNTS_LISTED if kind == "denied" else None)


def test_a_listing_that_breaks_off_keeps_the_accounts_before(company: Company) -> None:
    """Those of the first page are read; that there may be more is a gap over everything."""
    for number in range(22):
        company.join(f"account-{number}")
    company.proxy.fail(ACCOUNTS_LISTED, Fault("denied", from_page=2))

    listing = list(company.company().scopes())

    assert len([each for each in listing if isinstance(each, Scope)]) == 20
    (gap,) = [each for each in listing if isinstance(each, Coverage) and each.is_gap and each.scope == "*"]
    assert (gap.section, gap.status, gap.identities) == ("organizations.accounts", "partial", 20)


@pytest.mark.parametrize(
    ("row", "named"),
    [
        pytest.param({"Arn": "arn:of-something", "Name": "no id"}, "without a name", id="no id"),
        pytest.param({"Id": "1/role/x:12345"}, "1/role/x:12345", id="not an id"),
        pytest.param({"Id": "111122223333\n"}, r"111122223333\n", id="more than an id"),
    ],
)
def test_a_row_that_is_no_account_is_named(company: Company, row: dict[str, str], named: str) -> None:
    """It is not entered; the others are."""
    company.proxy.made[ACCOUNTS_LISTED] = lambda _: Wrong({"Accounts": [{"Id": ACCOUNT}, row]})

    found = company.read_all()

    assert gaps(found) == {("*", "organizations.accounts"): "partial"}
    assert f"row {named} " in (found["*"].coverage["organizations.accounts"].detail or "")
    assert "root" in found[ACCOUNT].identities
    assert company.proxy.calls[ENTERED] == 1


def test_an_account_that_is_listed_twice_is_read_once(company: Company) -> None:
    """Pages are cut while accounts come and go."""
    company.proxy.made[ACCOUNTS_LISTED] = listed({"Id": ACCOUNT}, {"Id": company.first}, {"Id": company.first})

    found = company.read_all()

    assert (gaps(found), company.proxy.calls[ENTERED]) == ({}, 2)


def test_named_accounts_are_not_looked_up(company: Company) -> None:
    """Organizations is not asked for anything: who names accounts may well not be allowed to."""
    found = company.read_all(accounts=company.first)

    assert gaps(found) == {}
    assert {scope for scope, each in found.items() if each.identities} == {company.first}
    assert [name for name in company.proxy.calls if name.startswith("organizations:")] == []
    sections = ("organizations.accounts", "organizations.policies")
    assert [found[ACCOUNT].coverage[section].status for section in sections] == ["off", "off"]


def test_accounts_to_be_skipped_are_not_entered(company: Company) -> None:
    """They are shown as switched off, which is no gap."""
    found = company.read_all(skip_accounts=(company.first,))

    assert gaps(found) == {}
    assert found[company.first].coverage["sts.assume_role"].status == "off"
    assert company.proxy.calls[ENTERED] == 2


def test_each_account_finds_its_own_regions(company: Company) -> None:
    """Which are enabled may differ from account to account: each is asked, once."""
    found = company.read_all(accounts=(company.first, company.second), regions="all")

    assert company.proxy.calls["ec2:DescribeRegions"] == 2
    for account in (company.first, company.second):
        regions = {section.partition(":")[2] for section in found[account].coverage}
        assert {"", "eu-west-1", "us-east-1"} <= regions
        assert "ap-east-1" not in regions


def levels(found: Mapping[str, Found], names: Sequence[str]) -> dict[str, str]:
    """How privileged each of these is."""
    everyone: dict[str, Identity] = {name: one for each in found.values() for name, one in each.identities.items()}
    return {name: everyone[name].privilege.level for name in names}


def mentions(found: Mapping[str, Found]) -> dict[str, bool]:
    """Of administrators: whether their evidence speaks of service control policies."""
    return {
        name: any("service control policies" in each for each in one.privilege.evidence)
        for account in found.values()
        for name, one in account.identities.items()
        if one.privilege.level == "admin" and name in ("first", "own")
    }


@pytest.mark.parametrize(
    ("where", "limited"),
    [("root", {"first", "second"}), ("unit", {"second"}), ("first", {"first"}), (ACCOUNT, set())],
)
def test_a_service_control_policy_limits_what_is_below_it(company: Company, where: str, limited: set[str]) -> None:
    """On the root, a unit or an account; never in the account that runs the organization."""
    for account, name in ((company.first, "first"), (company.second, "second"), (ACCOUNT, "own")):
        company.administrator(account, name)
    company.forbid("iam:*", on=getattr(company, where, where))

    found = company.read_all()

    assert gaps(found) == {}
    reported = levels(found, ("first", "second", "own"))
    assert {name for name, level in reported.items() if level != "admin"} == limited


@pytest.mark.parametrize(
    "operation", ["ListPolicies", "DescribePolicy", "ListTargetsForPolicy", "ListRoots", "ListAccountsForParent"]
)
def test_limits_that_cannot_be_read_are_mentioned(company: Company, operation: str) -> None:
    """A gap, and a word in the evidence; the account that runs the organization is under no such limits."""
    company.administrator(company.first, "first")
    company.administrator(ACCOUNT, "own")
    company.proxy.fail(f"organizations:{operation}", Fault("denied"))

    found = company.read_all()

    assert set(gaps(found)) == {(ACCOUNT, "organizations.policies")}
    assert found[ACCOUNT].coverage["organizations.policies"].permission == f"organizations:{operation}"
    assert mentions(found) == {"first": True, "own": False}


def test_a_listing_that_says_where_accounts_are_saves_the_way_through_the_tree(company: Company) -> None:
    """Newer answers hold the path; only where one lacks it the units are listed."""
    company.administrator(company.second, "second")
    company.forbid("iam:*", on=company.unit)
    rows = company.api.list_accounts()["Accounts"]
    paths = {company.second: f"o-x/{company.root}/{company.unit}/{company.second}/"}
    company.proxy.made[ACCOUNTS_LISTED] = listed(
        *({**row, "Paths": [paths.get(row["Id"], f"o-x/{company.root}/{row['Id']}/")]} for row in rows)
    )

    found = company.read_all()

    assert levels(found, ("second",)) != {"second": "admin"}
    assert company.proxy.calls["organizations:ListAccountsForParent"] == 0
    assert gaps(found) == {}


def test_without_such_policies_nothing_limits(company: Company) -> None:
    """Switched off, none is attached to anything."""
    company.administrator(company.first, "first")
    company.proxy.made["organizations:ListPolicies"] = lambda _: {"Policies": []}

    found = company.read_all()

    assert gaps(found) == {}
    assert levels(found, ("first",)) == {"first": "admin"}
    assert company.proxy.calls["organizations:ListRoots"] == 0


def test_a_policy_that_is_no_policy_is_named(company: Company) -> None:
    """Its content comes from outside; of those who it binds the evidence says so."""
    company.administrator(company.first, "first")
    company.administrator(ACCOUNT, "own")
    company.proxy.made["organizations:DescribePolicy"] = lambda _: {"Policy": {"Content": "not json"}}

    found = company.read_all()

    assert gaps(found) == {(ACCOUNT, "organizations.policies"): "partial"}
    assert "p-FullAWSAccess" in (found[ACCOUNT].coverage["organizations.policies"].detail or "")
    assert mentions(found) == {"first": True, "own": False}


def test_the_check_beforehand_says_which_accounts_refuse(company: Company) -> None:
    """One line sums up, one names each refusal; the permissions are tried in an account that lets us in."""
    role = f"arn:aws:iam::{company.first}:role/{ROLE}"
    company.proxy.fail(ENTERED, Fault("denied", where={"RoleArn": role}))
    company.proxy.fail("organizations:ListPolicies", Fault("denied"))
    company.proxy.fail("iam:ListRoles", Fault("denied"))

    checks = {check.name: check for check in company.company().check()}

    assert {name for name, check in checks.items() if not check.ok} == {
        "sts.assume_role", f"account {company.first}", "organizations:ListPolicies", "iam:ListRoles",
    }  # fmt: skip
    assert "2 accounts" in checks["sts.assume_role"].detail
    assert role in checks[f"account {company.first}"].detail
    assert checks["organizations:ListPolicies"].fix == "allow organizations:ListPolicies"
