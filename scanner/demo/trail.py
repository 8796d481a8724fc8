"""The demo's audit log: files of CloudTrail for the hundred days up to yesterday, as a trail delivers them.

``trail.toml`` describes regular use. The same day, account and ids give the same files.
"""

from __future__ import annotations

import gzip
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from scanner.demo.aws_server import emulator_session
from scanner.demo.estate import load_tables

FOLDER = "trail"
DAYS = 100
"""Days of the log: more than an identity needs without use to be dormant."""
_HOME = "eu-west-1"
_GLOBAL = "us-east-1"
_GLOBAL_SERVICES = frozenset({"iam", "sts", "signin"})
_READS = ("Get", "List", "Describe", "Receive")
_DATA = ("s3:GetObject", "s3:PutObject", "s3:ListObjects", "sqs:", "dynamodb:", "logs:PutLogEvents")
"""Events that a trail records if data events are enabled."""


class Principal(Struct, frozen=True, kw_only=True):
    """A user or role of the emulator, as events name it. ``keys``: ids of access keys, oldest first."""

    arn: str
    unique_id: str
    keys: Sequence[str] = ()

    @property
    def name(self) -> str:
        """The name without its path."""
        return self.arn.rpartition("/")[2]


class Trail:
    """Writes the files below a folder. ``account``: the account of the log."""

    def __init__(self, folder: Path, account: str, principals: Mapping[str, Principal]) -> None:
        self._account = account
        self._root = folder / FOLDER / "AWSLogs" / account
        self._principals = principals
        self._tables = load_tables("trail.toml")

    def write(self, today: date) -> None:
        """Write all days up to yesterday, replacing those of an earlier demo."""
        shutil.rmtree(self._root, ignore_errors=True)
        for age in range(DAYS, 0, -1):
            if age != self._tables["missing"]:
                day = today - timedelta(days=age)
                start = datetime.combine(day, datetime.min.time(), UTC)
                self._deliver(day, self._events(age, lambda hour, start=start: start + timedelta(hours=hour)))

    def write_now(self, now: datetime) -> None:
        """Write what happened on this day, at this moment."""
        self._deliver(now.date(), self._events(0, lambda _: now))

    def _deliver(self, day: date, events: Iterator[tuple[str, dict[str, Any]]]) -> None:
        """Write one file per region, with the name that a trail uses."""
        by_region: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for region, event in events:
            by_region[region].append(event)
        for region, records in by_region.items():
            folder = self._root / "CloudTrail" / region / f"{day:%Y/%m/%d}"
            folder.mkdir(parents=True, exist_ok=True)
            name = f"{self._account}_CloudTrail_{region}_{day:%Y%m%d}T2355Z_{_digits(region, day, size=8)}.json.gz"
            records.sort(key=lambda record: record["eventTime"])
            (folder / name).write_bytes(gzip.compress(msgspec.json.encode({"Records": records}), 1, mtime=0))

    def _events(self, age: int, moment: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        for number, habit in enumerate(self._tables["habit"]):
            first, last, every = habit.get("from", DAYS), habit.get("to", 1), habit.get("every", 1)
            if last <= age <= first and (age - last) % every == 0:
                who = self._who(habit, age)
                for hour in habit.get("hours", [0]):
                    at = moment(hour)
                    seeds = [_digits(number, at.date(), hour, place) for place, _ in enumerate(habit["does"])]
                    # Seconds and minutes are spread, in the order of the list, except for "now".
                    seconds = sorted(int(seed[:4], 16) % 3300 if age else 0 for seed in seeds)
                    for text, seed, second in zip(habit["does"], seeds, seconds, strict=True):
                        yield self._event(habit, who, text, at + timedelta(seconds=second), seed)

    def _event(
        self, habit: Mapping[str, Any], who: Mapping[str, Any], text: str, at: datetime, seed: str
    ) -> tuple[str, dict[str, Any]]:
        action, *members = text.split(" ")
        service, _, name = action.partition(":")
        region = _GLOBAL if service in _GLOBAL_SERVICES else _HOME
        asked = dict(member.split("=", 1) for member in members)
        answer: dict[str, Any] | None = None
        if role := asked.pop("role", None):
            assumed = self._principals[f"role/{role}"]
            asked |= {"roleArn": assumed.arn, "roleSessionName": "load"}
            answer = {"assumedRoleUser": {"assumedRoleId": f"{assumed.unique_id}:load"}}
        if name == "ConsoleLogin":
            answer = {"ConsoleLogin": "Success"}
        return region, {
            "eventVersion": "1.11",
            "userIdentity": who,
            "eventTime": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "eventSource": f"{service}.amazonaws.com",
            "eventName": name,
            "awsRegion": region,
            "sourceIPAddress": habit["address"],
            "userAgent": self._tables["agents"][habit["agent"]],
            "requestParameters": asked or None,
            "responseElements": answer,
            **({"errorCode": "AccessDenied"} if habit.get("denied") else {}),
            "eventID": f"{seed[:8]}-{seed[8:12]}-{seed[12:16]}-{seed[16:20]}-{seed[20:32]}",
            "readOnly": name.startswith(_READS),
            "eventType": "AwsConsoleSignIn" if name == "ConsoleLogin" else "AwsApiCall",
            "managementEvent": not action.startswith(_DATA),
            "recipientAccountId": self._account,
        }

    def _who(self, habit: Mapping[str, Any], age: int) -> dict[str, Any]:
        """``userIdentity``; sessions of a role get new temporary credentials every day."""
        one = self._principals[habit["who"]]
        if habit["who"].startswith("user/"):
            who = {
                "type": "IAMUser",
                "principalId": one.unique_id,
                "arn": one.arn,
                "accountId": self._account,
                "userName": one.name,
            }
            return who | ({"accessKeyId": one.keys[habit.get("key", 0)]} if one.keys else {})
        session = "load" if one.name == "warehouse-admin" else _digits(one.name, age, size=8)
        return {
            "type": "AssumedRole",
            "principalId": f"{one.unique_id}:{session}",
            "arn": f"arn:aws:sts::{self._account}:assumed-role/{one.name}/{session}",
            "accountId": self._account,
            "accessKeyId": f"ASIA{_digits(one.name, age, size=8).upper()}",
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": one.unique_id,
                    "arn": one.arn,
                    "accountId": self._account,
                    "userName": one.name,
                }
            },
        }


def _digits(*parts: object, size: int = 16) -> str:
    """Hexadecimal digits that are the same for the same parts, two for each of ``size`` bytes."""
    return blake2b("\0".join(map(str, parts)).encode(), digest_size=size).hexdigest()


def principals_of(endpoint: str) -> dict[str, Principal]:
    """Users and roles of the emulator as ``user/NAME`` and ``role/NAME``, with the ids that it gave them."""
    iam = emulator_session().client("iam", region_name=_GLOBAL, endpoint_url=endpoint)
    found: dict[str, Principal] = {}
    for page in iam.get_paginator("get_account_authorization_details").paginate(Filter=["User", "Role"]):
        for role in page["RoleDetailList"]:
            found[f"role/{role['RoleName']}"] = Principal(arn=role["Arn"], unique_id=role["RoleId"])
        for user in page["UserDetailList"]:
            keys = iam.list_access_keys(UserName=user["UserName"])["AccessKeyMetadata"]
            ids = [key["AccessKeyId"] for key in sorted(keys, key=lambda key: key["CreateDate"])]
            found[f"user/{user['UserName']}"] = Principal(arn=user["Arn"], unique_id=user["UserId"], keys=ids)
    return found
