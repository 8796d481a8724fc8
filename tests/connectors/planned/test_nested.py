"""Templates within templates: read where they are files beside it, with the parameters that they are given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.planned.files import load, plan
from connectors.planned.nested import MOST
from scanner.model.planned import Plan
from tests.connectors.aws.planned.reading import LAMBDA, Store

ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
ROLE = {
    "Parameters": {"Policy": {"Type": "String", "Default": "arn:aws:iam::aws:policy/SecurityAudit"}},
    "Resources": {
        "Deploy": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": "deploy",
                "AssumeRolePolicyDocument": {"Statement": [LAMBDA]},
                "ManagedPolicyArns": [{"Ref": "Policy"}],
            },
        }
    },
}


def stack(url: Any, parameters: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A nested stack."""
    properties = {"TemplateURL": url, "Parameters": parameters or {}}
    return {"Type": "AWS::CloudFormation::Stack", "Properties": properties, **more}


def plans(folder: Path, **resources: Any) -> tuple[Plan, ...]:
    """What a template with these resources brings, and what it nests."""
    (folder / "root.json").write_text(json.dumps({"Parameters": {"Later": {"Type": "String"}}, "Resources": resources}))
    return plan([load(folder / "root.json")], Store())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a template of a role, beside a file that is none and one outside."""
    (tmp_path / "stacks" / "iam").mkdir(parents=True)
    for place in ("stacks/iam/role.json", "outside.json"):
        (tmp_path / place).write_text(json.dumps(ROLE))
    (tmp_path / "stacks" / "linked.json").symlink_to("../outside.json")
    (tmp_path / "stacks" / "loop.json").symlink_to("loop.json")
    (tmp_path / "stacks" / "text.json").write_text('{"a": 1}')
    return tmp_path / "stacks"


@pytest.mark.parametrize(
    ("parameters", "level"),
    [({}, "normal"), ({"Policy": ADMIN}, "admin"), ({"Policy": {"Ref": "Later"}}, "unknown"),
     ({"Policy": {"Fn::ImportValue": "x"}}, "unknown")],
)  # fmt: skip
def test_a_local_template_is_read_with_its_parameters(parameters: dict[str, Any], level: str, folder: Path) -> None:
    """As the stack gives them; what only deploying determines makes the privilege unknown."""
    root, nested = plans(folder, Iam=stack("iam/role.json", parameters))
    (role,) = nested.identities

    assert root.unread == ()
    assert (role.identity.name, role.places[0].file) == ("deploy", str(folder / "iam" / "role.json"))
    assert (role.identity.privilege.level, "permissions" in role.computed) == (level, level == "unknown")


def test_an_application_of_sam_and_a_second_level(folder: Path) -> None:
    """However deep they lie."""
    application = {"Type": "AWS::Serverless::Application", "Properties": {"Location": "iam/role.json"}}
    (folder / "middle.json").write_text(json.dumps({"Resources": {"App": application}}))
    found = plans(folder, Middle=stack("./middle.json"))

    assert [Path(one.file).name for one in found] == ["root.json", "middle.json", "role.json"]
    assert [one.unread for one in found] == [(), (), ()]


@pytest.mark.parametrize(
    "url",
    ["none.json", "../outside.json", "linked.json", "loop.json", "text.json", "https://s3.example/role.json",
     "/etc/hosts", "iam/role.json\0", "iam", {"Ref": "Later"}, None, ["x"], ""],
)  # fmt: skip
def test_what_is_no_template_beside_it_is_a_gap(url: Any, folder: Path) -> None:
    """Also what lies outside: the template's author chooses the path."""
    (root,) = plans(folder, Iam=stack(url))

    assert [one.place.resource for one in root.unread] == ["Iam"]


def test_a_stack_that_is_not_deployed_is_not_read(folder: Path) -> None:
    """By a condition that the defaults do not meet."""
    (folder / "root.json").write_text(
        json.dumps({
            "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}},
            "Resources": {"Iam": stack("iam/role.json", Condition="Never")},
        })
    )  # fmt: skip
    (root,) = plan([load(folder / "root.json")], Store())

    assert (root.identities, root.unread) == ((), ())


def test_templates_that_nest_themselves_end(folder: Path) -> None:
    """And what was not read any more is a gap."""
    (folder / "self.json").write_text(json.dumps({"Resources": {"One": stack("self.json"), "Two": stack("self.json")}}))
    found = plan([load(folder / "self.json")], Store())

    assert len(found) <= MOST + 1
    assert any(one.unread for one in found)
