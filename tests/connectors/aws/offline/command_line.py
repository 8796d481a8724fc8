"""What the AWS command line writes to its standard output, made with the SDK that it is made of."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.servers.moto_server import MotoServer


class CommandLine:
    """The command line, asking an emulator and writing into a folder."""

    def __init__(self, moto: MotoServer, folder: Path) -> None:
        self._moto = moto
        self.folder = folder

    def run(self, command: str, to: str, *, region: str = "eu-west-1", **parameters: Any) -> Path:
        """``aws {command} … > {to}``; pages are put together, as it does unless said otherwise."""
        service, _, name = command.partition(" ")
        client = self._moto.client(service, region)
        method = name.replace("-", "_")
        if client.can_paginate(method):
            answer = client.get_paginator(method).paginate(**parameters).build_full_result()
        else:
            answer = getattr(client, method)(**parameters)
        return self.write(to, {key: value for key, value in answer.items() if key != "ResponseMetadata"})

    def write(self, to: str, answer: Any) -> Path:
        """Write an answer as JSON, behind what the file holds already."""
        return write(self.folder / to, answer)

    def account(self, folder: str = ".") -> None:
        """All of IAM that the emulator can say, the details of each user and provider included."""
        iam = self._moto.client("iam")
        iam.generate_credential_report()
        for name in (
            "get-account-authorization-details", "get-credential-report", "get-account-summary", "list-roles",
            "list-virtual-mfa-devices", "list-open-id-connect-providers", "list-saml-providers",
            "list-server-certificates", "list-instance-profiles",
        ):  # fmt: skip
            self.run(f"iam {name}", f"{folder}/{name}.json")
        for user in iam.list_users()["Users"]:
            self.run("iam list-access-keys", f"{folder}/keys.json", UserName=user["UserName"])
        for row in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
            self.run("iam get-open-id-connect-provider", f"{folder}/issuers.json", OpenIDConnectProviderArn=row["Arn"])
        # What the emulator does not have, as AWS answers where there is none.
        for name, nothing in NOTHING.items():
            self.write(f"{folder}/{name}.json", nothing)


NOTHING: Mapping[str, Any] = {
    "list-service-specific-credentials": {"ServiceSpecificCredentials": []},
    "list-delegation-requests": {"DelegationRequests": [], "isTruncated": False},
    "get-outbound-web-identity-federation-info": {"JwtVendingEnabled": False},
}


def write(path: Path, *answers: Any) -> Path:
    """Write answers as JSON, behind what the file holds already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.writelines(json.dumps(answer, indent=4, default=_shown) + "\n" for answer in answers)
    return path


def _shown(value: Any) -> str:
    """A date as ISO text, bytes as base64."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(type(value).__name__)
