"""Logs, plans and exported answers of APIs of a given size, for ``benchmarks/shapes.py``.

Each function writes them into a folder, with a config, and returns the command line that reads them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import cloudtrail, gate

_TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
_EVENTS = 10
"""Events of a log for each row of a list."""


def _written(folder: Path, files: dict[str, Any], config: str) -> None:
    for name in ("export", "logs"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))
    (folder / "config.toml").write_text(config)


def _account(roles: int, principal: Callable[[int], dict[str, Any]]) -> dict[str, Any]:
    """What AWS answers of an account's authorization details."""
    arn = f"arn:aws:iam::{cloudtrail.ACCOUNT}:role/"
    rows = [
        {
            "Path": "/",
            "RoleName": f"svc-{number}",
            "RoleId": f"AROA{number:016}",
            "Arn": f"{arn}svc-{number}",
            "CreateDate": "2025-01-01T00:00:00Z",
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{**_TRUST, **principal(number)}]},
            "InstanceProfileList": [],
            "RolePolicyList": [],
            "AttachedManagedPolicies": [],
            "Tags": [],
        }
        for number in range(roles)
    ]
    return {"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": rows, "Policies": []}


_AWS = '[[source]]\ntype = "aws"\nname = "prod"\nfrom_files = "export"\n'


def _aws(folder: Path, count: int) -> Sequence[str]:
    _written(folder, {"export/account.json": _account(count, lambda _: {})}, _AWS)
    return "scan", "--quiet"


def _chain(folder: Path, count: int) -> Sequence[str]:
    """Each role may be assumed by the one before it."""
    role = f"arn:aws:iam::{cloudtrail.ACCOUNT}:role/svc-"
    details = _account(count, lambda number: {"Principal": {"AWS": f"{role}{max(number - 1, 0)}"}})
    _written(folder, {"export/account.json": details}, _AWS)
    return "scan", "--quiet"


def _logs(folder: Path, count: int) -> Sequence[str]:
    log = '[[log]]\ntype = "cloudtrail"\nsource = "prod"\npath = "logs"\n'
    _written(folder, {"export/account.json": _account(4, lambda _: {})}, _AWS + log)
    cloudtrail.write(folder / "logs", _EVENTS * count)
    return "activity", "--quiet", "--since", f"{cloudtrail.DAY:%Y-%m-%d}"


def _plan(folder: Path, count: int) -> Sequence[str]:
    _written(folder, {"export/plan.json": gate.plan(count)}, "")
    return "check", "export/plan.json", "--no-store"


READ: dict[str, Callable[[Path, int], Sequence[str]]] = {
    "roles of AWS": _aws,
    "roles of AWS, a chain": _chain,
    "a log of CloudTrail": _logs,
    "a plan of Terraform": _plan,
}
