"""``muster check`` on what changes: what was there before, places in the source, what is unknown, broken files."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.cli.main import main
from tests.cli.conftest import Muster, muster
from tests.cli.test_check import ACCOUNT as SERVICE_ACCOUNT
from tests.cli.test_check import GRANT, PEOPLE, WORKFLOW
from tests.connectors.aws.planned.reading import PROVIDED, allow, document, role
from tests.connectors.planned.plans import ACCOUNT, caller_identity, change, terraform
from tests.examples import examples

__all__ = ["muster"]  # the fixture

ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
REGISTRY = f"""id,identities,owner,environment,blast_radius
N-1,arn:aws:iam::{ACCOUNT}:role/shop,ada@example.com,dev,everything
"""
SHOP = role("shop")
NEW = change("aws_iam_role.shop", SHOP, unknown=PROVIDED)
OTHER = change("aws_iam_role.other", role("other"), unknown=PROVIDED)
ATTACHED = change("aws_iam_role_policy_attachment.admin", {"role": "shop", "policy_arn": ADMIN})
INLINE = change("aws_iam_role_policy.all", {"role": "shop", "name": "all", "policy": document(allow("*"))})
KNOWN = {**SHOP, "arn": f"arn:aws:iam::{ACCOUNT}:role/shop", "id": "shop", "unique_id": "AROAEXAMPLE"}
UNDECLARED = {**KNOWN, "name": "other", "arn": f"arn:aws:iam::{ACCOUNT}:role/other", "id": "other"}
KEY = change("aws_iam_access_key.ci", {"user": "ci", "status": "Active"}, unknown={"id": True, "secret": True})


def existing(address: str, values: dict[str, Any], *actions: str, **after: Any) -> dict[str, Any]:
    """A resource that is there, before and after the change."""
    return change(address, {**values, **after}, actions=actions, before=values)


PLANS: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    "a declared admin by a policy of its own": ([NEW, INLINE], ["planned_privilege"]),
    "an unchanged role": ([existing("aws_iam_role.other", {**KNOWN, "name": "other"}, "no-op")], []),
    "other tags": ([existing("aws_iam_role.shop", KNOWN, "update", tags_all={"team": "shop"})], []),
    "an admin as before": (
        [
            existing("aws_iam_role.shop", KNOWN, "update", tags_all={"team": "shop"}),
            existing("aws_iam_role_policy_attachment.admin", {"role": "shop", "policy_arn": ADMIN}, "no-op"),
        ],
        [],
    ),
    "an existing role becomes an admin": (
        [existing("aws_iam_role.shop", KNOWN, "no-op"), ATTACHED],
        ["planned_privilege"],
    ),
    "another environment": (
        [change("aws_iam_role.shop", role("shop", tags_all={"env": "prod"}), unknown=PROVIDED)],
        ["planned_beyond_declaration"],
    ),
    "a computed name": (
        [change("aws_iam_role.later", {**SHOP, "name": None}, unknown={**PROVIDED, "name": True})],
        [],
    ),
    "other tags of an undeclared role": (
        [existing("aws_iam_role.other", UNDECLARED, "update", tags_all={"team": "shop"})],
        [],
    ),
    "a policy more of an undeclared role": (
        [
            existing("aws_iam_role.other", UNDECLARED, "no-op"),
            change("aws_iam_role_policy.own", {"role": "other", "name": "own", "policy": document(allow("s3:Get*"))}),
        ],
        ["planned_unregistered"],
    ),
    **{
        f"a password that ends {ends}": (
            [
                change(
                    "azuread_application_password.p",
                    {"application_id": "/applications/a", **values},
                    unknown={"key_id": True, **unknown},
                ),
                change("azuread_application.b", {"display_name": "b", "object_id": "a"}),
            ],
            [*fires, "planned_unregistered"],
        )
        for ends, values, unknown, fires in (
            ("soon", {"end_date_relative": "720h"}, {"end_date": True}, []),
            ("late", {"end_date_relative": "8760h"}, {"end_date": True}, ["planned_long_lived_credential"]),
            ("whenever", {}, {"end_date": True}, ["planned_long_lived_credential"]),
        )
    },
    "a deleted role": ([change("aws_iam_role.shop", None, actions=["delete"], before=KNOWN)], []),
}


def check(muster: Muster, folder: Path, file: str, *options: str, registry: str = REGISTRY) -> Any:
    (folder / "registry.csv").write_text(registry)
    (folder / "people.csv").write_text(PEOPLE)
    done = muster("check", file, "--registry", "registry.csv", "--people", "people.csv", "-o", "json:-", *options)
    assert done.code == 0, done.err
    return json.loads(done.out)


def rules(found: Any) -> list[str]:
    return sorted(one["rule"] for one in found["findings"])


@pytest.mark.parametrize(("changes", "fires"), PLANS.values(), ids=PLANS)
def test_plans(changes: list[dict[str, Any]], fires: list[str], tmp_path: Path, muster: Muster) -> None:
    """Of an account that the prior state names."""
    (tmp_path / "plan.json").write_text(json.dumps(terraform(*changes, prior=[caller_identity()])))

    assert rules(check(muster, tmp_path, "plan.json")) == fires


@pytest.mark.parametrize(
    ("actions", "boundary", "found"),
    [
        (["s3:GetObject"], None, []),
        (
            ["s3:GetObject", "dynamodb:DeleteTable", "ses:SendEmail"],
            None,
            [
                {
                    "permissions": "declared s3:GetObject, planned dynamodb:DeleteTable, ses:SendEmail",
                    "systems": "declared s3, planned dynamodb, ses",
                }
            ],
        ),
        (["s3:GetObject", "dynamodb:DeleteTable"], "s3:*", []),
    ],
)
def test_a_plan_beyond_the_declared_actions(
    actions: list[str], boundary: str | None, found: list[dict[str, str]], tmp_path: Path, muster: Muster
) -> None:
    """By what the policies allow, within the boundary."""
    limit = f"arn:aws:iam::{ACCOUNT}:policy/limit"
    after = {**KNOWN, "permissions_boundary": limit} if boundary else KNOWN
    policy = {"role": "shop", "name": "own", "policy": document(*map(allow, actions))}
    rows = [existing("aws_iam_role.shop", after, "no-op"), change("aws_iam_role_policy.own", policy)]
    if boundary:
        made = {"name": "limit", "path": "/", "arn": limit, "policy": document(allow(boundary))}
        rows.append(existing("aws_iam_policy.limit", made, "no-op"))
    (tmp_path / "plan.json").write_text(json.dumps(terraform(*rows, prior=[caller_identity()])))
    registry = f"id,identities,owner,systems,permissions\nN-1,{KNOWN['arn']},ada@example.com,s3,s3:GetObject\n"

    findings = check(muster, tmp_path, "plan.json", registry=registry)["findings"]

    evidence = [one["evidence"] for one in findings if one["rule"] == "planned_beyond_declaration"]
    assert [{aspect: each[aspect] for aspect in ("permissions", "systems")} for each in evidence] == found


def test_places_in_the_source(tmp_path: Path, muster: Muster) -> None:
    """The line of the resource's block; without ``--source``, the plan is the place."""
    (tmp_path / "plan.json").write_text(json.dumps(terraform(OTHER, prior=[caller_identity()])))
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "iam.tf").write_text('\nresource "aws_iam_role" "other" {\n}\n')
    (plain,) = check(muster, tmp_path, "plan.json")["findings"]
    (placed,) = check(muster, tmp_path, "plan.json", "--source", "infra", "-o", "sarif:s.sarif")["findings"]
    sarif = json.loads((tmp_path / "s.sarif").read_text())
    location = sarif["runs"][0]["results"][0]["locations"][0]

    assert (plain["evidence"]["file"], plain["evidence"]["resource"]) == ("plan.json", "aws_iam_role.other")
    assert "line" not in plain["evidence"]
    assert (placed["evidence"]["file"], placed["evidence"]["line"]) == ("infra/iam.tf", 2)
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "infra/iam.tf"
    assert location["logicalLocations"][0]["name"] == "aws_iam_role.other"
    assert placed["fingerprint"] == plain["fingerprint"]


def test_an_undeclared_role_that_gets_nothing_is_mentioned(tmp_path: Path, muster: Muster) -> None:
    """It is no finding of this change, and not silent either; one that gets a policy is a finding and no notice."""
    tagged, given = PLANS["other tags of an undeclared role"][0], PLANS["a policy more of an undeclared role"][0]
    said = []
    for rows in (tagged, given):
        (tmp_path / "plan.json").write_text(json.dumps(terraform(*rows, prior=[caller_identity()])))
        found = check(muster, tmp_path, "plan.json")
        said.append((len(found["findings"]), [one for one in found["notices"] if "is in no entry" in one]))

    assert said == [
        (
            0,
            [
                (
                    "aws_iam_role.other in plan.json: other is in no entry of the registry; it is there already, "
                    "and the change adds no right, trust or credential to it"
                )
            ],
        ),
        (1, []),
    ]


TABLES = change(
    "aws_iam_role_policy.tables", {"role": "shop", "name": "tables", "policy": document(allow("dynamodb:*"))}
)
OBJECTS = change("aws_iam_role_policy.own", {"role": "shop", "name": "own", "policy": document(allow("s3:GetObject"))})
OWN_POLICY = {
    "name": "everything",
    "path": "/",
    "arn": f"arn:aws:iam::{ACCOUNT}:policy/everything",
    "policy": document(allow("*")),
}
BY_POLICY = {"role": "shop", "policy_arn": OWN_POLICY["arn"]}
NARROW = {**OWN_POLICY, "policy": document(allow("s3:GetObject"))}
GROUP = {"name": "all", "path": "/", "arn": f"arn:aws:iam::{ACCOUNT}:group/all", "unique_id": "AGPAEXAMPLE"}
USER = {"name": "ci", "path": "/", "arn": f"arn:aws:iam::{ACCOUNT}:user/ci", "unique_id": "AIDAEXAMPLE"}
THERE = existing("aws_iam_role.shop", KNOWN, "no-op")


@pytest.mark.parametrize(
    ("changes", "rule", "resource"),
    [
        pytest.param([NEW, OBJECTS, INLINE], "planned_privilege", "aws_iam_role_policy.all", id="an-inline-policy"),
        pytest.param([THERE, OBJECTS, ATTACHED], "planned_privilege", ATTACHED["address"], id="an-attachment"),
        pytest.param(
            [
                THERE,
                change("aws_iam_policy.everything", OWN_POLICY),
                change("aws_iam_role_policy_attachment.a", BY_POLICY),
            ],
            "planned_privilege",
            "aws_iam_policy.everything",
            id="a-policy-and-its-attachment",
        ),
        pytest.param(
            [
                THERE,
                change("aws_iam_policy.everything", OWN_POLICY, actions=["update"], before=NARROW),
                existing("aws_iam_role_policy_attachment.a", BY_POLICY, "no-op"),
            ],
            "planned_privilege",
            "aws_iam_policy.everything",
            id="another-content-of-a-policy",
        ),
        pytest.param(
            [
                existing("aws_iam_user.ci", USER, "no-op"),
                existing("aws_iam_group.all", GROUP, "no-op"),
                existing("aws_iam_group_policy_attachment.a", {"group": "all", "policy_arn": ADMIN}, "no-op"),
                change("aws_iam_user_group_membership.m", {"user": "ci", "groups": ["all"]}),
            ],
            "planned_privilege",
            "aws_iam_user_group_membership.m",
            id="a-membership",
        ),
        pytest.param(
            [change("aws_iam_role.shop", {**SHOP, "managed_policy_arns": [ADMIN]}, unknown={"arn": True}), OBJECTS],
            "planned_privilege",
            "aws_iam_role.shop",
            id="its-own-block",
        ),
        pytest.param([NEW, OBJECTS, TABLES], "planned_beyond_declaration", "aws_iam_role_policy.tables", id="drift"),
        pytest.param(
            PLANS["a policy more of an undeclared role"][0],
            "planned_unregistered",
            "aws_iam_role_policy.own",
            id="an-existing-role",
        ),
        pytest.param([OTHER], "planned_unregistered", "aws_iam_role.other", id="a-new-role"),
    ],
)
def test_a_finding_points_at_what_causes_it(
    changes: list[dict[str, Any]], rule: str, resource: str, tmp_path: Path, muster: Muster
) -> None:
    """In all outputs alike, with the line of that resource's block."""
    (tmp_path / "plan.json").write_text(json.dumps(terraform(*changes, prior=[caller_identity()])))
    blocks = [
        f'resource "{kind}" "{name}" {{}}' for kind, _, name in (row["address"].partition(".") for row in changes)
    ]
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "iam.tf").write_text("\n".join(blocks))
    line = [row["address"] for row in changes].index(resource) + 1
    headings = "id,identities,owner,environment,blast_radius,permissions"
    registry = f"{headings}\nN-1,{KNOWN['arn']},ada@example.com,dev,x,s3:GetObject\n"
    options = ("--source", "infra", "-o", "sarif:s.sarif", "-o", "table:t.txt", "-o", "markdown:m.md")

    findings = check(muster, tmp_path, "plan.json", *options, registry=registry)["findings"]

    evidence = next(one["evidence"] for one in findings if one["rule"] == rule)
    assert (evidence["file"], evidence["resource"], evidence["line"]) == ("infra/iam.tf", resource, line)
    results = json.loads((tmp_path / "s.sarif").read_text())["runs"][0]["results"]
    (at,) = next(one["locations"] for one in results if one["ruleId"] == rule)
    assert at["physicalLocation"]["region"]["startLine"] == line
    assert at["logicalLocations"][0]["name"] == resource
    for file in ("t.txt", "m.md"):
        assert f"infra/iam.tf:{line} {resource}" in (tmp_path / file).read_text()


def test_one_blast_radius_in_all_outputs(tmp_path: Path, muster: Muster) -> None:
    """What is around is not known here: numbers are lower bounds or unknown, in JSON too; of the others all is."""
    (tmp_path / "plan.json").write_text(json.dumps(terraform(NEW, INLINE, OTHER, prior=[caller_identity()])))
    found = check(muster, tmp_path, "plan.json", "-o", "table:t.txt")
    radii = {one["name"]: one["blast_radius"] for one in found["identities"]}
    (said,) = (one["evidence"]["blast_radius"] for one in found["findings"] if one["rule"] == "planned_privilege")

    assert radii["other"] is None
    assert radii["shop"]["sentence"] == said
    assert radii["shop"]["identities"] == {"number": 1, "at_least": True}
    assert "an unknown number of stored secrets" in said
    assert said.partition(";")[0] in " ".join((tmp_path / "t.txt").read_text().split())


def test_what_a_plan_cannot_say(tmp_path: Path, muster: Muster) -> None:
    """A computed name is unchecked, and said; a deleted role of an active entry, too."""
    later, gone = PLANS["a computed name"][0][0], PLANS["a deleted role"][0][0]
    (tmp_path / "plan.json").write_text(json.dumps(terraform(later, gone, prior=[caller_identity()])))
    found = check(muster, tmp_path, "plan.json")

    assert [one["registry"]["state"] for one in found["identities"]] == ["unchecked"]
    assert any("aws_iam_role.later in plan.json: name" in notice for notice in found["notices"])
    assert any("entry N-1 declares shop as active" in notice for notice in found["notices"])


def test_an_unknown_account_is_matched_by_name(tmp_path: Path, muster: Muster) -> None:
    """No prior state says which account it is."""
    (tmp_path / "plan.json").write_text(json.dumps(terraform(NEW, OTHER)))
    found = check(muster, tmp_path, "plan.json")

    assert {one["name"]: one["registry"]["state"] for one in found["identities"]} == {
        "shop": "registered",
        "other": "unregistered",
    }


TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Resources:
  Shop:
    Type: AWS::IAM::Role
    Properties:
      RoleName: shop
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}]
      ManagedPolicyArns: ["arn:aws:iam::aws:policy/AdministratorAccess"]
  Ci: {Type: AWS::IAM::User, Properties: {UserName: ci}}
  Key: {Type: AWS::IAM::AccessKey, Properties: {UserName: !Ref Ci}}
  Function:
    Type: AWS::Serverless::Function
    Properties:
      Handler: a.b
      Runtime: python3.13
      Policies: [{Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}]
"""


def test_a_template(tmp_path: Path, muster: Muster) -> None:
    """Roles, users, keys and the role that a function implies, each at its logical id and line."""
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    found = check(muster, tmp_path, "template.yaml")

    assert sorted((one["rule"], one["evidence"]["resource"], one["evidence"]["line"]) for one in found["findings"]) == [
        ("planned_long_lived_credential", "Key", 13),
        ("planned_privilege", "Function", 14),
        ("planned_privilege", "Shop", 5),
        ("planned_unregistered", "Ci", 12),
    ]


WHOLE = (TEMPLATE, SERVICE_ACCOUNT + GRANT, WORKFLOW, json.dumps(terraform(NEW, ATTACHED, KEY)))


@given(
    text=st.sampled_from(WHOLE),
    cuts=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), st.text(max_size=6)), min_size=1, max_size=3),
    name=st.sampled_from(["x.yaml", "x.json", "x"]),
)
@examples(40)
def test_no_file_is_a_traceback(
    text: str, cuts: list[tuple[float, int, str]], name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever is cut out of it or written into it: evaluated, or refused with the exit code for that."""
    for at, length, new in cuts:
        start = int(at * len(text))
        text = text[:start] + new + text[start + length :]
    folder = tmp_path_factory.mktemp("broken")
    (folder / name).write_text(text, encoding="utf-8", errors="surrogatepass")
    said = io.StringIO()
    with redirect_stderr(said), redirect_stdout(io.StringIO()):
        code = main(["check", str(folder / name), "-o", f"json:{folder / 'out.json'}"])

    assert code in (0, 2, 4)
    assert "internal error" not in said.getvalue()
