"""The templates of the read-only role: they grant what ``--policy`` prints, and the tools they are for take them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hcl2
import pytest
import yaml
from pycep import BicepParser

from connectors.aws.least_privilege import NEVER, NEVER_BUT_LOGS, USUAL_ROLE, least_policies
from connectors.azure.connector import AzureConnector
from connectors.catalog import connector_catalog
from connectors.core.contract import RoleTemplates
from connectors.gcp.connector import GcpConnector
from tests.servers.moto_server import MotoServer, moto_server

ROLES = Path(__file__).parents[2] / "deploy" / "roles"
FILES = {
    ("aws", "cloudformation"): "aws/template.yaml",
    ("aws", "terraform"): "aws/main.tf",
    ("azure", "bicep"): "azure/main.bicep",
    ("azure", "bicep-vaults"): "azure/vaults.bicep",
    ("azure", "terraform"): "azure/main.tf",
    ("gcp", "gcloud"): "gcp/role.sh",
    ("gcp", "terraform"): "gcp/main.tf",
}
READ_BY_MEMBERS = {
    action
    for document in least_policies(role=None)
    for statement in json.loads(document)["Statement"]
    if statement["Effect"] == "Allow"
    for action in statement["Action"]
}


def templates() -> dict[tuple[str, str], str]:
    """All of all connectors, by connector and format."""
    catalog = connector_catalog()
    kinds = {name: kind for name in catalog.names if issubclass(kind := catalog.load(name), RoleTemplates)}
    return {(name, each): write() for name, kind in kinds.items() for each, write in kind.role_templates().items()}


def leaves(value: Any) -> Iterator[str]:
    """Every text in a parsed template, without the quotes that the parser of HCL leaves on it."""
    if isinstance(value, str):
        yield value.strip('"')
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from leaves(each)


def resources(path: Path) -> dict[str, dict[str, Any]]:
    """The resources of a Terraform file, by type and name."""
    return {
        f"{kind}.{name}".replace('"', ""): body
        for block in hcl2.loads(path.read_text())["resource"]
        for kind, named in block.items()
        for name, body in named.items()
    }


def test_those_under_deploy_are_what_is_printed() -> None:
    """``make roles`` writes them anew after a connector's permissions have changed."""
    kept = {key: (ROLES / name).read_text() for key, name in FILES.items()}
    there = {str(path.relative_to(ROLES)) for path in ROLES.rglob("*") if path.is_file()}

    assert kept == templates()
    assert there == set(FILES.values())


# --- AWS ------------------------------------------------------------------------


def test_cloudformation_is_valid() -> None:
    """By AWS's own linter, with every warning."""
    linter = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run([linter, ROLES / "aws/template.yaml"], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")


def test_the_commands_for_a_stack_set_are_ones_that_aws_takes() -> None:
    """Each option is a parameter of the call, and every parameter that must be there is."""
    from botocore import xform_name
    from botocore.loaders import Loader

    operations = Loader().load_service_model("cloudformation", "service-2")
    text = (ROLES / "aws/template.yaml").read_text()
    commands = re.findall(r"^# +aws cloudformation (\S+) ((?:.*\\\n)*.*)$", text, re.MULTILINE)
    by_name = {xform_name(name, "-"): one for name, one in operations["operations"].items()}

    assert [name for name, _ in commands] == ["create-stack-set", "create-stack-instances"]
    for name, options in commands:
        shape = operations["shapes"][by_name[name]["input"]["shape"]]
        known = {xform_name(member, "-") for member in shape["members"]}
        used = set(re.findall(r"--([a-z-]+)", options))
        assert used <= known
        assert {xform_name(member, "-") for member in shape["required"]} <= used


@pytest.fixture(scope="module")
def moto() -> Iterator[MotoServer]:
    """An empty account."""
    with moto_server() as server:
        yield server


@pytest.mark.real_server
@pytest.mark.parametrize("external_id", ["", "acme-7"])
def test_a_stack_makes_the_role(moto: MotoServer, external_id: str) -> None:
    """With all that reading an account takes, the refusals, and the caller alone in its trust policy."""
    moto.reset()
    scanner = "arn:aws:iam::210987654321:role/muster"
    given = {"Scanner": scanner, **({"ExternalId": external_id} if external_id else {})}
    parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]

    moto.client("cloudformation").create_stack(
        StackName="muster", TemplateBody=(ROLES / "aws/template.yaml").read_text(), Parameters=parameters
    )

    iam = moto.client("iam")
    (trust,) = iam.get_role(RoleName=USUAL_ROLE)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    statements = []
    for policy in iam.list_attached_role_policies(RoleName=USUAL_ROLE)["AttachedPolicies"]:
        version = iam.get_policy(PolicyArn=policy["PolicyArn"])["Policy"]["DefaultVersionId"]
        document = iam.get_policy_version(PolicyArn=policy["PolicyArn"], VersionId=version)["PolicyVersion"]["Document"]
        statements += document["Statement"]
    assert trust["Principal"] == {"AWS": scanner}
    assert trust.get("Condition") == ({"StringEquals": {"sts:ExternalId": external_id}} if external_id else None)
    assert {action for one in statements if one["Effect"] == "Allow" for action in one["Action"]} == READ_BY_MEMBERS
    assert {action for one in statements if one["Effect"] == "Deny" for action in one["Action"]} == {
        *NEVER, *NEVER_BUT_LOGS,
    }  # fmt: skip
    assert not [action for action in READ_BY_MEMBERS if action.startswith("organizations:") or "AssumeRole" in action]


def test_terraform_for_aws_has_the_same_documents() -> None:
    """As expressions of its own language."""
    module = hcl2.loads((ROLES / "aws/main.tf").read_text())

    documents = module["locals"][0]["policies"]
    reported = ["".join(re.findall(r'"[^"]*"', one)) for one in documents]
    assert reported == ["".join(re.findall(r'"[^"]*"', document)) for document in least_policies(role=None)]
    assert set(resources(ROLES / "aws/main.tf")) == {
        "aws_iam_role.muster", "aws_iam_role_policy_attachment.muster", "aws_iam_policy.muster",
    }  # fmt: skip


# --- Azure ----------------------------------------------------------------------

PRINTED = json.loads(AzureConnector.base_policy())
AZURE_ROLES = {role["Name"]: role for role in PRINTED["azureCustomRoles"]}


def test_bicep_has_the_roles_and_assigns_each() -> None:
    """Those with data actions in a file of their own, for subscriptions."""
    found, scopes, assigned = {}, {}, []
    for name in ("main", "vaults"):
        parsed = BicepParser().parse(text=(ROLES / f"azure/{name}.bicep").read_text())
        assert parsed["parameters"]["principalId"]["type"] == "string"
        for resource in parsed["resources"].values():
            properties = resource["config"]["properties"]
            if resource["type"] == "Microsoft.Authorization/roleDefinitions":
                role = properties["roleName"].replace(" ${subscription().subscriptionId}", "")
                (found[role],) = properties["permissions"]
                scopes[role] = parsed["globals"]["scope"]["value"]
            else:
                assert resource["type"] == "Microsoft.Authorization/roleAssignments"
                assigned.append(properties["roleDefinitionId"])

    assert {name: (one["actions"], one["dataActions"]) for name, one in found.items()} == {
        name: (role["Actions"], role["DataActions"]) for name, role in AZURE_ROLES.items()
    }
    assert scopes == {
        name: "subscription" if role["DataActions"] else "managementGroup" for name, role in AZURE_ROLES.items()
    }
    assert len(assigned) == len(AZURE_ROLES)


def test_terraform_for_azure_has_the_roles_and_the_permissions_of_graph() -> None:
    """Each role assigned, Graph's permissions by their ids."""
    module = hcl2.loads((ROLES / "azure/main.tf").read_text())
    made = resources(ROLES / "azure/main.tf")

    definitions = [body for name, body in made.items() if name.startswith("azurerm_role_definition.")]
    found = {
        body["name"].strip('"').replace(" ${each.key}", ""): [
            [*leaves(one[key])] for one in body["permissions"] for key in ("actions", "data_actions")
        ]
        for body in definitions
    }
    assert found == {name: [role["Actions"], role["DataActions"]] for name, role in AZURE_ROLES.items()}
    assert len([name for name in made if name.startswith("azurerm_role_assignment.")]) == len(definitions)
    permissions = module["locals"][0]["graph_permissions"]
    assert sorted(leaves(permissions)) == sorted(PRINTED["graphApplicationPermissions"].values())


# --- Google Cloud ---------------------------------------------------------------

GCP_ROLE = yaml.safe_load(GcpConnector.base_policy())


@pytest.mark.parametrize("there", [False, True], ids=["new", "again"])
def test_the_script_makes_the_role_and_grants_it(tmp_path: Path, there: bool) -> None:
    """Or brings it up to date; with gcloud's part taken by a program that writes down what it is asked."""
    program = tmp_path / "gcloud"
    program.write_text(
        f"""#!{sys.executable}
import json, pathlib, sys
files = [pathlib.Path(one.removeprefix("--file=")).read_text() for one in sys.argv if one.startswith("--file=")]
with open({str(tmp_path / "log")!r}, "a") as log:
    log.write(json.dumps([sys.argv[1:], files]) + "\\n")
sys.exit({0 if there else 1} if "describe" in sys.argv else 0)
"""
    )
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "TMPDIR": str(tmp_path)}
    scanner = "muster@acme.iam.gserviceaccount.com"

    subprocess.run(["sh", str(ROLES / "gcp/role.sh"), "99", scanner, "audit"], env=environment, check=True)

    calls = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    (described, made, granted, charged, enabled) = (called for called, _ in calls)
    ((text,),) = (files for _, files in calls if files)
    assert described[:3] == ["iam", "roles", "describe"]
    assert made[:4] == ["iam", "roles", "update" if there else "create", "musterAudit"]
    assert yaml.safe_load(text) == GCP_ROLE
    assert {f"--member=serviceAccount:{scanner}", "--role=organizations/99/roles/musterAudit"} <= set(granted)
    assert charged[:3] == ["projects", "add-iam-policy-binding", "audit"]
    apis = re.search(r"services enable .*\n# +(.*)", GcpConnector.base_policy())
    assert apis is not None
    assert enabled[3:] == apis[1].split()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("tmp.")] == []


def test_the_script_says_what_it_needs() -> None:
    """And asks nothing of anyone before."""
    done = subprocess.run(["sh", str(ROLES / "gcp/role.sh")], capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert "the number of the organization" in done.stderr


def test_terraform_for_google_cloud_has_the_role() -> None:
    """And who holds it."""
    made = resources(ROLES / "gcp/main.tf")

    role = made["google_organization_iam_custom_role.muster"]
    assert [*leaves(role["permissions"])] == GCP_ROLE["includedPermissions"]
    assert set(made) == {
        "google_organization_iam_custom_role.muster", "google_organization_iam_member.muster",
        "google_project_iam_member.quota", "google_project_service.asked",
    }  # fmt: skip
