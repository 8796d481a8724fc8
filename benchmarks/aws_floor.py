"""The fewest calls that tell the same of an AWS account, and nothing else: the baseline of ``aws_scan``.

One listing of all details, the credential report, the summary that tells of the root user, ListAccessKeys for users
with keys one after the other, and ListSecrets in each region. Run as a process: ``python -m benchmarks.aws_floor URL``.
"""

from __future__ import annotations

import csv
import io
import sys

import boto3

from tests.connectors.aws.estate import REGIONS


def main() -> None:
    """Read the account behind the endpoint and say how much there was."""
    endpoint = sys.argv[1]
    iam = boto3.client("iam", endpoint_url=endpoint)
    boto3.client("sts", endpoint_url=endpoint).get_caller_identity()
    details = iam.get_paginator("get_account_authorization_details")
    pages = list(details.paginate(PaginationConfig={"PageSize": 1000}))
    iam.generate_credential_report()
    report = iam.get_credential_report()["Content"].decode()
    rows = list(csv.DictReader(io.StringIO(report)))
    iam.get_account_summary()
    with_keys = [row["user"] for row in rows if row["access_key_1_last_rotated"] != "N/A"]
    keys = [key for user in with_keys for key in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]]
    secrets = 0
    for region in REGIONS:
        client = boto3.client("secretsmanager", endpoint_url=endpoint, region_name=region)
        for page in client.get_paginator("list_secrets").paginate(PaginationConfig={"PageSize": 100}):
            secrets += len(page["SecretList"])
    print(sum(len(page["UserDetailList"]) for page in pages), len(keys), secrets)


if __name__ == "__main__":
    main()
