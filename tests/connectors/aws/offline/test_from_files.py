"""An account from what the AWS command line wrote: what a scan of the account itself finds, without calling it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.cli.conftest import Muster, muster
from tests.connectors.aws.estate import Estate, arn, document
from tests.connectors.aws.offline.command_line import CommandLine
from tests.connectors.aws.offline.exported import read
from tests.servers.moto_server import ENVIRONMENT

__all__ = ["muster"]
pytestmark = pytest.mark.real_server
RESOURCES = ("secretsmanager", "ssm", "lambda.functions", "ec2.instances")


@pytest.fixture
def cli(aws: Estate, tmp_path: Path) -> CommandLine:
    """The command line, before an account with one of most things."""
    keys = aws.user("deploy", keys=2, allow="iam:CreateAccessKey", tags={"owner": "ada@example.com"})
    aws.iam.update_access_key(UserName="deploy", AccessKeyId=keys[1], Status="Inactive")
    aws.user("ada", password=True)
    aws.user("Active", keys=1)
    aws.iam.create_group(GroupName="admins")
    aws.iam.put_group_policy(GroupName="admins", PolicyName="all%20", PolicyDocument=document("*"))
    aws.iam.add_user_to_group(GroupName="admins", UserName="ada")
    aws.role("worker", allow="bedrock:InvokeModel")
    aws.role("shared", trusts={"AWS": arn("user", "deploy")})
    aws.iam.create_open_id_connect_provider(
        Url="https://token.actions.githubusercontent.com", ClientIDList=["sts.amazonaws.com"]
    )
    aws.secret("db")
    parameters = aws.moto.client("ssm")
    parameters.put_parameter(Name="/key", Value="hunter2-never-read", Type="SecureString")
    parameters.put_parameter(Name="/plain", Value="not a secret", Type="String")
    return CommandLine(aws.moto, tmp_path / "export")


def _export(cli: CommandLine) -> None:
    """All that is to be known of it."""
    cli.account()
    cli.run("secretsmanager list-secrets", "regional/secrets.json")
    cli.run("ssm describe-parameters", "regional/parameters.json")
    cli.run("lambda list-functions", "regional/lambda.json")
    cli.run("ec2 describe-instances", "regional/ec2.json")
    cli.run("resourcegroupstaggingapi get-resources", "regional/tags.json")
    cli.write("regional/anchors.json", {"trustAnchors": []})


def test_files_say_what_the_account_does(aws: Estate, cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every identity, secret and workload with all that is known of it; without credentials, nothing is missing."""
    live = aws.read(regions=("eu-west-1",), resources=RESOURCES)
    _export(cli)
    for name in ENVIRONMENT:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_PROFILE", "one-that-is-not-there")

    found = read(cli.folder, regions=("eu-west-1",), resources=RESOURCES)

    ours = {"source": "prod", "observed_at": None}
    assert {name: replace(each, **ours) for name, each in found.identities.items()} == live.identities
    assert {name: replace(each, source="prod") for name, each in found.secrets.items()} == live.secrets
    assert {name: replace(each, source="prod") for name, each in found.workloads.items()} == live.workloads
    assert found.gaps == {}
    assert {each.calls for each in found.coverage.values()} == {0}
    assert (len(live.identities), len(live.secrets)) == (7, 2)


def test_a_scan_of_files_comes_to_the_same_findings(
    muster: Muster,  # the imported fixture
    aws: Estate,
    cli: CommandLine,
    tmp_path: Path,
) -> None:
    """From the command line, with paths as a user gives them."""
    (tmp_path / "registry.csv").write_text("id,arn,owner\nA,deploy,ada@example.com\nB,gone,ada@example.com\n")
    _export(cli)
    about = "regions=eu-west-1,resources=secretsmanager+ssm+lambda.functions+ec2.instances"

    live = _findings(muster, f"aws:endpoint_url={aws.proxy.url},{about}", "live.db")
    reported = _findings(muster, f"aws:from_files=export,{about}", "files.db")

    assert reported == live
    assert {rule for rule, *_ in live} >= {"unregistered", "entry_not_found"}


def _findings(run: Muster, source: str, store: str) -> list[tuple[str, ...]]:
    done = run(
        "scan", source, "--registry", "registry.csv", "--store", f"sqlite:///{store}", "-o", "json:-", "--strict"
    )
    assert done.code == 0, done.err
    found = json.loads(done.out)["findings"]
    return sorted((one["rule"], one["severity"], str(one["identity"]), str(one["credential"])) for one in found)


def test_doctor_says_what_files_hold(muster: Muster, cli: CommandLine) -> None:  # the imported fixture
    """How many answers about which accounts, and each file that cannot be used."""
    cli.account()
    (cli.folder / "broken.json").write_text("{")

    done = muster("doctor", "aws:from_files=export")

    assert done.code == 1
    assert "answers about accounts 123456789012" in done.out
    assert "broken.json" in done.out
    assert "it is cut short" in done.out
