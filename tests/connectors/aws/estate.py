"""A small AWS account for tests, and how to read it through the connector."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from connectors.aws.connector import AwsConnector
from connectors.aws.settings import AwsSettings
from connectors.core.contract import DiscoveredRecord, Scope
from scanner.model import Coverage, Identity, StoredSecret, Workload
from tests.servers.fault_proxy import FaultProxy
from tests.servers.moto_server import ACCOUNT, MotoServer

REGIONS = ("eu-west-1", "us-east-1")
_Held = TypeVar("_Held")


@dataclass
class Found:
    """Everything one reading gave, and by name or section."""

    records: list[DiscoveredRecord] = field(default_factory=list)

    @property
    def identities(self) -> dict[str, Identity]:
        """By bare name."""
        return {each.name: each for each in self.records if isinstance(each, Identity)}

    @property
    def secrets(self) -> dict[str, StoredSecret]:
        """By name."""
        return {each.name: each for each in self.records if isinstance(each, StoredSecret)}

    @property
    def workloads(self) -> dict[str, Workload]:
        """By name."""
        return {each.name: each for each in self.records if isinstance(each, Workload)}

    @property
    def coverage(self) -> dict[str, Coverage]:
        """By section, region included."""
        return {each.section: each for each in self.records if isinstance(each, Coverage)}

    @property
    def gaps(self) -> dict[str, str]:
        """The sections that are gaps, and how."""
        return {section: each.status for section, each in self.coverage.items() if each.is_gap}


class Estate:
    """An account in the emulator, written to directly and read through the proxy."""

    def __init__(self, moto: MotoServer, proxy: FaultProxy) -> None:
        self.moto = moto
        self.proxy = proxy
        self.iam = moto.client("iam")

    def hold(self, fill: Callable[[Estate], _Held]) -> _Held:
        """Have it hold what ``fill`` puts into an empty account; gives what that returned."""
        return self.moto.hold(fill, self)

    def connector(self, **settings: Any) -> AwsConnector:
        """A connector that sees it, few retries, two regions, and of those the secrets alone."""
        defaults: dict[str, Any] = {
            "endpoint_url": self.proxy.url,
            "regions": REGIONS,
            "resources": "secretsmanager",
            "max_attempts": 1,
        }
        return AwsConnector("prod", AwsSettings(**{**defaults, **settings}))

    def read(self, **settings: Any) -> Found:
        """Every scope of it, read one after the other."""
        connector = self.connector(**settings)
        found = Found()
        for scope in connector.scopes():
            if isinstance(scope, Scope):
                found.records.extend(connector.discover(scope))
            else:
                found.records.append(scope)
        return found

    def read_iam(self, **settings: Any) -> Found:
        """The account's IAM alone, without its regions."""
        connector = self.connector(**settings)
        scopes = [scope for scope in connector.scopes() if isinstance(scope, Scope) and scope.part is None]
        return Found([record for scope in scopes for record in connector.discover(scope)])

    def report(self, **edits: Mapping[str, str]) -> None:
        """Make the credential report say other things of users, by name and column, than the emulator can."""
        self.iam.generate_credential_report()
        rows = list(csv.DictReader(io.StringIO(self.iam.get_credential_report()["Content"].decode())))
        text = io.StringIO()
        writer = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, **edits.get(row["user"], {})} for row in rows)
        answer = {"Content": text.getvalue().encode(), "ReportFormat": "text/csv"}
        self.proxy.made["iam:GetCredentialReport"] = lambda _: answer

    def user(
        self,
        name: str,
        *,
        keys: int = 0,
        password: bool = False,
        allow: str | Sequence[str] = (),
        tags: Mapping[str, str] | None = None,
    ) -> list[str]:
        """A user with so many keys; gives their ids."""
        self.iam.create_user(UserName=name, Tags=[{"Key": k, "Value": v} for k, v in (tags or {}).items()])
        if password:
            self.iam.create_login_profile(UserName=name, Password="correct horse battery")
        if allow:
            self.iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(allow))
        made = [self.iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"] for _ in range(keys)]
        return sorted(made)

    def role(
        self,
        name: str,
        *,
        trusts: Mapping[str, Any] | None = None,
        condition: Mapping[str, Any] | None = None,
        allow: str | Sequence[str] = (),
        path: str = "/",
    ) -> str:
        """A role that trusts Lambda unless said otherwise; gives its ARN."""
        statement = {
            "Effect": "Allow",
            "Principal": trusts or {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": condition or {},
        }
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        arn: str = self.iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        if allow:
            self.iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(allow))
        return arn

    def secret(self, name: str, region: str = "eu-west-1") -> None:
        """A stored secret."""
        self.moto.client("secretsmanager", region).create_secret(Name=name, SecretString="hunter2-never-read")


def document(actions: str | Sequence[str], resource: str = "*") -> str:
    """A policy document that allows these actions."""
    listed = [actions] if isinstance(actions, str) else list(actions)
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": listed, "Resource": resource}]}
    )


def arn(kind: str, name: str) -> str:
    """An ARN in the emulator's account."""
    return f"arn:aws:iam::{ACCOUNT}:{kind}/{name}"
