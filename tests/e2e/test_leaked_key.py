"""A key in a repository, the account that it opens, and who answers for it: one line, from the real connectors."""

from __future__ import annotations

import csv
from pathlib import Path

from tests.cli.conftest import Muster, muster
from tests.connectors.aws.conftest import aws, moto, running_proxy
from tests.connectors.aws.estate import Estate, arn, document
from tests.connectors.secrets_report.reports import gitleaks, written
from tests.factories import ACCOUNT

__all__ = ["aws", "moto", "muster", "running_proxy"]

CONFIG = """
[[registry]]
path = "registry.csv"
[[people]]
path = "people.csv"
[[source]]
name = "prod"
type = "aws"
endpoint_url = "{url}"
regions = ["eu-west-1"]
resources = "secretsmanager"
[[source]]
name = "leaks"
type = "secrets_report"
path = "leaks.json"
"""


def test_which_leaked_key_first(aws: Estate, muster: Muster, tmp_path: Path) -> None:
    """The administrator's live key comes before a reader's, and a disabled one last; each with its owner."""
    keys = {}
    for name in ("deploy", "reader", "old"):
        aws.iam.create_user(UserName=name)
        keys[name] = aws.iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
    aws.iam.put_user_policy(UserName="deploy", PolicyName="all", PolicyDocument=document("*"))
    aws.iam.put_user_policy(UserName="old", PolicyName="all", PolicyDocument=document("*"))
    aws.iam.update_access_key(UserName="old", AccessKeyId=keys["old"], Status="Inactive")
    rows = [gitleaks(Secret=keys[name], Match=keys[name], File=f"{name}.env") for name in ("reader", "old", "deploy")]
    written(tmp_path, rows, "leaks.json")
    (tmp_path / "config.toml").write_text(CONFIG.format(url=aws.proxy.url))
    (tmp_path / "registry.csv").write_text(f"id,identities,owner\nN-1,{arn('user', 'deploy')},grace@example.com\n")
    (tmp_path / "people.csv").write_text("email,name\nada@example.com,Ada\ngrace@example.com,Grace\n")

    done = muster("scan", "--view", "exposed", "-o", "csv:-")

    assert done.code == 0, done.err
    found = list(csv.DictReader(done.out.splitlines()))
    assert [(row["key_id"], row["name"], row["state"], row["owner"], row["place"]) for row in found] == [
        (keys["deploy"], "deploy", "live", "grace@example.com", "deploy.env:3"),
        (keys["reader"], "reader", "live", "", "reader.env:3"),
        (keys["old"], "old", "disabled", "", "old.env:3"),
    ]
    assert {row["scope"] for row in found} == {ACCOUNT}
    assert [row["rank"] for row in found] == ["1", "2", "3"]
