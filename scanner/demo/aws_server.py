"""An AWS emulator with the demo's account in it: ``python -m scanner.demo.aws_server``.

It is a separate process, so that it can be stopped completely. It prints ``ready PORT`` when seeded, and serves until
its stdin closes. It is seeded through the public API, except dates, which no API can backdate.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from scanner.demo.estate import days_ago, load_estate
from scanner.errors import MusterError
from scanner.model.retirement import RETIRED_POLICY

_OIDC = "token.actions.githubusercontent.com"


@contextmanager
def aws_server() -> Iterator[str]:
    """Run the AWS emulator; yields its URL. It ends when its stdin closes, also if this process is killed."""
    process = subprocess.Popen(  # the same interpreter
        [sys.executable, "-m", "scanner.demo.aws_server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        word, _, port = process.stdout.readline().partition(" ")
        if word != "ready":
            raise MusterError("the demo's AWS emulator did not start", hint="its message is above")
        yield f"http://127.0.0.1:{port.strip()}"
    finally:
        process.stdin.close()
        process.terminate()
        process.wait()
        process.stdout.close()


def emulator_session() -> Any:
    """A session for the emulator, which accepts any keys; boto3 needs some to sign requests."""
    import boto3

    return boto3.Session(aws_access_key_id="demo", aws_secret_access_key="demo")  # noqa: S106  # no secret: the emulator accepts any


def lower(endpoint: str, user: str) -> None:
    """Do as the plan of ``muster retire`` says first: deny a user everything, then take its policies away."""
    iam = emulator_session().client("iam", region_name="us-east-1", endpoint_url=endpoint)
    statement = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    deny = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_user_policy(UserName=user, PolicyName=RETIRED_POLICY, PolicyDocument=json.dumps(deny))
    for policy in iam.list_attached_user_policies(UserName=user)["AttachedPolicies"]:
        iam.detach_user_policy(UserName=user, PolicyArn=policy["PolicyArn"])


def main() -> None:
    """Seed the emulator and serve."""
    estate = load_estate()
    os.environ["MOTO_ACCOUNT_ID"] = estate["account"]  # read when moto is imported
    from moto.server import ThreadedMotoServer

    # For unsupported calls the emulator returns an error, which becomes a gap, and logs a traceback.
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    port = server.get_host_and_port()[1]
    _Seed(estate, f"http://127.0.0.1:{port}").plant()
    sys.stdout.write(f"ready {port}\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.stop()


class _Seed:
    """Creates the estate through the API, then sets the dates."""

    def __init__(self, estate: dict[str, Any], endpoint: str) -> None:
        self._estate = estate
        self._account: str = estate["account"]
        self._endpoint = endpoint
        self._session = emulator_session()
        self._iam = self._client("iam", "us-east-1")

    def _client(self, service: str, region: str) -> Any:
        return self._session.client(service, region_name=region, endpoint_url=self._endpoint)

    def plant(self) -> None:
        for name, policy in self._estate["policies"].items():
            self._iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(_document(policy)))
        for issuer in (f"https://{_OIDC}", self._estate["kubernetes"]["issuer"]):
            self._iam.create_open_id_connect_provider(Url=issuer, ThumbprintList=["0" * 40])
        for user in self._estate["users"]:
            self._user(user)
        for family in self._estate["roles"]:
            self._roles(family)
        for secret in self._estate["secrets"]:
            self._secret(secret)
        for functions in self._estate["functions"]:
            for name in functions["names"]:
                self._function(name, functions)
        for agent in self._estate["agents"]:
            self._agent(agent)

    def _user(self, user: dict[str, Any]) -> None:
        name = user["name"]
        tags = [{"Key": key, "Value": value} for key, value in user.get("tags", {}).items()]
        self._iam.create_user(UserName=name, Path=user.get("path", "/"), Tags=tags)
        for policy in user.get("policies", ()):
            self._iam.attach_user_policy(UserName=name, PolicyArn=self._policy_arn(policy))
        if "password" in user:
            self._iam.create_login_profile(UserName=name, Password="Demo-only-1!")  # noqa: S106  # a user in the emulator
        if user.get("mfa"):
            device = self._iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
            self._iam.enable_mfa_device(
                UserName=name,
                SerialNumber=device["SerialNumber"],
                AuthenticationCode1="123456",
                AuthenticationCode2="654321",
            )
        for key in user.get("keys", ()):
            made = self._iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
            if not key.get("active", True):
                self._iam.update_access_key(UserName=name, AccessKeyId=made, Status="Inactive")
        self._backdate_user(user)

    def _backdate_user(self, user: dict[str, Any]) -> None:
        stored = self._backend().users[user["name"]]
        stored.create_date = days_ago(user["created"])
        if "password" in user:
            stored.password_last_used = days_ago(user["password"]["used"])
        for key, dates in zip(stored.access_keys, user.get("keys", ()), strict=True):
            key.create_date = days_ago(dates["created"])
            key.last_used = _used(dates)

    def _roles(self, family: dict[str, Any]) -> None:
        for name in family["names"]:
            for pattern in family["each"]:
                self._role(pattern.format(name=name), name, family)

    def _role(self, name: str, stem: str, family: dict[str, Any]) -> None:
        trust = [self._trust(who.format(name=stem)) for who in family["trust"]]
        role = self._iam.create_role(
            RoleName=name,
            Path=family.get("path", "/").format(name=stem),
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust}),
        )["Role"]
        for policy in family.get("policies", ()):
            self._iam.attach_role_policy(RoleName=name, PolicyArn=self._policy_arn(policy))
        stored = self._backend().roles[role["RoleId"]]
        stored.create_date = days_ago(family["created"])
        stored.last_used = _used(family)

    def _trust(self, who: str) -> dict[str, Any]:
        kind, _, rest = who.partition(":")
        statement: dict[str, Any] = {"Effect": "Allow", "Action": "sts:AssumeRole"}
        match kind:
            case "account":
                account, _, external_id = rest.partition("+")
                statement["Principal"] = {"AWS": f"arn:aws:iam::{account}:root"}
                if external_id:
                    statement["Condition"] = {"StringEquals": {"sts:ExternalId": "tidewater-4711"}}
            case "user" | "role":
                statement["Principal"] = {"AWS": f"arn:aws:iam::{self._account}:{kind}/{rest}"}
            case "oidc":
                statement |= self._federated(_OIDC, rest)
            case "eks":
                issuer = self._estate["kubernetes"]["issuer"].removeprefix("https://")
                statement |= self._federated(issuer, f"system:serviceaccount:{rest.replace('/', ':')}")
            case _:
                statement["Principal"] = {"Service": who}
        return statement

    def _federated(self, issuer: str, subject: str) -> dict[str, Any]:
        return {
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": f"arn:aws:iam::{self._account}:oidc-provider/{issuer}"},
            "Condition": {
                "StringEquals": {f"{issuer}:aud": "sts.amazonaws.com"},
                "StringLike": {f"{issuer}:sub": subject},
            },
        }

    def _secret(self, secret: dict[str, Any]) -> None:
        client = self._client("secretsmanager", secret["region"])
        made = client.create_secret(Name=secret["name"], SecretString="demo")["ARN"]  # nothing to store
        from moto.secretsmanager.models import secretsmanager_backends

        stored: Any = secretsmanager_backends[self._account][secret["region"]].secrets[made]
        stored.created_date = int(days_ago(secret["created"]).timestamp())
        stored.last_changed_date = int(days_ago(secret["changed"]).timestamp())

    def _function(self, name: str, functions: dict[str, Any]) -> None:
        self._client("lambda", functions["region"]).create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="main.handler",
            Role=self._role_arn(functions["role"].format(name=name)),
            Code={"ZipFile": b"never run"},
        )

    def _agent(self, agent: dict[str, Any]) -> None:
        self._client("bedrock-agent", agent["region"]).create_agent(
            agentName=agent["name"],
            description=agent["description"],
            foundationModel="amazon.nova-pro-v1:0",
            agentResourceRoleArn=self._role_arn(agent["role"]),
        )

    def _role_arn(self, path: str) -> str:
        return f"arn:aws:iam::{self._account}:role/{path}"

    def _policy_arn(self, name: str) -> str:
        return f"arn:aws:iam::{self._account}:policy/{name}"

    def _backend(self) -> Any:
        from moto.iam.models import iam_backends

        return iam_backends[self._account]["aws"]


def _document(policy: dict[str, Any]) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": policy["allow"], "Resource": policy["resources"]}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _used(dates: dict[str, Any]) -> datetime | None:
    return days_ago(dates["used"]) if "used" in dates else None


if __name__ == "__main__":
    main()
