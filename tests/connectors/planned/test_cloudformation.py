"""A CloudFormation or SAM template as resources: intrinsic functions, conditions, lines, and what stands elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from connectors.planned import UNKNOWN, FileResources, Resource
from connectors.planned.cloudformation import is_template, read_template
from connectors.planned.documents import PlannedDocument
from connectors.planned.files import load
from connectors.planned.intrinsics import Intrinsics, ResolvedFrom
from tests.examples import examples
from tests.hostile_json import mutated

TEMPLATE = """\
AWSTemplateFormatVersion: 2010-09-09
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: { Type: String, Default: prod }
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsTest: !Not [!Condition IsProd]
  InEurope: !Equals [!Ref AWS::Region, eu-west-1]
Globals:
  Function:
    Timeout: 5
    Tags: { team: shop }
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Sub "shop-${Stage}"
      AssumeRolePolicyDocument:
        Statement:
          - { Effect: Allow, Principal: { Service: lambda.amazonaws.com }, Action: sts:AssumeRole }
  Policy:
    Type: AWS::IAM::RolePolicy
    Condition: InEurope
    Properties: { RoleName: !Ref Role, PolicyName: p }
  Test:
    Type: AWS::IAM::Role
    Condition: IsTest
  Function:
    Type: AWS::Serverless::Function
    Properties: { Role: !GetAtt Role.Arn, Tags: { stage: !Ref Stage } }
  Nested:
    Type: AWS::CloudFormation::Stack
  Fn::ForEach::Roles: [X, [a, b], {}]
"""


def read(folder: Path, content: str, name: str = "template.yaml") -> FileResources:
    (folder / name).write_text(content)
    return load(folder / name, name)


def test_a_template(tmp_path: Path) -> None:
    """Short forms are evaluated, a condition that is not met leaves a resource out, one that is unknown doesn't."""
    found = read(tmp_path, TEMPLATE)
    role, policy, function = found.resources

    assert found.format == "cloudformation"
    assert [(each.place.resource, each.place.line) for each in found.resources] == [
        ("Role", 14),
        ("Policy", 21),
        ("Function", 28),
    ]
    assert role.values["RoleName"] == "shop-prod"
    assert (policy.values["RoleName"], policy.refers) == ("${Role}", {"RoleName": ("Role",)})
    assert function.values == {"Timeout": "5", "Tags": {"team": "shop", "stage": "prod"}, "Role": "${Role.Arn}"}
    assert [(each.place.resource, each.place.line) for each in found.problems] == [
        ("Nested", 31),
        ("Fn::ForEach::Roles", 33),
    ]


def test_json_has_lines(tmp_path: Path) -> None:
    """The line of the logical id."""
    template = {"Resources": {"A": {"Type": "AWS::IAM::Role"}, "B": {"Type": "AWS::IAM::User"}}}
    found = read(tmp_path, json.dumps(template, indent=1), "template.json")

    assert [each.place.line for each in found.resources] == [3, 6]


PARTS: Any = {
    "Parameters": {
        "Name": {"Type": "String", "Default": "n"},
        "Number": {"Type": "Number", "Default": 7},
        "Open": {"Type": "String"},
        "Hidden": {"Type": "String", "NoEcho": True, "Default": "secret"},
        "Stored": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/path"},
        "Many": {"Type": "CommaDelimitedList", "Default": "a, b"},
    },
    "Mappings": {"Map": {"x": {"y": "z"}}},
    "Conditions": {
        "Yes": {"Fn::Equals": [{"Ref": "Name"}, "n"]},
        "No": {"Fn::Not": [{"Condition": "Yes"}]},
        "Open": {"Fn::Equals": [{"Ref": "Open"}, "n"]},
        "And": {"Fn::And": [{"Condition": "Open"}, {"Condition": "No"}]},
        "Or": {"Fn::Or": [{"Condition": "Open"}, {"Condition": "Yes"}]},
        "Neither": {"Fn::Or": [{"Condition": "Open"}, {"Condition": "No"}]},
        "Loop": {"Fn::Not": [{"Condition": "Loop"}]},
        **{f"Chain{number}": {"Condition": f"Chain{number + 1}"} for number in range(3000)},
    },
    "Resources": {"Role": {"Type": "AWS::IAM::Role"}},
}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Name"}, "n"),
        ({"Ref": "Number"}, "7"),
        ({"Ref": "Open"}, UNKNOWN),
        ({"Ref": "Hidden"}, UNKNOWN),
        ({"Ref": "Stored"}, UNKNOWN),
        ({"Ref": "Many"}, ["a", "b"]),
        ({"Ref": "AWS::AccountId"}, "${AWS::AccountId}"),
        ({"Ref": "AWS::StackName"}, UNKNOWN),
        ([1, {"Ref": "AWS::NoValue"}], [1]),
        ({"a": {"Ref": "AWS::NoValue"}, "b": 1}, {"b": 1}),
        ({"Fn::Sub": "a-${Name}-${!Name}-${AWS::Region}"}, "a-n-${Name}-${AWS::Region}"),
        ({"Fn::Sub": ["${x}${Name}", {"x": {"Ref": "Number"}}]}, "7n"),
        ({"Fn::Sub": "${Role.Arn}/*"}, "${Role.Arn}/*"),
        ({"Fn::GetAtt": ["Role", "Arn"]}, "${Role.Arn}"),
        ({"Fn::GetAtt": ["Other", "Arn"]}, UNKNOWN),
        ({"Fn::Join": [":", ["arn", {"Ref": "AWS::Partition"}, "x"]]}, "arn:${AWS::Partition}:x"),
        ({"Fn::Join": [",", {"Ref": "Many"}]}, "a,b"),
        ({"Fn::Join": [",", ["a", {"Ref": "Open"}]]}, UNKNOWN),
        ({"Fn::Select": ["1", {"Fn::Split": ["-", "a-b"]}]}, "b"),
        ({"Fn::Select": [5, ["a"]]}, UNKNOWN),
        ({"Fn::FindInMap": ["Map", "x", "y"]}, "z"),
        ({"Fn::FindInMap": ["Map", {"Ref": "Open"}, "y"]}, UNKNOWN),
        ({"Fn::If": ["Yes", 1, 2]}, 1),
        ({"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}, None),
        ({"Fn::If": ["Open", "a", "a"]}, "a"),
        ({"Fn::If": ["Open", "a", "b"]}, UNKNOWN),
        ({"Fn::ImportValue": "x"}, UNKNOWN),
        ("{{resolve:ssm:x}}", UNKNOWN),
        ({"Ref": ["Name"]}, UNKNOWN),
        ({"Statement": {"Condition": {"Bool": {"x": "true"}}}}, {"Statement": {"Condition": {"Bool": {"x": "true"}}}}),
    ],
)
def test_functions(value: Any, expected: Any) -> None:
    """Each function as AWS documents it; what the template does not say is unknown, and a secret always."""
    found = Intrinsics(PARTS).value([value], "", ResolvedFrom())

    assert found == ([] if expected is None else [expected])


def test_conditions() -> None:
    """Three values, and an end to those that lead to themselves or on and on."""
    decide = Intrinsics(PARTS).condition

    assert {name: decide(name) for name in ("Yes", "No", "Open", "And", "Or", "Neither", "Loop", "Chain0", "?")} == {
        "Yes": True, "No": False, "Open": None, "And": False, "Or": True, "Neither": None, "Loop": None, "Chain0": None,
        "?": None,
    }  # fmt: skip


def test_one_parameter_in_a_million_places_is_given_up() -> None:
    """Its texts together would have gigabytes."""
    parts = {"Parameters": {"Long": {"Type": "String", "Default": "x" * 100_000}}}
    value = Intrinsics(parts).value([{"Fn::Sub": "${Long}"}] * 1000, "", ResolvedFrom())

    assert value[0] is not UNKNOWN
    assert value[-1] is UNKNOWN


WHOLE = {
    **PARTS,
    "Conditions": {"Yes": {"Fn::Equals": [{"Ref": "Name"}, "n"]}, "Or": {"Fn::Or": [{"Condition": "Yes"}]}},
    "Globals": {"Function": {"Environment": {"Variables": {"A": 1}}}},
    "Resources": {
        "Role": {"Type": "AWS::IAM::Role", "Condition": "Or", "Properties": {"RoleName": {"Fn::Sub": "${Name}"}}},
        "Function": {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "X": {"Fn::Select": [0, {"Fn::Split": ["-", "a"]}]},
            },
        },
    },
}


@given(mutated(WHOLE))
@examples(60, smoke=60)
def test_hostile_templates_never_fail(template: Any) -> None:
    """Whatever part of a template has another shape, the rest is read."""
    if is_template(template):
        source = json.dumps({"Resources": template["Resources"]})
        found, _ = read_template("template.json", [PlannedDocument(data=template, line=1, source=source)])
        assert all(isinstance(each, Resource) for each in found)


@pytest.mark.parametrize(
    ("template", "places"),
    [
        ({"Transform": "AWS::Serverless-2016-10-31"}, []),
        ({"Transform": ["AWS::LanguageExtensions", "Ours"]}, ["Transform"]),
        ({"Transform": {"Name": "AWS::Include", "Parameters": {"Location": "s3://b/k"}}}, ["Transform"]),
        ({"Fn::Transform": {"Name": "AWS::Include"}}, ["Transform"]),
        ({"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": {"Fn::Transform": {"Name": "Ours"}}}}}, ["R"]),
        ({"Resources": {"R": {"Type": "AWS::IAM::Role", "Fn::Transform": {"Name": "Ours"}}}}, ["R"]),
    ],
)
def test_a_macro_that_may_add_anything_is_a_gap(template: dict[str, Any], places: list[str], tmp_path: Path) -> None:
    """Of the whole template, or of a resource."""
    whole = {"Resources": {"R": {"Type": "AWS::IAM::Role"}}, **template}
    (tmp_path / "t.json").write_text(json.dumps(whole))

    assert [one.place.resource for one in load(tmp_path / "t.json").problems] == places
