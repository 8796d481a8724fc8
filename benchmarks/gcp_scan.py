"""A whole `muster scan` of a Google Cloud organization: calls, in bulk and project by project, against the fewest.

The floor is counted, not run: from what each API gives on a page, and from what has no bulk listing. So is the naive
pattern: listings at their usual size, and each account and secret asked on its own for what is related to it.
"""

from __future__ import annotations

import json
import sys
import tempfile
from math import ceil
from pathlib import Path

from benchmarks.measure import Cost, run
from scanner.demo.fakes.gcp.cloud import Cloud
from scanner.demo.fakes.gcp.consumers import add_instance, add_secret
from scanner.demo.fakes.gcp.identities import add_key, add_pool, add_provider
from scanner.demo.fakes.gcp.roles import add_role
from scanner.demo.fakes.gcp.server import rest_server
from scanner.demo.fakes.gcp.usage import add_key_use, add_use

PROJECTS, ACCOUNTS, SECRETS, MACHINES = 10, 100, 20, 20
"""Projects, and how many of the others each has; each account has a key, each project a pool with a provider."""
LOCATIONS = 5
VARIABLE = "MUSTER_BENCHMARK_TOKEN"
_MANAGER = "//cloudresourcemanager.googleapis.com"
_CONFIG = """\
[[source]]
name = "gcp"
type = "gcp"
endpoint_url = "{url}"
access_token = {{ env = "{token}" }}
"""


def main() -> None:
    """Make an organization, scan it both ways, and print the ratios."""
    print(f"{PROJECTS * ACCOUNTS} service accounts in {PROJECTS} projects, {PROJECTS * SECRETS} secrets")
    for is_bulk, fewest in ((True, floor()), (False, floor_by_project())):
        cloud = _cloud()
        if not is_bulk:
            cloud.faults.deny(api="cloudasset")
        calls, cost = _scan(cloud)
        count = PROJECTS * ACCOUNTS
        print(
            f"{'in bulk' if is_bulk else 'project by project'}: {calls} calls, {calls / count * 1000:.0f} for 1,000 "
            f"identities: {calls / fewest:.2f} × the floor of {fewest}; the naive pattern takes {naive()}: "
            f"{naive() / calls:.1f} × ours; wall {cost.wall:.1f} s, CPU {cost.cpu:.1f} s, peak {cost.peak:.0f} MiB"
        )


def floor() -> int:
    """The fewest requests that list all of it by Cloud Asset: places, assets, policies, roles, use, and HMAC keys."""
    identities = PROJECTS * (2 * ACCOUNTS + 2)
    secrets = PROJECTS * 2 * SECRETS
    estate = 3 + 1
    assets = ceil(identities / 1000) + 1 + ceil(PROJECTS * MACHINES / 1000) + ceil(secrets / 1000)
    policies = ceil(PROJECTS * (1 + ACCOUNTS) / 500) + 2
    use = 2 * ceil(PROJECTS * ACCOUNTS / 1000)
    return estate + assets + policies + use + PROJECTS


def floor_by_project() -> int:
    """By the APIs of each project, which list keys, policies and versions of one thing at a time."""
    accounts = ceil(ACCOUNTS / 100) + 2 * ACCOUNTS
    pools_and_keys = 1 + 1 + 1 + 1
    located = LOCATIONS * (1 + 2 + 1)
    workloads = 1 + 1 + 1
    secrets = 1 + SECRETS
    rights_and_use = 1 + 2
    each = accounts + pools_and_keys + located + workloads + secrets + rights_and_use
    return 3 + 1 + 1 + 2 + PROJECTS * each


def naive() -> int:
    """Listings at their usual size, with a call for each account's keys and policy and for each secret's versions."""
    accounts = ceil(ACCOUNTS / 20) + 2 * ACCOUNTS
    secrets = ceil(SECRETS / 25) + 2 * SECRETS
    return 3 + PROJECTS * (accounts + secrets + 4 + LOCATIONS * 4 + 3 + 3)


def _scan(cloud: Cloud) -> tuple[int, Cost]:
    """Calls and cost. Raises RuntimeError where not all was found."""
    muster = str(Path(sys.executable).with_name("muster"))
    with rest_server(cloud) as url, tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.toml"
        config.write_text(_CONFIG.format(url=url, token=VARIABLE), encoding="utf-8")
        command = [muster, "scan", "--config", str(config), "--quiet", "-o", f"json:{folder}/r.json"]
        cost = run(command, environment={VARIABLE: "benchmark"}, cwd=folder)
        summary = json.loads((Path(folder) / "r.json").read_text(encoding="utf-8"))["summary"]
    if (summary["identities"], summary["gaps"]) != (PROJECTS * ACCOUNTS, 0):
        raise RuntimeError(f"{summary['identities']} identities were found, with {summary['gaps']} gaps")
    return len(cloud.log), cost


def _cloud() -> Cloud:
    cloud = Cloud()
    organization = cloud.add_organization("100000000001")
    viewer = add_role(cloud, "roles/viewer", "resourcemanager.projects.get")
    user = add_role(cloud, "roles/iam.serviceAccountUser", "iam.serviceAccounts.actAs")
    for number in range(PROJECTS):
        project = cloud.add_project(f"acme-{number:03}", f"{200000000000 + number}", organization)
        add_pool(cloud, project, "ci")
        add_provider(cloud, project, "ci", "github", "https://token.actions.githubusercontent.com")
        emails = [_account(cloud, project, one) for one in range(ACCOUNTS)]
        members = [f"serviceAccount:{email}" for email in emails]
        cloud.set_policy(f"{_MANAGER}/projects/{project}", {"role": viewer, "members": members})
        for email in emails:
            name = f"//iam.googleapis.com/projects/{project}/serviceAccounts/{email}"
            binding = {"role": user, "members": [members[0]]}
            cloud.set_policy(name, binding, asset_type="iam.googleapis.com/ServiceAccount")
        for one in range(SECRETS):
            add_secret(cloud, project, f"secret-{one}")
        for one in range(MACHINES):
            add_instance(cloud, project, f"machine-{one}", emails[one])
    return cloud


def _account(cloud: Cloud, project: str, number: int) -> str:
    email: str = cloud.add_account(project, f"svc-{number:04}")["email"]
    add_key(cloud, project, email, f"key{number:04}")
    add_use(cloud, project, email, 1)
    add_key_use(cloud, project, email, f"key{number:04}", 1)
    return email


if __name__ == "__main__":
    main()
