"""AWS as far as a scan of an organization needs it: many accounts alike, each answer held back a little.

``python -m benchmarks.latency_server ACCOUNTS SECONDS`` prints its address, and when it is terminated how many calls
were made. An account is known by the access key that its role was given. What it does not know is answered with 501.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import signal
import sys
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs

OWN = 100_000_000_000
USERS, ROLES = 5, 10

_CREDENTIAL = re.compile(rb"Credential=([A-Z]+?)(\d*)[A-Z]*/")
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_TARGET = re.compile(rb"x-amz-target: *\S+\.(\w+)", re.IGNORECASE)
_TRUST = json.dumps(
    {"Statement": {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}}
)
_READ = json.dumps({"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}})


def _role(number: int) -> str:
    return (
        f"<member><Path>/</Path><RoleName>r{number}</RoleName><RoleId>AROA{number}</RoleId>"
        f"<Arn>arn:aws:iam::{{account}}:role/r{number}</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate>"
        f"<AssumeRolePolicyDocument>{_escaped(_TRUST)}</AssumeRolePolicyDocument><RolePolicyList><member><PolicyName>own"
        f"</PolicyName><PolicyDocument>{_escaped(_READ)}</PolicyDocument></member></RolePolicyList></member>"
    )


def _escaped(text: str) -> str:
    return text.replace('"', "&quot;").replace("{", "%7B").replace("}", "%7D")


def _user(number: int) -> str:
    return (
        f"<member><Path>/</Path><UserName>u{number}</UserName><UserId>AIDA{number}</UserId>"
        f"<Arn>arn:aws:iam::{{account}}:user/u{number}</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate></member>"
    )


_DETAILS = (
    f"<UserDetailList>{''.join(map(_user, range(USERS)))}</UserDetailList>"
    f"<RoleDetailList>{''.join(map(_role, range(ROLES)))}</RoleDetailList>"
    "<GroupDetailList/><Policies/><IsTruncated>false</IsTruncated>"
)
_REPORT_ROW = (
    "u{number},arn:aws:iam::{account}:user/u{number},2026-01-01T00:00:00+00:00,false,N/A,N/A,N/A,false,"
    "true,2026-01-01T00:00:00+00:00,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A"
)
_REPORT_COLUMNS = (
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,"
    "mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,"
    "access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,"
    "access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,"
    "cert_1_last_rotated,cert_2_active,cert_2_last_rotated"
)

Parameters = Mapping[str, str]


def _report(account: str, _: Parameters) -> str:
    rows = [_REPORT_COLUMNS, *(_REPORT_ROW.format(number=number, account=account) for number in range(USERS))]
    content = base64.b64encode("\n".join(rows).encode()).decode()
    return f"<Content>{content}</Content><GeneratedTime>2026-01-02T00:00:00Z</GeneratedTime>"


def _keys(account: str, parameters: Parameters) -> str:
    user = parameters["UserName"]
    return (
        f"<AccessKeyMetadata><member><UserName>{user}</UserName><AccessKeyId>AKIA{account}{user[1:]}</AccessKeyId>"
        "<Status>Active</Status><CreateDate>2026-01-01T00:00:00Z</CreateDate></member></AccessKeyMetadata>"
        "<IsTruncated>false</IsTruncated>"
    )


def _assumed(_: str, parameters: Parameters) -> str:
    entered = parameters["RoleArn"].split(":")[4]
    return (
        f"<Credentials><AccessKeyId>ASIA{entered}0000</AccessKeyId><SecretAccessKey>x</SecretAccessKey>"
        "<SessionToken>x</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
    )


_XML: Mapping[str, Callable[[str, Parameters], str]] = {
    "GetCallerIdentity": lambda account, _: f"<Account>{account}</Account><Arn>arn:aws:iam::{account}:user/x</Arn>",
    "AssumeRole": _assumed,
    "GetAccountAuthorizationDetails": lambda account, _: _DETAILS.format(account=account),
    "GenerateCredentialReport": lambda *_: "<State>COMPLETE</State>",
    "GetCredentialReport": _report,
    "ListAccessKeys": _keys,
    "GetAccountSummary": lambda *_: (
        "<SummaryMap><entry><key>AccountMFAEnabled</key><value>1</value></entry></SummaryMap>"
    ),
}

_JSON: Mapping[bytes, dict[str, object]] = {b"ListPolicies": {"Policies": []}, b"ListSecrets": {"SecretList": []}}


def _accounts(count: int, parameters: Mapping[str, str]) -> dict[str, object]:
    start = int(parameters.get("NextToken", "0"))
    ids = range(start, min(start + 20, count))
    page: dict[str, object] = {
        "Accounts": [
            {
                "Id": str(OWN + number),
                "Arn": f"arn:aws:organizations::{OWN}:account/o-x/{OWN + number}",
                "State": "ACTIVE",
            }
            for number in ids
        ]
    }
    return {**page, "NextToken": str(ids.stop)} if ids.stop < count else page


class _Exchange(asyncio.Protocol):
    """One connection; requests on it come one after the other."""

    calls = 0

    def __init__(self, accounts: int, seconds: float) -> None:
        self._accounts = accounts
        self._seconds = seconds
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not end or len(body) < int(length[1] if length else 0):
            return
        self._received = b""
        _Exchange.calls += 1
        status, answer = self._answer(head, body.decode())
        packed = f"HTTP/1.1 {status} X\r\nContent-Length: {len(answer)}\r\n\r\n".encode() + answer
        asyncio.get_running_loop().call_later(self._seconds, self._transport.write, packed)

    def _answer(self, head: bytes, body: str) -> tuple[int, bytes]:
        signed = _CREDENTIAL.search(head)
        account = (signed[2].decode() if signed else "") or str(OWN)
        target = _TARGET.search(head)
        if target is not None:
            listed = (
                _accounts(self._accounts, json.loads(body)) if target[1] == b"ListAccounts" else _JSON.get(target[1])
            )
            return (501, b"{}") if listed is None else (200, json.dumps(listed).encode())
        parameters = {name: values[0] for name, values in parse_qs(body).items()}
        action = parameters.get("Action", "")
        if action not in _XML:
            return 501, b"<ErrorResponse/>"
        result = _XML[action](account, parameters)
        return 200, f"<{action}Response><{action}Result>{result}</{action}Result></{action}Response>".encode()


async def _serve(accounts: int, seconds: float) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    server = await loop.create_server(lambda: _Exchange(accounts, seconds), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await stopped.wait()
    print(_Exchange.calls, flush=True)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2])))
