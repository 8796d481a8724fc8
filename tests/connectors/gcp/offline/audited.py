"""An organization as auditors keep it: a tree of files that `gcloud … describe` and `… get-iam-policy` wrote.

It is made up, in the shape of public exports: a folder for each project, in it one for each account, secret and bucket,
``etag`` removed, so that an empty policy is ``{}``, and tables for people beside them. ``later`` is the same
organization some years on, with a list of what was changed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

from msgspec import Struct, field

ORGANIZATION = "100200300400"
DEPLOYER = "deployer@ops-core.iam.gserviceaccount.com"
OUTSIDE = "scanner@vendor-labs.iam.gserviceaccount.com"
_ROLES = (
    "roles/viewer", "roles/storage.objectViewer", "roles/bigquery.dataViewer", "roles/logging.logWriter",
    "roles/container.admin", "roles/pubsub.publisher", "roles/monitoring.metricWriter", "roles/editor", "roles/owner",
    "roles/iam.serviceAccountTokenCreator", "roles/iam.serviceAccountUser",
)  # fmt: skip
_POLICY_OF = "projects/{}/iam.json"
Policy = dict[str, set[str]]


class Organization(Struct, kw_only=True):
    """An organization, and what the later one no longer has.

    ``policies``: members by role, by the path of their file. ``projects``: numbers by id. ``accounts``: project and
    unique id by e-mail. ``revoked``, ``untrusted``, ``deleted``: grants (path, role, member), trusts (e-mail, member)
    and e-mails that are gone; ``closed``: ids of projects.
    """

    policies: dict[str, Policy] = field(default_factory=lambda: defaultdict(lambda: defaultdict(set)))
    projects: dict[str, int] = field(default_factory=dict)
    accounts: dict[str, tuple[str, int]] = field(default_factory=dict)
    secrets: list[tuple[str, str]] = field(default_factory=list)
    buckets: list[tuple[str, str]] = field(default_factory=list)
    revoked: set[tuple[str, str, str]] = field(default_factory=set)
    untrusted: set[tuple[str, str]] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)

    def grant(self, path: str, role: str, member: str) -> None:
        """Add a member to a binding."""
        self.policies[path][role].add(member)

    def home(self, email: str) -> str:
        """The path of the policy of an account."""
        return f"projects/{self.accounts[email][0]}/service-accounts/{email}/iam.json"


def organization(projects: int = 12, *, seed: int = 7) -> Organization:
    """Projects with a few accounts each; names that end like other names, and one deployer in most of them."""
    made, draw = Organization(), Random(seed)  # noqa: S311  # not for security
    for at in range(projects):
        project = "ops-core" if at == 0 else f"team-{at:03}-{draw.choice(('prod', 'dev'))}"
        made.projects[project] = 500000000000 + at
        for name in ("app", "my-app", "app2", *(("deployer",) if at == 0 else ())):
            made.accounts[f"{name}@{project}.iam.gserviceaccount.com"] = (project, 10**20 + at * 100 + len(name))
        made.accounts[f"{500000000000 + at}-compute@developer.gserviceaccount.com"] = (project, 10**20 + at * 100 + 99)
        made.secrets.append((project, "database"))
        made.buckets.append((project, f"{project}-logs"))
    for project in made.projects:
        _fill(made, project, draw)
    made.grant("org_example.com/iam.json", "roles/resourcemanager.organizationAdmin", "group:admins@example.com")
    made.grant("org_example.com/iam.json", "roles/iam.serviceAccountTokenCreator", f"serviceAccount:{DEPLOYER}")
    made.grant("org_example.com/iam.json", "organizations/100200300400/roles/audit.viewer", f"serviceAccount:{OUTSIDE}")
    return made


def _fill(made: Organization, project: str, draw: Random) -> None:
    own = [email for email, (home, _) in made.accounts.items() if home == project]
    policy, number = _POLICY_OF.format(project), made.projects[project]
    made.grant(policy, "roles/owner", "group:leads@example.com")
    made.grant(policy, "roles/owner", "user:ada@example.com")
    made.grant(policy, "roles/editor", f"serviceAccount:{number}@cloudservices.gserviceaccount.com")
    made.grant(
        policy,
        "roles/container.serviceAgent",
        f"serviceAccount:service-{number}@container-engine-robot.iam.gserviceaccount.com",
    )
    for role in ("roles/container.admin", "roles/viewer"):
        made.grant(policy, role, f"serviceAccount:{DEPLOYER}")
    for email in own:
        made.grant(policy, draw.choice(_ROLES), f"serviceAccount:{email}")
    app, my_app = (f"{name}@{project}.iam.gserviceaccount.com" for name in ("app", "my-app"))
    made.grant(made.home(my_app), "roles/iam.workloadIdentityUser", "allAuthenticatedUsers")
    made.grant(made.home(app), "roles/iam.workloadIdentityUser", f"serviceAccount:{project}.svc.id.goog[web/app]")
    made.grant(made.home(app), "roles/iam.workloadIdentityUser", f"serviceAccount:{project}.svc.id.goog[web/old]")
    made.grant(
        f"projects/{project}/secrets/database/iam.json", "roles/secretmanager.secretAccessor", f"serviceAccount:{app}"
    )
    made.grant(
        f"projects/{project}/secrets/database/iam.json", "roles/secretmanager.admin", f"serviceAccount:{DEPLOYER}"
    )
    made.grant(f"projects/{project}/buckets/{project}-logs/iam.json", "roles/storage.objectViewer", "allUsers")
    made.grant(
        f"projects/{project}/buckets/{project}-logs/iam.json",
        "roles/storage.legacyBucketOwner",
        f"projectOwner:{project}",
    )
    made.grant(
        f"projects/{project}/buckets/{project}-logs/iam.json", "roles/storage.objectAdmin", f"serviceAccount:{my_app}"
    )


def later(before: Organization, *, seed: int = 11) -> Organization:
    """Some years on: grants and trusts revoked, accounts deleted, projects closed, and a few new ones."""
    now, draw = deepcopy(before), Random(seed)  # noqa: S311  # not for security
    projects = [one for one in now.projects if one != "ops-core"]
    for project in projects[::2]:
        _revoke(now, _POLICY_OF.format(project), "roles/container.admin", f"serviceAccount:{DEPLOYER}")
    for project in projects[1::2]:
        email, pod = f"app@{project}.iam.gserviceaccount.com", f"serviceAccount:{project}.svc.id.goog[web/old]"
        now.policies[now.home(email)]["roles/iam.workloadIdentityUser"].discard(pod)
        now.untrusted.add((email, pod.removeprefix("serviceAccount:")))
        _revoke(
            now,
            f"projects/{project}/secrets/database/iam.json",
            "roles/secretmanager.admin",
            f"serviceAccount:{DEPLOYER}",
        )
    for project in draw.sample(projects, 2):
        email = f"app2@{project}.iam.gserviceaccount.com"
        now.deleted.add(email)
        del now.accounts[email]
    closed = projects[-1]
    now.closed.add(closed)
    del now.projects[closed]
    now.accounts = {email: facts for email, facts in now.accounts.items() if facts[0] != closed}
    now.secrets = [one for one in now.secrets if one[0] != closed]
    now.buckets = [one for one in now.buckets if one[0] != closed]
    now.policies = {path: policy for path, policy in now.policies.items() if not path.startswith(f"projects/{closed}/")}
    return now


def _revoke(now: Organization, path: str, role: str, member: str) -> None:
    now.policies[path][role].discard(member)
    now.revoked.add((path, role, member))


def write_tree(made: Organization, root: Path) -> None:
    """Write it as its auditors keep it."""
    role = {"includedPermissions": ["iam.roles.get"], "name": f"organizations/{ORGANIZATION}/roles/audit.viewer"}
    _write(root / "org_example.com/roles/audit.viewer.json", role)
    for project, number in made.projects.items():
        folder = root / "projects" / project
        parent = {"id": ORGANIZATION, "type": "organization"}
        facts = {"name": project, "projectId": project, "projectNumber": str(number), "parent": parent}
        _write(
            folder / "description.json", {"createTime": "2019-04-30T20:05:50.398Z", "lifecycleState": "ACTIVE", **facts}
        )
        _write(folder / "iam.json", _policy(made, f"projects/{project}/iam.json"))
        _write(folder / "services/compute/project-info.json", {"kind": "compute#project", "name": project})
        (folder / "services/enabled.txt").write_text(
            "NAME\tTITLE\ncompute.googleapis.com\tCompute: Engine\n", encoding="utf-8"
        )
    for email, (project, unique_id) in made.accounts.items():
        folder = root / "projects" / project / "service-accounts" / email
        facts = {"projectId": project, "uniqueId": str(unique_id), "oauth2ClientId": str(unique_id)}
        _write(
            folder / "description.json",
            {"email": email, "name": f"projects/{project}/serviceAccounts/{email}", **facts},
        )
        _write(folder / "iam.json", _policy(made, made.home(email)))
    for project, secret in made.secrets:
        folder = root / "projects" / project / "secrets" / secret
        name = f"projects/{made.projects[project]}/secrets/{secret}"
        _write(folder / "description.json", {"createTime": "2021-02-28T13:22:05Z", "name": name})
        version = {"createTime": "2021-07-16T22:41:20Z", "name": f"{name}/versions/1", "state": "ENABLED"}
        _write(folder / "versions.json", [version] if made.projects[project] % 2 else [])
        _write(folder / "iam.json", _policy(made, f"projects/{project}/secrets/{secret}/iam.json"))
    for project, bucket in made.buckets:
        folder = root / "projects" / project / "buckets" / bucket
        _write(folder / "iam.json", _policy(made, f"projects/{project}/buckets/{bucket}/iam.json"))
        (folder / "metadata.txt").write_text(f"gs://{bucket}/ :\n\tStorage class:\t\tSTANDARD\n", encoding="utf-8")
    _write(root / "org_example.com/iam.json", _policy(made, "org_example.com/iam.json"))


def _policy(made: Organization, path: str) -> Mapping[str, Any]:
    bindings = [
        {"members": sorted(members), "role": role}
        for role, members in sorted(made.policies.get(path, {}).items())
        if members
    ]
    return {"bindings": bindings, "version": 1} if bindings else {}


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


# --- An independent reading of the same files ---

_HUMAN = ("user:", "group:", "domain:", "projectOwner:", "projectEditor:", "projectViewer:")


def grants_in(root: Path) -> set[tuple[str, str, str]]:
    """Resource, role and member of every binding of a machine, by nothing but the paths of the files."""
    return {
        (_resource(path.relative_to(root).parts[:-1]), binding["role"], member)
        for path in root.rglob("iam.json")
        for binding in json.loads(path.read_text(encoding="utf-8")).get("bindings", ())
        for member in binding["members"]
        if member not in ("allUsers", "allAuthenticatedUsers") and not member.startswith(_HUMAN)
    }


def trusts_in(root: Path) -> set[tuple[str, str]]:
    """E-mail and principal of everybody from outside who may become an account by the account's own policy."""
    return {
        (path.parent.name, member.removeprefix("serviceAccount:"))
        for path in root.glob("projects/*/service-accounts/*/iam.json")
        for binding in json.loads(path.read_text(encoding="utf-8")).get("bindings", ())
        for member in binding["members"]
        if "workloadIdentityUser" in binding["role"] and (".svc.id.goog[" in member or member.startswith("all"))
    }


def _resource(parts: tuple[str, ...]) -> str:
    match parts:
        case ("projects", project):
            return f"//cloudresourcemanager.googleapis.com/projects/{project}"
        case ("projects", project, "service-accounts", email):
            return f"//iam.googleapis.com/projects/{project}/serviceAccounts/{email}"
        case ("projects", project, "secrets", secret):
            return f"//secretmanager.googleapis.com/projects/{project}/secrets/{secret}"
        case ("projects", _, "buckets", bucket):
            return f"//storage.googleapis.com/{bucket}"
    return f"//cloudresourcemanager.googleapis.com/organizations/{ORGANIZATION}"


def agents_in(root: Path) -> set[str]:
    """The e-mails of Google's own accounts that any policy names: they are exempt from registration."""
    members = {member.removeprefix("serviceAccount:") for *_, member in grants_in(root)}
    return {one for one in members if (one[0].isdigit() and "@cloudservices." in one) or one.startswith("service-")}


def described(root: Path) -> Iterator[str]:
    """The e-mails of the accounts that are described."""
    yield from (path.parent.name for path in root.glob("projects/*/service-accounts/*/description.json"))
