"""Records in CloudTrail's published shape, and files of them as a trail writes them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from connectors.aws.logs.cloudtrail import CloudTrailLog
from connectors.logs import LogSettings
from connectors.logs.files import FileLog
from scanner.model.activity import CallerDay, LogDay, LogUnit, UnitReading

ACCOUNT, OTHER = "111122223333", "444455556666"
DAY = date(2026, 11, 20)
SINCE, UNTIL = date(2026, 9, 1), date(2026, 11, 28)
ROLE = f"arn:aws:iam::{ACCOUNT}:role/apps/ledger"
"""Its sessions' ARNs lack the path."""


def role(name: str = "ledger", *, path: str = "apps/", session: str = "build", account: str = ACCOUNT,
         **more: Any) -> dict[str, Any]:  # fmt: skip
    """``userIdentity`` of a session of a role."""
    return {
        "type": "AssumedRole",
        "principalId": f"AROAEXAMPLE{name.upper()}:{session}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session}",
        "accountId": account,
        "accessKeyId": "ASIAEXAMPLE0000000001",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": f"AROAEXAMPLE{name.upper()}",
                "arn": f"arn:aws:iam::{account}:role/{path}{name}",
                "accountId": account,
                "userName": name,
            },
            "attributes": {"creationDate": "2026-11-20T09:00:00Z", "mfaAuthenticated": "false"},
        },
        **more,
    }


USER: Mapping[str, Any] = {
    "type": "IAMUser",
    "principalId": "AIDAEXAMPLEUSER",
    "arn": f"arn:aws:iam::{ACCOUNT}:user/ci/deployer",
    "accountId": ACCOUNT,
    "accessKeyId": "AKIAEXAMPLE0000000001",
    "userName": "deployer",
}
_numbers = iter(range(10**9))


def event(name: str = "s3:ListObjects", who: Mapping[str, Any] | None = None, at: str = "10:00:00",
          **more: Any) -> dict[str, Any]:  # fmt: skip
    """One record; ``name`` is ``SOURCE:EVENT``. Whatever is given besides stands in the record."""
    source, _, call = name.partition(":")
    return {
        "eventVersion": "1.11",
        "userIdentity": role() if who is None else dict(who),
        "eventTime": at if "T" in at else f"2026-11-20T{at}Z",
        "eventSource": f"{source}.amazonaws.com",
        "eventName": call,
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "203.0.113.7",
        "userAgent": "Boto3/1.35.0 md/Botocore#1.35.0 lang/python#3.11.9 Botocore/1.35.0",
        "requestParameters": None,
        "responseElements": None,
        "requestID": "r-1",
        "eventID": f"00000000-0000-4000-8000-{next(_numbers):012}",
        "readOnly": True,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
        **more,
    }


def key_of(
    day: date = DAY, *, account: str = ACCOUNT, region: str = "eu-west-1", number: int = 1, org: str = ""
) -> str:
    """The key of a file in the bucket."""
    return (
        f"AWSLogs/{org}{account}/CloudTrail/{region}/{day:%Y/%m/%d}/"
        f"{account}_CloudTrail_{region}_{day:%Y%m%d}T{number:04}Z_aB3dEfGhIjKlMnOp.json.gz"
    )


def packed(*events: Mapping[str, Any]) -> bytes:
    """A file's content."""
    return gzip.compress(json.dumps({"Records": events}).encode())


def put(root: Path, content: bytes, name: str | None = None, **place: Any) -> Path:
    """Write a file where a trail would."""
    path = root / (name or key_of(**place))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def log_of(path: object, **settings: Any) -> CloudTrailLog:
    """The reader of a folder."""
    return CloudTrailLog(LogSettings(log="trail", path=str(path), **settings), None)


def read_all(log: FileLog, since: date = SINCE, until: date = UNTIL) -> tuple[list[UnitReading], list[LogDay]]:
    """Every unit, and the days that the listing says are gaps."""
    listed = list(log.units(since, until))
    units = [one for one in listed if isinstance(one, LogUnit)]
    return [log.read(one) for one in units], [one for one in listed if isinstance(one, LogDay)]


def profiles(root: Path, *events: Mapping[str, Any], **settings: Any) -> dict[str, CallerDay]:
    """The profiles of one file with these records, by caller."""
    put(root, packed(*events))
    (reading,), _ = read_all(log_of(root, **settings))
    assert [one.detail for one in reading.coverage] == [None]
    return {one.caller: one for one in reading.callers}


def features(profile: CallerDay, *sorts: str) -> Sequence[str]:
    """The features of these sorts."""
    return [text for text in profile.counts if text.partition("=")[0] in sorts]
