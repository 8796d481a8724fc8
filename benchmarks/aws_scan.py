"""A whole `muster scan` of an AWS account, against the fewest calls that list the same (goals: 1.05 × its calls)."""

from __future__ import annotations

import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

from benchmarks.measure import run
from connectors.aws.client.session import IN_FLIGHT
from connectors.aws.workloads.catalog import USUAL
from tests.connectors.aws.estate import REGIONS
from tests.servers.fault_proxy import FaultProxy
from tests.servers.moto_server import ENVIRONMENT, MotoServer, moto_server

USERS, ROLES, POLICIES, SECRETS = 250, 525, 50, 50
LATENCY = 0.02
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        },
    }
)
READ = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"},
    }
)


def main() -> None:
    """Seed, read it both ways with and without latency, and print the ratios."""
    muster = str(Path(sys.executable).with_name("muster"))
    with moto_server() as moto, FaultProxy(moto.url) as proxy, tempfile.TemporaryDirectory() as folder:
        _seed(moto)
        print(f"{USERS} users with a key each, {ROLES} roles, {SECRETS} secrets in {len(REGIONS)} regions")
        for resources, latency in product(("secretsmanager.secrets", USUAL), (0.0, LATENCY)):
            source = f"aws:endpoint_url={proxy.url},regions={'+'.join(REGIONS)},resources={resources}"
            store = f"sqlite:///{folder}/{resources}-{latency}.db"
            scan = [muster, "scan", source, "--quiet", "--store", store, "-o", f"json:{folder}/r.json"]
            floor = [sys.executable, "-m", "benchmarks.aws_floor", proxy.url, resources]
            proxy.reset()
            proxy.latency = latency
            least = run(floor, environment=ENVIRONMENT)
            fewest = proxy.calls.total()
            proxy.reset()
            proxy.latency = latency
            ours = run(scan, environment=ENVIRONMENT, cwd=folder)
            calls = proxy.calls.total()
            print(
                f"{resources}, {latency * 1000:2.0f} ms a call: {calls} calls ({calls / fewest:.3f} × {fewest}); "
                f"wall {ours.wall:.1f} s ({ours.wall / least.wall:.2f} × {least.wall:.1f}); "
                f"CPU {ours.cpu:.1f} s ({ours.cpu / least.cpu:.2f} × {least.cpu:.1f}); "
                f"peak {ours.peak:.0f} MiB ({least.peak:.0f})"
            )
        bound = calls * LATENCY / IN_FLIGHT
        print(f"calls × latency ÷ {IN_FLIGHT} in flight = {bound:.1f} s; start-up, listing and reports come on top")


def _seed(moto: MotoServer) -> None:
    iam = moto.client("iam")

    def user(number: int) -> None:
        iam.create_user(UserName=f"svc-{number:04}")
        iam.create_access_key(UserName=f"svc-{number:04}")

    def secret(number: int) -> None:
        client = moto.client("secretsmanager", REGIONS[number % len(REGIONS)])
        client.create_secret(Name=f"s{number}", SecretString="x")  # the emulator's

    policies = [
        iam.create_policy(PolicyName=f"p{number}", PolicyDocument=READ)["Policy"]["Arn"] for number in range(POLICIES)
    ]

    def role(number: int) -> None:
        iam.create_role(RoleName=f"role-{number:04}", AssumeRolePolicyDocument=TRUST)

    with ThreadPoolExecutor(8) as pool:
        for make, count in ((user, USERS), (role, ROLES), (secret, SECRETS)):
            list(pool.map(make, range(count)))
    for number in range(ROLES):  # one after the other: the emulator trips over itself
        iam.attach_role_policy(RoleName=f"role-{number:04}", PolicyArn=policies[number % POLICIES])


if __name__ == "__main__":
    main()
