"""The connector against the emulator over HTTP: what it finds, and how few calls that takes."""

from __future__ import annotations

import json

import pytest

from connectors.aws.connector import AwsConnector
from connectors.aws.settings import AwsSettings
from connectors.aws.spec import OF_ORGANIZATIONS, PASSWORDS, REGIONS, SPEC
from connectors.aws.workloads.catalog import TAGS
from connectors.core.contract import Scope
from scanner.model import ANY_KIND, Coverage
from tests.connectors.aws.estate import REGIONS as AWS_REGIONS
from tests.connectors.aws.estate import Estate, arn, document
from tests.pickled import pickled
from tests.servers.moto_server import ACCOUNT

pytestmark = pytest.mark.real_server


def test_users_roles_and_the_root_user_are_found(aws: Estate) -> None:
    """Every identity of the account comes out once, by its ARN, and every section is complete."""
    aws.user("deploy", keys=1)
    aws.user("ada", password=True)
    aws.role("worker")

    found = aws.read()

    assert {each.key: each.kind for each in found.identities.values()} == {
        f"arn:aws:iam::{ACCOUNT}:root": "root",
        arn("user", "deploy"): "user",
        arn("user", "ada"): "user",
        arn("role", "worker"): "role",
    }
    assert found.gaps == {}
    needless = {*OF_ORGANIZATIONS, PASSWORDS, REGIONS, TAGS}
    reported = {name.partition(":")[0] for name in found.coverage}
    assert reported - needless == {one.name for one in SPEC.sections} - needless
    assert reported.isdisjoint({*OF_ORGANIZATIONS, PASSWORDS, REGIONS})
    assert {name.partition(":")[2] for name in found.coverage} == {"", *AWS_REGIONS}


def test_a_user_carries_what_the_provider_knows(aws: Estate) -> None:
    """Keys by id, password, tags, groups, switched on or not: as they stand in the account."""
    ids = aws.user("mixed", keys=2, password=True, tags={"owner": "ada@example.com"})
    aws.iam.update_access_key(UserName="mixed", AccessKeyId=ids[1], Status="Inactive")
    aws.iam.create_group(GroupName="ops")
    aws.iam.add_user_to_group(GroupName="ops", UserName="mixed")
    aws.user("empty")

    found = aws.read().identities

    mixed = found["mixed"]
    assert {(c.kind, c.id, c.enabled) for c in mixed.credentials} == {
        ("access_key", ids[0], True),
        ("access_key", ids[1], False),
        ("password", "mixed", True),
    }
    assert (mixed.enabled, mixed.use_tracked_days, mixed.last_used_at) == (True, 3650, None)
    assert mixed.tags == {"owner": "ada@example.com"}
    assert mixed.attributes["groups"] == ["ops"]
    assert mixed.attributes["active_keys"] == 1
    assert [(link.relation, link.target) for link in mixed.links] == [("member_of", arn("group", "ops"))]
    assert [signal.says for signal in mixed.signals] == ["machine"]
    assert found["empty"].enabled is False


def test_a_role_says_how_others_would_know_it(aws: Estate) -> None:
    """By its sessions, whatever these are called: that is who a pool of another cloud lets in."""
    aws.role("deploy")

    found = aws.read_iam().identities["deploy"]

    (subject,) = found.token_subjects
    assert (subject.issuer, subject.subject) == (f"aws:{ACCOUNT}", f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/*")


def test_use_of_a_key_and_of_a_role_is_dated(aws: Estate) -> None:
    """Last use comes from the report for keys, from the listing for roles; a role is tracked for 400 days."""
    (key_id,) = aws.user("busy", keys=1)
    role = aws.role("worker", trusts={"AWS": ACCOUNT})
    key = {"aws_access_key_id": key_id, "aws_secret_access_key": "whatever"}
    import boto3

    boto3.client("sts", endpoint_url=aws.moto.url, region_name="eu-west-1", **key).get_caller_identity()
    session = aws.moto.client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    boto3.client(
        "sts",
        endpoint_url=aws.moto.url,
        region_name="eu-west-1",
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    ).get_caller_identity()

    found = aws.read().identities

    assert found["busy"].last_used_at is not None
    assert found["busy"].credentials[0].last_used_at == found["busy"].last_used_at
    assert found["worker"].use_tracked_days == 400
    assert found["worker"].last_used_at is not None


def test_roles_that_aws_manages_say_so(aws: Estate) -> None:
    """A role's path, which only AWS can set, distinguishes service-linked and single sign-on roles."""
    aws.role("AWSServiceRoleForECS", path="/aws-service-role/ecs.amazonaws.com/")
    aws.role("AWSReservedSSO_Admin_0", path="/aws-reserved/sso.amazonaws.com/eu-west-1/")
    aws.role("AWSServiceRoleForFakes", path="/mine/")

    found = aws.read().identities

    assert found["AWSServiceRoleForECS"].managed_by == "AWS service-linked role of ecs.amazonaws.com"
    assert found["AWSReservedSSO_Admin_0"].managed_by == "human access through IAM Identity Center"
    assert [signal.says for signal in found["AWSReservedSSO_Admin_0"].signals] == ["human"]
    assert found["AWSServiceRoleForFakes"].managed_by is None


def test_agents_are_recognised_by_trust_and_by_named_permission(aws: Estate) -> None:
    """A trusted agent service is a strong signal, a permission that names model calls a weak one, ``*`` none."""
    aws.role("a", trusts={"Service": "bedrock-agentcore.amazonaws.com"})
    aws.role("b", allow="bedrock:InvokeModel*")
    aws.role("c", allow="*")

    found = aws.read().identities

    agents = {name: [(s.sort, s.strength) for s in each.signals if s.says == "agent"] for name, each in found.items()}
    assert agents == {"root": [], "a": [("provider", "strong")], "b": [("permission", "weak")], "c": []}


def test_privilege_comes_from_what_policies_do(aws: Estate) -> None:
    """Names deceive: a runtime baseline with everything is an administrator's, an empty AdministratorAccess is not."""
    aws.user("hidden")
    aws.user("harmless")
    aws.iam.put_user_policy(UserName="hidden", PolicyName="team-runtime-baseline", PolicyDocument=document("*:*"))
    arn_of_policy = aws.iam.create_policy(PolicyName="AdministratorAccess", PolicyDocument=document("logs:*"))
    aws.iam.attach_user_policy(UserName="harmless", PolicyArn=arn_of_policy["Policy"]["Arn"])

    found = aws.read().identities

    assert found["hidden"].privilege.level == "admin"
    assert [(g.name, g.via, g.resource, g.admin) for g in found["hidden"].grants] == [
        ("team-runtime-baseline", "inline", "*", True)
    ]
    assert found["harmless"].privilege.level == "normal"
    assert [(g.name, g.via, g.admin) for g in found["harmless"].grants] == [("AdministratorAccess", "direct", False)]


def test_rights_through_a_group_count(aws: Estate) -> None:
    """What a group may do, its members may; a deny in another policy takes it away again."""
    aws.iam.create_group(GroupName="admins")
    aws.iam.put_group_policy(GroupName="admins", PolicyName="all", PolicyDocument=document("iam:*"))
    deny = {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}}
    for name in ("member", "stopped"):
        aws.user(name)
        aws.iam.add_user_to_group(GroupName="admins", UserName=name)
    aws.iam.put_user_policy(UserName="stopped", PolicyName="stop", PolicyDocument=json.dumps(deny))

    found = aws.read().identities

    assert found["member"].privilege.level == "admin"
    assert [(grant.via, grant.admin) for grant in found["member"].grants] == [("group:admins", True)]
    assert found["stopped"].privilege.level == "normal"


def test_who_can_assume_a_role_is_linked(aws: Estate) -> None:
    """Named in the trust policy, or the account is trusted and one's own policy allows it: a link; otherwise none."""
    aws.user("named")
    aws.user("allowed", allow="sts:AssumeRole")
    aws.user("bystander", allow="s3:ListBucket")
    direct = aws.role("direct", trusts={"AWS": arn("user", "named")})
    shared = aws.role("shared", trusts={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})

    found = aws.read().identities

    links = {name: [link.target for link in each.links] for name, each in found.items() if each.links}
    assert links == {"named": [direct], "allowed": [shared]}
    assert [(t.kind, t.external) for t in found["shared"].trusts] == [("account", False)]


def test_the_calls_are_the_fewest_possible(aws: Estate) -> None:
    """Listing pages, two for the report, one for each user with keys, one for each further listing: nothing else."""
    for number in range(12):
        aws.user(f"user-{number}", keys=number % 3)
    for number in range(9):
        aws.role(f"role-{number}")
    aws.proxy.page_size = 10

    found = aws.read()

    assert len(found.identities) == 22
    assert {name: count for name, count in aws.proxy.calls.items() if name.startswith("iam:")} == {
        "iam:GetAccountAuthorizationDetails": 3,
        "iam:GenerateCredentialReport": 1,
        "iam:GetCredentialReport": 1,
        "iam:ListAccessKeys": 8,
        "iam:GetAccountSummary": 1,
        "iam:ListRoles": 1,
        "iam:ListServiceSpecificCredentials": 1,
        "iam:ListVirtualMFADevices": 1,
        "iam:ListOpenIDConnectProviders": 1,
        "iam:ListSAMLProviders": 1,
        "iam:ListServerCertificates": 1,
        "iam:ListInstanceProfiles": 1,
        "iam:GetOutboundWebIdentityFederationInfo": 1,
        "iam:ListDelegationRequests": 1,
    }
    assert sum(each.calls for each in found.coverage.values()) == aws.proxy.calls.total()


def test_secrets_are_listed_for_each_region_with_their_dates_alone(aws: Estate) -> None:
    """A stored secret is there with name, region and dates; its value is nowhere in the output."""
    aws.secret("db/password")
    aws.secret("api/key", "us-east-1")
    aws.proxy.page_size = 1

    found = aws.read()

    assert {name: s.attributes["region"] for name, s in found.secrets.items()} == {
        "db/password": "eu-west-1",
        "api/key": "us-east-1",
    }
    assert found.secrets["db/password"].created_at is not None
    assert "hunter2" not in repr(found.records)


def test_all_enabled_regions_are_read_unless_some_are_named(aws: Estate) -> None:
    """Regions come from AWS; those that the account has not opted into are left alone."""
    scopes = [scope for scope in aws.connector(regions="all").scopes() if isinstance(scope, Scope)]

    parts = {scope.part for scope in scopes}
    assert {None, "eu-west-1", "us-east-1"} <= parts
    assert "ap-east-1" not in parts


def test_hostile_names_and_tags_come_through_as_they_are(aws: Estate) -> None:
    """Nothing in a name or tag changes what is read; showing it safely is the reports' business."""
    name = "=cmd+1@x.y-z_"
    tags = {"note": "<script>alert(1)</script>", "formula": "=HYPERLINK(1)", "empty": "", "uni": "ünï \u202e x"}
    (key_id,) = aws.user(name, keys=1, tags=tags)

    found = aws.read()

    assert found.identities[name].tags == tags
    assert [credential.id for credential in found.identities[name].credentials] == [key_id]
    assert found.gaps == {}


def test_a_name_with_a_comma_is_read_like_any_other(aws: Estate) -> None:
    """The emulator does not quote it in the report; the row is put together again, so that nothing is asked singly."""
    (key_id,) = aws.user("a,b", keys=1)

    found = aws.read()

    assert found.gaps == {}
    assert [credential.id for credential in found.identities["a,b"].credentials] == [key_id]
    assert (found.identities["a,b"].use_tracked_days, found.identities["a,b"].unread) == (3650, ())
    assert aws.proxy.calls["iam:GetAccessKeyLastUsed"] == 0


def test_the_connector_pickles_before_and_after_use(aws: Estate) -> None:
    """A scope and its connector can be sent to another machine and read there."""
    connector = aws.connector()
    scope = next(scope for scope in connector.scopes() if isinstance(scope, Scope))

    copy, there = pickled((connector, scope))

    assert [r for r in copy.discover(there) if isinstance(r, Coverage) and r.is_gap] == []


def test_two_readings_are_equal(aws: Estate) -> None:
    """The same account gives the same records in the same order."""
    aws.user("b", keys=2)
    aws.user("a", password=True)
    aws.role("c")

    assert aws.read().records == aws.read().records


def test_it_needs_credentials_and_says_how_to_give_them(aws: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any, none are made up, not even for loopback: the whole account is a gap."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    (gap,) = aws.read().records

    assert isinstance(gap, Coverage)
    assert (gap.scope, gap.status, gap.kinds) == ("*", "failed", (ANY_KIND,))
    assert "AWS_ACCESS_KEY_ID" in (gap.detail or "")
    assert aws.proxy.calls.total() == 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"profile": "nobody"}, "list-profiles"),
        ({"endpoint_url": "http://127.0.0.1:9"}, "no usable response"),
    ],
    ids=["unknown profile", "nobody listens"],
)
def test_a_place_that_cannot_be_reached_is_one_gap(aws: Estate, settings: dict[str, str], words: str) -> None:
    """Neither a bad profile nor a dead endpoint raises: there is one gap over everything."""
    (gap,) = aws.read(**settings).records

    assert isinstance(gap, Coverage)
    assert (gap.scope, gap.status) == ("*", "failed")
    assert words in (gap.detail or "")


def test_named_regions_need_no_permission_to_list_them(aws: Estate) -> None:
    """EC2 is not asked when the settings say where to look."""
    aws.read(regions="eu-west-1")

    assert aws.proxy.calls["ec2:DescribeRegions"] == 0
    assert {call.region for call in aws.proxy.log if call.operation == "secretsmanager:ListSecrets"} == {"eu-west-1"}


def test_making_a_connector_reaches_for_nothing() -> None:
    """No request, no credentials looked up: that is for the first reading."""
    connector = AwsConnector("prod", AwsSettings(profile="does-not-exist", endpoint_url="http://127.0.0.1:9"))

    assert connector.policy()
