"""CloudTrail, read where trails put it: files in a bucket, or copies of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import ClassVar

from connectors.aws.logs.bucket import bucket_of
from connectors.aws.logs.events import Event, Reading, day_of
from connectors.base import Connector, own_words
from connectors.exported import Unreadable
from connectors.log_files import (
    Folder,
    Layout,
    LocalFolder,
    Records,
    files_of,
    gap_of,
    is_bucket,
    units_of,
    unpacked,
)
from connectors.log_tally import MORE, Networks
from connectors.logs import LogSettings, LogSpec
from scanner.model import EVERY_SCOPE
from scanner.model.activity import LogDay, LogUnit, UnitReading
from scanner.text import counted

_DAY = r"(?P<year>\d{4})/(?P<month>\d\d)/(?P<day>\d\d)"
_BRANCH = r"(?:^|/)AWSLogs/(?:o-[a-z0-9]+/)?(?P<scope>\d{12})/CloudTrail/(?P<part>[a-z0-9-]+)/"
LAYOUT = Layout(
    dated=(
        re.compile(_BRANCH + _DAY + "/[^/]+$"),
        re.compile(
            r"(?P<scope>\d{12})_CloudTrail_(?P<part>[a-z0-9-]+)_(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)T\d{4}Z_[^/]*$"
        ),
    ),
    left_out=re.compile(
        r"/CloudTrail-(?:Digest|Insight|Aggregated)/|_CloudTrail-(?:Digest|Insight|Aggregated)_"
        r"|(?:^|/)AWSLogs/(?:o-[a-z0-9]+/)?\d{12}/(?!CloudTrail/)"
    ),
    branch=re.compile(_BRANCH + "$"),
)
"""An account's trail and an organization's; copies that have kept nothing but the files' names."""
_LONGEST_DAYS = 400

SPEC = LogSpec(
    name="cloudtrail",
    title="AWS CloudTrail",
    provider="aws",
    permissions=("s3:ListBucket", "s3:GetObject", "kms:Decrypt", "cloudtrail:DescribeTrails"),
    blind_spots=(
        "Without data events: reads and writes of objects, calls of functions, items of tables, other use of data.",
        "What credentials do outside of AWS.",
        "Which tool of an agent was called, where data events of gateways are off.",
        "Regions and accounts that the trail does not cover.",
    ),
    unlogged=(
        "s3:GetObject*", "s3:PutObject*", "s3:DeleteObject*", "s3:ListBucket", "s3:ListBucketVersions",
        "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload", "s3:RestoreObject", "s3-object-lambda:*",
        "lambda:InvokeFunction", "lambda:InvokeFunctionUrl", "lambda:InvokeAsync",
        "dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:*Item", "dynamodb:Query", "dynamodb:Scan",
        "dynamodb:PartiQL*", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ConditionCheckItem",
        "sns:Publish", "sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility",
        "kinesis:PutRecord*", "kinesis:GetRecords", "kinesis:GetShardIterator", "firehose:PutRecord*",
        "events:PutEvents", "cloudwatch:PutMetricData", "cloudwatch:GetMetric*", "logs:PutLogEvents",
        "logs:GetLogEvents", "logs:FilterLogEvents", "sagemaker:InvokeEndpoint*", "sagemaker-featurestore-runtime:*",
        "bedrock:InvokeAgent", "bedrock:InvokeInlineAgent", "bedrock:InvokeFlow", "bedrock:Retrieve*",
        "bedrock:InvokeModelWithBidirectionalStream", "bedrock-agentcore:Invoke*",
        "ssmmessages:*", "ec2messages:*", "execute-api:*", "appsync:GraphQL", "aps:*Metrics", "aps:RemoteWrite",
        "rds-db:connect", "redshift-data:*", "xray:Put*", "xray:GetSampling*", "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability", "cassandra:Select", "cassandra:Modify",
        "qbusiness:Chat*", "cognito-identity:GetId", "cognito-identity:GetCredentialsForIdentity", "iot:Publish",
        "iot:Connect", "iot:Subscribe", "iot:Receive", "timestream:WriteRecords", "timestream:Select",
        "elasticfilesystem:Client*", "ebs:*Block*", "translate:TranslateText", "s3express:*", "s3tables:*TableData",
    ),
    is_live=True,
    extra="activity",
)  # fmt: skip


class CloudTrailLog:
    """Reads trails. ``source``: an AWS source, whose session asks for buckets, and without ``path`` for its trails."""

    spec: ClassVar[LogSpec] = SPEC

    def __init__(self, settings: LogSettings, source: Connector | None) -> None:
        self._settings = settings
        self._source = source
        self._folder: Folder = (
            LocalFolder(settings.path)
            if settings.path is not None and not is_bucket(settings.path)
            else bucket_of(settings.path, source)
        )

    def __reduce__(self) -> tuple[type[CloudTrailLog], tuple[LogSettings, Connector | None]]:
        """It pickles as what it was made of: sessions stay where they are."""
        return CloudTrailLog, (self._settings, self._source)

    def units(self, since: date, until: date) -> Iterator[LogUnit | LogDay]:
        """A unit is an account and a day (UTC) by the files' names; undated files are one unit for each folder."""
        yield from units_of(self._settings, self._folder, LAYOUT, since, until, today=datetime.now(UTC).date())

    def read(self, unit: LogUnit) -> UnitReading:
        """See ``LogReader``."""
        networks = Networks(self._settings.networks, truncate=self._settings.truncate_addresses)
        reading = Reading(networks)
        name = region = ""
        calls = self._folder.calls
        try:
            for name, pieces in self._folder.pieces(files_of(unit)):
                if region != (region := _region(name)):
                    reading.forget_ids()
                for records in _RECORDS.of(unpacked(pieces)):
                    reading.take(records)
            name = ""
            reading.finish()
            callers = reading.tally.profiles()
        except Unreadable as error:
            reason = f"{own_words(name.rpartition('/')[2])}: {error}" if name else str(error)
            return UnitReading(unit=unit, coverage=gap_of(unit, reason), calls=self._folder.calls - calls)
        return UnitReading(
            unit=unit,
            callers=callers,
            changes=tuple(sorted(reading.changes.values(), key=lambda change: (change.at, change.target))),
            coverage=_covered(unit, reading),
            events=reading.events,
            by_provider=reading.by_provider,
            calls=self._folder.calls - calls,
        )


_RECORDS = Records(Event, ("Records",))


def _region(name: str) -> str:
    for pattern in LAYOUT.dated:
        if found := pattern.search(name):
            return found["part"]
    return ""


def _covered(unit: LogUnit, reading: Reading) -> tuple[LogDay, ...]:
    """The days of the files' names; where these have none, all days from the first event of an account to its last."""
    beyond = reading.tally.beyond + reading.beyond
    detail = f"beyond the limits for one day, {counted(beyond, 'count is', 'counts are')} in {MORE}" if beyond else None
    days = [(day.scope, day.day) for day in unit.days]
    if any(scope == EVERY_SCOPE for scope, _ in days):
        days = []
        spans: dict[str, list[date]] = {}
        for scope, text in reading.days:
            spans.setdefault(scope, []).append(day_of(text))
        today = datetime.now(UTC).date()
        for scope, found in sorted(spans.items()):
            first, last = max(min(found), max(found) - timedelta(_LONGEST_DAYS)), max(found)
            days += [(scope, first + timedelta(each)) for each in range((last - first).days + 1)]
        days = [(scope, day) for scope, day in days if day < today]
    return tuple(LogDay(scope=scope, day=day, detail=detail) for scope, day in days)
