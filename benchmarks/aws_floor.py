"""The fewest calls that list the same of an AWS account, and nothing else: the baseline of ``aws_scan``.

One listing of all details and one of roles, the credential report, the summary with the root user, the
listings of which there is one for each account, ListAccessKeys for users with keys one after the other, and, in each
region, the listings of what is to be read there: secrets alone, or all that is on by default. Which listings those are
it takes from the connector's own declarations: fewer cannot say whether there is anything of a kind. What hangs under
rows, and calls for each row, it does not make; the estate has none but secrets.

Run as a process: ``python -m benchmarks.aws_floor URL RESOURCES``.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from contextlib import suppress

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
from botocore.parsers import ResponseParserError

from connectors.aws.workloads.catalog import TYPES, USUAL, wanted
from connectors.aws.workloads.declarations import ResourceType
from tests.connectors.aws.estate import REGIONS
from tests.servers.moto_server import ACCOUNT

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
    if sys.argv[2] == USUAL:
        for region in REGIONS:
            boto3.client("resourcegroupstaggingapi", endpoint_url=endpoint, region_name=region).get_resources()
    listed = sum(_listed(endpoint, region, one) for region in REGIONS for one in _listings(sys.argv[2]))
    print(sum(len(page["UserDetailList"]) for page in pages), len(keys), listed)


def _listings(resources: str) -> Iterator[ResourceType]:
    chosen = wanted([resources])
    return (one for one in TYPES if one.section in chosen and one.listing.under is None)


def _listed(endpoint: str, region: str, one: ResourceType) -> int:
    """How many pages a listing has; what the emulator has not got counts as one that was tried."""
    config = Config(retries={"total_max_attempts": 1}, inject_host_prefix=False)
    client = boto3.client(one.service, endpoint_url=endpoint, region_name=region, config=config)
    method, listing = xform_name(one.listing.operation), one.listing
    by = {name: template.format(account=ACCOUNT) for name, template in listing.by.items()}
    with suppress(ClientError, ResponseParserError, HTTPClientError):
        if client.can_paginate(method):
            paging = {"PageSize": listing.size} if listing.size else {}
            return len(list(client.get_paginator(method).paginate(PaginationConfig=paging, **listing.parameters, **by)))
        getattr(client, method)(**listing.parameters, **by)
    return 1


if __name__ == "__main__":
    main()
