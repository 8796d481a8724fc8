"""CloudTrail, read where trails put it: files in a bucket, or copies of them."""

from __future__ import annotations

from typing import ClassVar

from connectors.aws.logs.actions import event_names
from connectors.aws.logs.events import LAYOUT, CloudTrailCounting, Event
from connectors.aws.logs.tables import COLUMNS, event_of_row
from connectors.logs import LogSpec
from connectors.logs.content import Records
from connectors.logs.files import FileLog
from connectors.logs.folders import Folder, Layout
from connectors.logs.names import Networks

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
    also_called=event_names(),
    names_people=True,
    extra="activity",
)  # fmt: skip


class CloudTrailLog(FileLog):
    """Reads trails. ``source``: an AWS source, whose session asks for buckets, and without ``path`` for its trails."""

    spec: ClassVar[LogSpec] = SPEC
    layout: ClassVar[Layout] = LAYOUT
    records: ClassVar[Records[Event]] = Records(Event, ("Records",), row=event_of_row, columns=COLUMNS)

    def counting(self, networks: Networks) -> CloudTrailCounting:
        """See ``FileLog``."""
        return CloudTrailCounting(networks)

    def folder(self) -> Folder:
        """See ``FileLog``. A bucket is asked through the source."""
        path = self.settings.path
        if path is not None and not path.startswith("s3://"):
            return super().folder()
        from connectors.aws.logs.bucket import bucket_of

        return bucket_of(path, self.source)
