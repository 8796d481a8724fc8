"""One region of an account, and how it is read."""

from __future__ import annotations

from typing import Any

from connectors.aws.client.payloads import AwsAccount
from connectors.aws.client.session import AwsSession
from connectors.aws.settings import AwsSettings
from connectors.aws.spec import SPEC
from connectors.aws.workloads.service import read_region
from connectors.core.contract import DiscoveredRecord, Scope
from scanner.model import Coverage, Identity, StoredSecret, Workload
from tests.connectors.aws.workloads.model_server import ModelServer
from tests.servers.moto_server import ACCOUNT, MotoServer

REGION = "eu-west-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/app"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:prod/db-AbCdEf"
PARAMETER = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/prod/key"
HIDDEN = "hunter2-never-kept"
"""Planted where no record may take it from."""


class Found:
    """What one reading of the region gave."""

    def __init__(self, records: list[DiscoveredRecord]) -> None:
        self.records = records

    @property
    def workloads(self) -> dict[tuple[str, str], Workload]:
        """By kind and name."""
        return {(one.kind, one.name): one for one in self.records if isinstance(one, Workload)}

    @property
    def agents(self) -> dict[tuple[str, str], Identity]:
        """By kind and name."""
        return {(one.kind, one.name): one for one in self.records if isinstance(one, Identity)}

    @property
    def secrets(self) -> dict[str, StoredSecret]:
        """By name."""
        return {one.name: one for one in self.records if isinstance(one, StoredSecret)}

    @property
    def coverage(self) -> dict[str, Coverage]:
        """By section, without the region."""
        return {one.section.partition(":")[0]: one for one in self.records if isinstance(one, Coverage)}

    @property
    def gaps(self) -> dict[str, str]:
        """The sections that are gaps, and how."""
        return {section: one.status for section, one in self.coverage.items() if one.is_gap}


class Account:
    """Written to in the emulator, spoken for by the model server, read over HTTP."""

    def __init__(self, moto: MotoServer, server: ModelServer) -> None:
        self.moto = moto
        self.server = server

    def client(self, service: str) -> Any:
        """A boto3 client that goes straight to the emulator."""
        return self.moto.client(service, REGION)

    def read(self, *resources: str, **settings: Any) -> Found:
        """The region, as far as these resources go."""
        defaults: dict[str, Any] = {
            "endpoint_url": self.server.url,
            "max_attempts": 1,
            "resources": resources or "usual",
        }
        chosen = AwsSettings(**{**defaults, **settings})
        scope = Scope(source="prod", spec=SPEC, id=ACCOUNT, part=REGION)
        place = AwsAccount(source="prod", account=ACCOUNT)
        return Found(list(read_region(scope, AwsSession(chosen), place, chosen.named_resources)))

    def role(self, name: str = "app", path: str = "/") -> str:
        """A role of IAM; gives its ARN."""
        trust = '{"Version": "2012-10-17", "Statement": []}'
        role = self.client("iam").create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=trust)
        arn: str = role["Role"]["Arn"]
        return arn
