"""Blocks of ``.tf`` files: found by address, whatever else is in the files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.planned.terraform_source import TerraformSource, blocks, located
from scanner.model.planned import PlannedPlace, Unread
from tests.examples import examples
from tests.scanner.lifecycle.gate.plans import plan, role, with_credential

MAIN = """\
# resource "aws_iam_role" "commented" {
/* resource "aws_iam_role" "commented" {
*/
resource "aws_iam_role" "deploy" {
  name   = "x}{\\"${var.names["a"]}"
  policy = <<-EOT
    resource "aws_iam_role" "quoted" {
  EOT
}
module "network" {
  for_each = { a = 1 }
  source   = "./network"
}
  resource aws_iam_user bare { name = "y" } // resource "aws_iam_role" "commented" {
module "far" { source = "registry.example/x/y" }
module "near" {
  source = "../modules/near"
}
locals { resource = { source = "./elsewhere" } }
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root module with two local modules, one of which has one of its own."""
    files = {
        "infra/main.tf": MAIN,
        "infra/network/main.tf": '\n\nresource "aws_iam_role" "flow" {}\nmodule "deep" {\n source = "./deep"\n}\n',
        "infra/network/deep/x.tf": 'resource "aws_iam_role" "flow" {}\n',
        "modules/near/x.tf": '\nresource "aws_iam_user" "n" {}\n',
        "infra/.terraform/modules/far/x.tf": 'resource "aws_iam_role" "r" {}',
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path / "infra"


def found(root: Path, address: str) -> tuple[str, int | None] | None:
    place = TerraformSource(root).place(address)
    assert place is None or place.resource == address
    return None if place is None else (str(Path(place.file).relative_to(root.parent)), place.line)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("aws_iam_role.deploy", ("infra/main.tf", 4)),
        ('aws_iam_role.deploy["a"]', ("infra/main.tf", 4)),
        ("aws_iam_role.deploy[0]", ("infra/main.tf", 4)),
        ("aws_iam_user.bare", ("infra/main.tf", 14)),
        ('module.network["a.b"].aws_iam_role.flow', ("infra/network/main.tf", 3)),
        ('module.network["a"].module.deep.aws_iam_role.flow[1]', ("infra/network/deep/x.tf", 1)),
        ("module.near.aws_iam_user.n", ("modules/near/x.tf", 2)),
        ("module.far.aws_iam_role.r", None),
        ("module.none.aws_iam_role.r", None),
        ("aws_iam_role.quoted", None),
        ("aws_iam_role.commented", None),
        ("aws_iam_role.deploy_other", None),
        ("", None),
    ],
)
def test_addresses(root: Path, address: str, expected: tuple[str, int] | None) -> None:
    """By module, type and name, without index; what is a comment, a string or elsewhere is not found."""
    assert found(root, address) == expected


def test_modules_that_terraform_installed(root: Path) -> None:
    """Then those of a registry are found, too; a list of another shape is none."""
    listed = root / ".terraform/modules/modules.json"
    listed.write_text(
        json.dumps({"Modules": [{"Key": "", "Dir": "."}, {"Key": "far", "Dir": ".terraform/modules/far"}]})
    )
    installed = found(root, "module.far.aws_iam_role.r")
    listed.write_text('{"Modules": [1]}')

    assert installed == ("infra/.terraform/modules/far/x.tf", 1)
    assert found(root, "module.far.aws_iam_role.r") is None


def test_a_plan_gets_its_places(root: Path) -> None:
    """Where the source has them; the plan itself is the place of the others."""
    unread = Unread(place=PlannedPlace(file="plan.json", resource="aws_iam_user.bare"), reason="why")
    given = plan(with_credential(role("deploy")), unread=(unread,))
    (one,), (gap,) = located(given, TerraformSource(root)).identities, located(given, TerraformSource(root)).unread

    assert [(place.line, place.resource) for place in one.places] == [(4, "aws_iam_role.deploy")]
    assert [place.file for place in one.credentials_at.values()] == ["plan.json"]
    assert gap.place.line == 14
    assert located(plan(format="cloudformation"), TerraformSource(root)) == plan(format="cloudformation")


PIECES = st.sampled_from(
    [
        'resource "a" "b" {',
        "module x {",
        "}",
        "{",
        '"',
        "<<A\n",
        "A\n",
        "/*",
        "*/",
        "#",
        "\n",
        "${",
        "source = ",
        "\\",
        "é",
    ]
)


@given(text=st.lists(PIECES, max_size=40).map("".join))
@examples(100, smoke=100)
def test_any_text_has_blocks(text: str) -> None:
    """Of lines that are there, in order."""
    lines = [block.line for block in blocks(text)]

    assert all(1 <= line <= text.count("\n") + 1 for line in lines)
