"""The fewest calls that tell the same of an AWS account, and nothing else: the baseline of ``aws_scan``.

One listing of all details and one of roles, the credential report, the summary that tells of the root user, the
listings of which there is one for each account, ListAccessKeys for users with keys one after the other, and ListSecrets
in each region. Run as a process: ``python -m benchmarks.aws_floor URL``.
"""

from __future__ import annotations

import csv
import io
import sys
from contextlib import suppress

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from tests.connectors.aws.estate import REGIONS

_LISTINGS = ("list_roles", "list_virtual_mfa_devices", "list_server_certificates", "list_instance_profiles")
_CALLS = (
    "list_service_specific_credentials", "list_open_id_connect_providers", "list_saml_providers",
    "get_outbound_web_identity_federation_info", "list_delegation_requests",
)  # fmt: skip


def main() -> None:
    """Read the account behind the endpoint and say how much there was."""
    endpoint = sys.argv[1]
    iam = boto3.client("iam", endpoint_url=endpoint, config=Config(retries={"total_max_attempts": 1}))
    boto3.client("sts", endpoint_url=endpoint).get_caller_identity()
    details = iam.get_paginator("get_account_authorization_details")
    pages = list(details.paginate(PaginationConfig={"PageSize": 1000}))
    for listing in _LISTINGS:
        list(iam.get_paginator(listing).paginate(PaginationConfig={"PageSize": 1000}))
    for call in _CALLS:
        with suppress(ClientError, ResponseParserError):  # the emulator does not have all of them
            getattr(iam, call)()
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
