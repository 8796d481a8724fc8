"""AWS identities of CloudFormation and SAM templates: references within the template, and the roles that SAM makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.aws.rights.vocabulary import published_policies
from scanner.model import Grant, Identity, Privilege
from tests.connectors.aws.planned.reading import Store, by_place, template
from tests.connectors.planned.plans import ACCOUNT

TRUST = "{Statement: [{Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: sts:AssumeRole}]}"
TEMPLATE = f"""\
Transform: AWS::Serverless-2016-10-31
Resources:
  Shop:
    Type: AWS::IAM::Role
    Properties:
      RoleName: shop
      AssumeRolePolicyDocument:
        Statement:
          - Effect: Allow
            Principal: {{AWS: !Sub "arn:aws:iam::${{AWS::AccountId}}:root"}}
            Action: sts:AssumeRole
      ManagedPolicyArns: [!Ref Managed, !Sub "arn:${{AWS::Partition}}:iam::aws:policy/ReadOnlyAccess"]
      Policies:
        - PolicyName: own
          PolicyDocument: {{Statement: {{Effect: Allow, Action: [s3:GetObject], Resource: !Sub "${{Bucket.Arn}}/*"}}}}
  Bucket: {{Type: AWS::S3::Bucket}}
  Managed:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument: {{Statement: [{{Effect: Allow, Action: sts:AssumeRole, Resource: !GetAtt Other.Arn}}]}}
  Other: {{Type: AWS::IAM::Role, Properties: {{AssumeRolePolicyDocument: {TRUST}}}}}
  Everything:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: all
      Roles: [!Ref Other]
      PolicyDocument: {{Statement: [{{Effect: Allow, Action: "*", Resource: "*"}}]}}
  Profile: {{Type: AWS::IAM::InstanceProfile, Properties: {{Roles: [!Ref Other]}}}}
  Machine: {{Type: AWS::EC2::Instance, Properties: {{IamInstanceProfile: !Ref Profile}}}}
  Person:
    Type: AWS::IAM::User
    Properties: {{UserName: ci, Groups: [!Ref Group], LoginProfile: {{Password: x}}}}
  Group:
    Type: AWS::IAM::Group
    Properties: {{ManagedPolicyArns: ["arn:aws:iam::aws:policy/AdministratorAccess"]}}
  Key: {{Type: AWS::IAM::AccessKey, Properties: {{UserName: !Ref Person}}}}
  Agent: {{Type: AWS::Bedrock::Agent, Properties: {{AgentName: helper, AgentResourceRoleArn: !GetAtt Shop.Arn}}}}
  Custom: {{Type: Custom::Thing}}
  Answer:
    Type: AWS::IAM::RolePolicy
    Properties: {{PolicyName: p, RoleName: !GetAtt Custom.Role, PolicyDocument: {{}}}}
"""


def test_references_within_the_template(tmp_path: Path) -> None:
    """A role finds its policies and they find their resources, though no account and no name is known yet."""
    found = template(tmp_path, TEMPLATE)
    at = by_place(found)

    shop, other, person = (at[name] for name in ("Shop", "Other", "Person"))
    assert (shop.identity.key, shop.identity.name, shop.account_known) == ("planned:Shop", "shop", False)
    assert [grant.name for grant in shop.identity.grants] == ["Managed", "ReadOnlyAccess", "own"]
    assert shop.computed == frozenset()
    assert [(trust.kind, trust.external) for trust in shop.identity.trusts] == [("account", False)]
    assert (other.identity.privilege.level, other.computed) == ("admin", frozenset({"name"}))
    assert [(place.resource, place.line) for place in other.places] == [("Other", 21), ("Everything", 22)]
    assert (person.identity.privilege.level, person.computed) == ("admin", frozenset({"credentials"}))
    assert {each.kind for each in person.identity.credentials} == {"access_key", "password"}
    assert [link.target for link in at["Agent"].identity.links] == [shop.identity.key]
    assert [each.runs_as for each in found.workloads] == [(other.identity.key,)]
    assert [each.place.resource for each in found.unread] == ["Answer", "Custom"]


def sam(policies: str, more: str = "") -> str:
    """A template with one function."""
    return f"""\
Resources:
  Role: {{Type: AWS::IAM::Role, Properties: {{RoleName: r, AssumeRolePolicyDocument: {TRUST}}}}}
  Function:
    Type: AWS::Serverless::Function
    Properties: {{FunctionName: f, Policies: {policies}{more}}}
"""


@pytest.mark.parametrize(
    ("policies", "grants", "level"),
    [
        ("[]", ["AWSLambdaBasicExecutionRole"], "normal"),
        ("AdministratorAccess", ["AWSLambdaBasicExecutionRole", "AdministratorAccess"], "admin"),
        ("[S3ReadPolicy: {BucketName: b}]", ["AWSLambdaBasicExecutionRole", "S3ReadPolicy"], "normal"),
        ("[NoSuchPolicy: {}]", ["AWSLambdaBasicExecutionRole", "NoSuchPolicy"], "unknown"),
        ("[S3ReadPolicy: {BucketName: !ImportValue b}]", ["AWSLambdaBasicExecutionRole", "S3ReadPolicy"], "unknown"),
        ("[Statement: [{Effect: Allow, Action: '*', Resource: '*'}]]",
         ["AWSLambdaBasicExecutionRole", "FunctionRolePolicy0"], "admin"),
        ("!ImportValue p", ["AWSLambdaBasicExecutionRole", "of a computed ARN"], "unknown"),
    ],
)  # fmt: skip
def test_the_role_that_sam_makes(tmp_path: Path, policies: str, grants: list[str], level: str) -> None:
    """It counts as its function's, with the policies that SAM adds and those of its templates."""
    found = template(tmp_path, sam(policies))
    role = by_place(found)["Function"]

    assert ("name" in role.computed, role.identity.privilege.level) == (True, level)
    assert [grant.name for grant in role.identity.grants] == grants
    assert [each.runs_as for each in found.workloads] == [(role.identity.key,)]
    assert [trust.principal for trust in role.identity.trusts] == ["lambda.amazonaws.com"]


def test_a_function_with_a_role_has_no_other(tmp_path: Path) -> None:
    """Its policies are ignored then, as SAM does."""
    found = template(tmp_path, sam("AdministratorAccess", ", Role: !GetAtt Role.Arn"))

    assert set(by_place(found)) == {"Role"}
    assert [each.runs_as for each in found.workloads] == [("planned:Role",)]


def test_a_role_that_the_store_knows_by_its_name_is_changed(tmp_path: Path) -> None:
    """A template has no state, and says no account."""
    scanned = Identity(
        key=f"arn:aws:iam::{ACCOUNT}:role/r", provider="aws", source="prod", scope=ACCOUNT, kind="role", name="r",
        grants=(Grant(name="p", via="inline"),), privilege=Privilege(level="normal"),
    )  # fmt: skip
    role = by_place(template(tmp_path, sam("[]"), Store(scanned)))["Role"]
    twice = by_place(template(tmp_path, sam("[]"), Store(scanned, scanned)))["Role"]

    assert (role.effect, role.before) == ("changed", scanned)
    assert (twice.effect, twice.before) == ("created", None)


def test_the_other_policies_that_aws_publishes_are_read(tmp_path: Path) -> None:
    """Beside those that make administrators, so that a policy such as AmazonS3FullAccess is no unknown."""
    assert "AmazonS3FullAccess" not in published_policies().policies
    text = sam("[AmazonS3FullAccess, AWSLambdaVPCAccessExecutionRole]")

    assert by_place(template(tmp_path, text))["Function"].identity.privilege.level == "high"
