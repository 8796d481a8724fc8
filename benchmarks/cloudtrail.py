"""Events of CloudTrail a second and core, from packed files of S3's layout to profiles.

``python -m benchmarks cloudtrail [EVENTS]``. CPU seconds of a process of its own; the baselines run beside it, on the
same files: a grouping by seven members with Muster's decoder, with Python's json and gzip, and with DuckDB where it is
installed.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import GenericAlias
from typing import Any

import msgspec
from msgspec import defstruct, field

from benchmarks.measure import run

ACCOUNT = "111122223333"
DAY = date(2026, 11, 20)
EVENTS = 200_000
_A_FILE = 1_000
_AGENTS = (
    "Boto3/1.35.0 md/Botocore#1.35.0 ua/2.0 os/linux#5.15 md/arch#x86_64 lang/python#3.11.9 Botocore/1.35.0",
    "aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5 md/GOOS#linux md/GOARCH#amd64 api/sts#1.30.3",
    "APN/1.0 HashiCorp/1.0 Terraform/1.9.2 (+https://www.terraform.io) terraform-provider-aws/5.60.0",
    "aws-cli/2.17.20 md/awscrt#0.21.2 ua/2.0 os/linux lang/python#3.11.9 md/prompt#off md/command#s3api.list-objects",
)
_CALLS = (
    ("s3", "GetObject", True), ("s3", "PutObject", False), ("s3", "ListObjects", True), ("kms", "Decrypt", True),
    ("dynamodb", "DescribeTable", True), ("ec2", "DescribeInstances", True), ("logs", "CreateLogStream", False),
    ("lambda", "GetFunction20150331v2", True), ("sqs", "GetQueueAttributes", True), ("iam", "GetRole", True),
    ("secretsmanager", "GetSecretValue", True), ("ssm", "GetParameters", True), ("sts", "AssumeRole", True),
    ("sts", "GetCallerIdentity", True), ("cloudwatch", "DescribeAlarms", True), ("ecs", "UpdateService", False),
)  # fmt: skip


def records(events: int, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Made-up events of 400 roles in the published shape, some 1.3 kB each, in the order of time."""
    chance = random.Random(seed)
    sessions = [
        (role, f"ASIA{role:04}{number:012}", chance.choice(_AGENTS), f"198.51.{role % 250}.{chance.randrange(250)}")
        for role in range(400)
        for number in range(4)
    ]
    for number in range(events):
        role, key, agent, address = chance.choice(sessions)
        service, name, reads = chance.choice(_CALLS[role % 9 : role % 9 + 6])
        at = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC) + timedelta(seconds=number * 86_000 / events)
        yield {
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "AssumedRole",
                "principalId": f"AROAEXAMPLE{role:010}:i-{role:017x}",
                "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/service-{role}/i-{role:017x}",
                "accountId": ACCOUNT,
                "accessKeyId": key,
                "sessionContext": {
                    "sessionIssuer": {
                        "type": "Role",
                        "principalId": f"AROAEXAMPLE{role:010}",
                        "arn": f"arn:aws:iam::{ACCOUNT}:role/services/service-{role}",
                        "accountId": ACCOUNT,
                        "userName": f"service-{role}",
                    },
                    "attributes": {"creationDate": "2026-11-20T00:00:00Z", "mfaAuthenticated": "false"},
                    "ec2RoleDelivery": "2.0",
                },
            },
            "eventTime": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "eventSource": f"{service}.amazonaws.com",
            "eventName": name,
            "awsRegion": "eu-west-1",
            "sourceIPAddress": address,
            "userAgent": agent,
            "requestParameters": {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/target-{role}", "roleSessionName": "s"}
            if name == "AssumeRole"
            else {
                "bucketName": f"bucket-{role}",
                "Host": "s3.eu-west-1.amazonaws.com",
                "key": f"{chance.random():.12f}",
            },
            "responseElements": None,
            "additionalEventData": {"SignatureVersion": "SigV4", "CipherSuite": "TLS_AES_128_GCM_SHA256"},
            "requestID": f"{chance.getrandbits(128):032x}",
            "eventID": f"{chance.getrandbits(128):032x}",
            "readOnly": reads,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": ACCOUNT,
            "eventCategory": "Management",
            "tlsDetails": {
                "tlsVersion": "TLSv1.3",
                "cipherSuite": "TLS_AES_128_GCM_SHA256",
                "clientProvidedHostHeader": f"{service}.eu-west-1.amazonaws.com",
            },
            **({"errorCode": "AccessDenied"} if chance.random() < 0.02 else {}),
        }


def write(root: Path, events: int) -> int:
    """One day of an account in S3's layout; gives the unpacked size in bytes."""
    folder = root / f"AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/{DAY:%Y/%m/%d}"
    folder.mkdir(parents=True)
    size, rows = 0, []
    for number, record in enumerate(records(events), 1):
        rows.append(record)
        if len(rows) == _A_FILE or number == events:
            content = json.dumps({"Records": rows}, separators=(",", ":")).encode()
            size += len(content)
            name = f"{ACCOUNT}_CloudTrail_eu-west-1_{DAY:%Y%m%d}T{number // 60 % 2400:04}Z_{number:016}.json.gz"
            (folder / name).write_bytes(gzip.compress(content, 6))
            rows = []
    return size


def muster(root: str) -> None:
    """The reader as it is."""
    from connectors.aws.logs.cloudtrail import CloudTrailLog
    from connectors.logs import LogSettings
    from scanner.model.activity import LogUnit

    log = CloudTrailLog(LogSettings(log="trail", path=root), None)
    for unit in log.units(DAY, DAY):
        assert isinstance(unit, LogUnit)
        assert log.read(unit).events


def plain_python(root: str) -> None:
    """What a script would do: json, gzip, and a Counter of seven members."""
    counts: Counter[tuple[Any, ...]] = Counter()
    for path in sorted(Path(root).rglob("*.gz")):
        for one in json.loads(gzip.decompress(path.read_bytes()))["Records"]:
            issuer = one["userIdentity"].get("sessionContext", {}).get("sessionIssuer", {})
            counts[
                issuer.get("arn"), one["eventSource"], one["eventName"], one["eventTime"][:10], one.get("errorCode"),
                one["sourceIPAddress"], one["userAgent"],
            ] += 1  # fmt: skip
    assert counts


def floor(root: str) -> None:
    """What unpacking, decoding every member that Muster reads into its type, and that grouping cost alone."""
    from connectors.aws.logs.callers import Who
    from connectors.aws.logs.events import Event
    from connectors.logs.content import Records, unpacked

    typed = defstruct("Typed", [("who", Who | None, field(name="userIdentity"))], bases=(Event,), gc=False, frozen=True)
    decode = Records[Any](typed, ("Records",)).of
    counts: Counter[tuple[Any, ...]] = Counter()
    for path in sorted(Path(root).rglob("*.gz")):
        for some in decode(unpacked([path.read_bytes()])):
            for one in some:
                who = one.who
                issuer = who.session.issuer if who is not None and who.session is not None else None
                counts[
                    issuer and issuer.arn, one.event_source, one.event_name, one.event_time[:10], one.error_code,
                    one.address, one.user_agent,
                ] += 1  # fmt: skip
    assert counts


def seven_members(root: str) -> None:
    """The same with a record of the seven members alone: what a script costs that is for this question."""
    issuer = defstruct("Issuer", [("arn", str, "")])
    session = defstruct("Session", [("issuer", issuer | None, field(default=None, name="sessionIssuer"))])
    who = defstruct("Who", [("session", session | None, field(default=None, name="sessionContext"))])
    texts = [(name, str) for name in ("eventSource", "eventName", "eventTime", "sourceIPAddress", "userAgent")]
    record = defstruct("Record", [*texts, ("userIdentity", who), ("errorCode", str, "")], gc=False)
    file: Any = defstruct("File", [("Records", GenericAlias(list, (record,)))])
    decode = msgspec.json.Decoder(file).decode
    counts: Counter[tuple[Any, ...]] = Counter()
    for path in sorted(Path(root).rglob("*.gz")):
        for one in decode(gzip.decompress(path.read_bytes())).Records:
            session = one.userIdentity.session
            counts[
                session and session.issuer and session.issuer.arn, one.eventSource, one.eventName, one.eventTime[:10],
                one.errorCode, one.sourceIPAddress, one.userAgent,
            ] += 1  # fmt: skip
    assert counts


def duckdb(root: str) -> None:
    """The same grouping in SQL, by one thread."""
    engine = import_module("duckdb")

    engine.sql("SET threads = 1")
    engine.sql(
        "SELECT r.userIdentity.sessionContext.sessionIssuer.arn, r.eventSource, r.eventName, r.eventTime::DATE,"  # noqa: S608  # the folder is our own
        " r.errorCode, r.sourceIPAddress, r.userAgent, count(*)"
        f" FROM (SELECT unnest(Records) AS r FROM read_json('{root}/**/*.json.gz', maximum_object_size=67108864))"
        " GROUP BY ALL"
    ).fetchall()


WAYS = {
    "muster": muster,
    "floor": floor,
    "seven_members": seven_members,
    "plain_python": plain_python,
    "duckdb": duckdb,
}


def main(arguments: list[str]) -> None:
    """Write the files, and read them in each way in a process of its own."""
    if len(arguments) == 2:
        WAYS[arguments[0]](arguments[1])
        return
    events = int(arguments[0]) if arguments else EVENTS
    with tempfile.TemporaryDirectory() as folder:
        size = write(Path(folder), events)
        print(f"{events:,} events, {size / 2**20:.0f} MiB unpacked")
        nothing = run([sys.executable, "-c", "import connectors.aws.logs.cloudtrail"])
        costs = {}
        for name in WAYS:
            if name == "duckdb" and find_spec("duckdb") is None:
                print("duckdb is not installed")
                continue
            costs[name] = run([sys.executable, "-m", "benchmarks.cloudtrail", name, folder])
        for name, cost in costs.items():
            cpu = cost.cpu - (nothing.cpu if name in ("muster", "floor") else 0.0)
            ratio = costs["plain_python"].cpu / cpu
            print(
                f"{name:14} {cpu:6.2f} CPU s  {events / cpu:9,.0f} events/s and core  {cost.peak:4.0f} MiB"
                f"  {ratio:4.1f} times plain Python"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
