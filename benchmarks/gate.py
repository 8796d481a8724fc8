"""``muster check`` of a Terraform plan of 2,000 resources, against reading its JSON (goal: under a second of CPU)."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.measure import run

COUNT = 2_000
ACCOUNT = "123456789012"
_TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
_COMPUTED = {"arn": True, "id": True, "unique_id": True, "create_date": True, "managed_policy_arns": True}
_FUNCTION = {
    "architectures": ["arm64"],
    "handler": "app.main",
    "memory_size": 512,
    "publish": False,
    "runtime": "python3.13",
    "timeout": 30,
    "vpc_config": [],
    "environment": [{"variables": {"STAGE": "prod", "TABLE": "orders", "LOG_LEVEL": "info"}}],
}
_FAMILY = 5
"""Resources of a service: its role, policy, attachment, function and bucket."""


def plan(count: int) -> dict[str, Any]:
    """A plan of so many resources: services with a role each. Half of them exist already."""
    rows, blocks = [], []
    for number in range(count // _FAMILY):
        for row, block in _service(number, exists=number % 2 == 0):
            rows.append(row)
            blocks.append(block)
    identity = {"account_id": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:user/ci", "id": ACCOUNT}
    data = {"address": "data.aws_caller_identity.me", "mode": "data", "type": "aws_caller_identity", "name": "me"}
    return {
        "format_version": "1.2",
        "planned_values": {"root_module": {}},
        "resource_changes": rows,
        "prior_state": {"values": {"root_module": {"resources": [{**data, "values": identity}]}}},
        "configuration": {"provider_config": {}, "root_module": {"resources": blocks}},
    }


def _service(number: int, *, exists: bool) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    name = f"service-{number}"
    tags = {"team": f"team-{number % 20}", "environment": "production", "managed-by": "terraform"}
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"arn:aws:s3:::{name}/*"},
        {"Effect": "Allow", "Action": "dynamodb:*", "Resource": f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/{name}"},
    ]
    arguments: dict[str, tuple[dict[str, Any], dict[str, list[str]]]] = {
        "aws_iam_role": ({"name": name, "path": "/", "assume_role_policy": _document(_TRUST), "tags_all": tags}, {}),
        "aws_iam_policy": ({"name": name, "path": "/", "policy": _document(*statements), "tags_all": tags}, {}),
        "aws_iam_role_policy_attachment": ({"role": name}, {"policy_arn": [f"aws_iam_policy.s{number}.arn"]}),
        "aws_lambda_function": (
            {"function_name": name, **_FUNCTION, "tags_all": tags},
            {"role": [f"aws_iam_role.s{number}.arn"]},
        ),
        "aws_s3_bucket": ({"bucket": name, "force_destroy": False, "tags_all": tags}, {}),
    }
    for kind, (after, references) in arguments.items():
        unknown = {} if exists else {**_COMPUTED, **dict.fromkeys(references, True)}
        known = {"policy_arn": f"arn:aws:iam::{ACCOUNT}:policy/{name}", "role": f"arn:aws:iam::{ACCOUNT}:role/{name}"}
        values = {**after, **({key: known[key] for key in references} if exists else {})}
        change = {
            "actions": ["no-op"] if exists else ["create"],
            "before": values if exists else None,
            "after": values,
            "after_unknown": unknown,
            "before_sensitive": {},
            "after_sensitive": {},
        }
        at = {"address": f"{kind}.s{number}", "mode": "managed", "type": kind, "name": f"s{number}"}
        expressions = {key: {"references": names} for key, names in references.items()}
        yield {**at, "change": change}, {**at, "provider_config_key": "aws", "expressions": expressions}


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def main() -> None:
    """Check it as a process, and print CPU seconds: of that, of ``--help``, and of reading the JSON alone."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    with tempfile.TemporaryDirectory() as folder:
        path, registry = Path(folder, "plan.json"), Path(folder, "registry.csv")
        path.write_text(json.dumps(plan(count)))
        lines = [f"e{number},service-{number},Team {number % 20}" for number in range(0, count // _FAMILY, 2)]
        registry.write_text("\n".join(["id,identities,owner", *lines]))
        started = time.process_time()
        json.loads(path.read_text())
        reading = time.process_time() - started
        muster = [sys.executable, "-m", "scanner"]
        start_up = min(run([*muster, "check", "--help"], cwd=folder).cpu for _ in range(3))
        checked = [
            *muster,
            "check",
            str(path),
            "--registry",
            str(registry),
            "--fail-on",
            "critical",
            "-o",
            "sarif:x.sarif",
        ]
        whole = min((run(checked, cwd=folder) for _ in range(3)), key=lambda cost: cost.cpu)
        size = path.stat().st_size / 1e6
        print(f"{count:,} resources, {size:.1f} MB: {whole.cpu:.2f} s CPU, {whole.peak:.0f} MiB at most")
        times = whole.cpu / reading
        print(f"{start_up:.2f} s of it to start; reading the JSON alone takes {reading:.3f} s ({times:.0f} ×)")


if __name__ == "__main__":
    main()
