"""A company in the fake cloud with rights of every sort, for the tests of what is read."""

from __future__ import annotations

from typing import Any

from scanner.demo.fakes.gcp.cloud import Cloud
from scanner.demo.fakes.gcp.identities import add_pool, add_provider
from scanner.demo.fakes.gcp.roles import add_role
from tests.connectors.gcp.rights.estate import BILLING, BUILDER, DEPLOYER, key_of

NUMBER = "123456789012"
ORGANIZATION = f"organizations/{NUMBER}"
MANAGER = "//cloudresourcemanager.googleapis.com/"
_POOLS = "locations/global/workloadIdentityPools"
POOL = f"projects/1111/{_POOLS}/ci"
SUBJECT = f"principal://iam.googleapis.com/{POOL}/subject/repo:acme/app:ref:refs/heads/main"
AGENT = "service-1111@gcp-sa-pubsub.iam.gserviceaccount.com"
ENGINE = "projects/1111/locations/europe-west1/reasoningEngines/77"
GONE = "deleted:serviceAccount:old@acme-prod.iam.gserviceaccount.com?uid=100000000000000000009"
TOKEN_CREATOR, USER, POOL_USER = (
    f"roles/iam.{name}" for name in ("serviceAccountTokenCreator", "serviceAccountUser", "workloadIdentityUser")
)
OURS = "projects/acme-prod/roles/deployer"
TOP = f"{ORGANIZATION}/roles/auditor"
_ACCOUNT_TYPE = "iam.googleapis.com/ServiceAccount"


def company() -> Cloud:
    """An organisation with a folder, two projects and three accounts."""
    cloud = Cloud()
    organization = cloud.add_organization(NUMBER)
    cloud.add_folder("45", organization)
    cloud.add_project("acme-prod", "1111", "folders/45")
    cloud.add_project("acme-dev", "2222", organization)
    for email in (BILLING, DEPLOYER, BUILDER):
        name, _, domain = email.partition("@")
        cloud.add_account(domain.partition(".")[0], name)
    cloud.add(f"projects/acme-prod/{_POOLS}", {"name": POOL, "state": "ACTIVE"})
    cloud.add(
        f"projects/acme-prod/{_POOLS}/ci/providers",
        {
            "name": f"{POOL}/providers/github",
            "state": "ACTIVE",
            "attributeMapping": {"google.subject": "assertion.sub"},
            "oidc": {"issuerUri": "https://token.actions.githubusercontent.com"},
        },
    )
    for role, permissions in {
        "roles/viewer": ("compute.instances.list",),
        "roles/editor": ("iam.serviceAccounts.actAs", "compute.instances.create"),
        "roles/owner": ("resourcemanager.projects.setIamPolicy",),
        TOKEN_CREATOR: ("iam.serviceAccounts.getAccessToken", "iam.serviceAccounts.signJwt"),
        USER: ("iam.serviceAccounts.actAs",),
        POOL_USER: ("iam.serviceAccounts.getAccessToken",),
        "roles/compute.admin": ("compute.instances.create",),
        OURS: ("run.services.create", "iam.serviceAccounts.actAs"),
        TOP: ("resourcemanager.projects.get",),
    }.items():
        add_role(cloud, role, *permissions)
    add_pool(cloud, "acme-prod", "ci")
    add_provider(cloud, "acme-prod", "ci", "github", "https://token.actions.githubusercontent.com")
    bind(cloud, ORGANIZATION, {"roles/viewer": [BUILDER], TOP: [BILLING]}, "user:ada@example.com")
    bind(cloud, "folders/45", {"roles/compute.admin": [DEPLOYER]}, "group:ops@example.com")
    bind(cloud, "projects/acme-prod", {"roles/editor": [BUILDER], "roles/viewer": [AGENT, GONE], OURS: [DEPLOYER]})
    bind(cloud, "projects/acme-dev", {"roles/viewer": ["absent@acme-dev.iam.gserviceaccount.com"]})
    bind(cloud, key_of(BILLING), {USER: [DEPLOYER], POOL_USER: [SUBJECT]})
    bind(cloud, key_of(BUILDER, "acme-dev"), {TOKEN_CREATOR: [BILLING]})
    return cloud


def bind(cloud: Cloud, place: str, roles: dict[str, list[str]], *people: str, condition: str | None = None) -> None:
    """Set the policy of a container or account; ``people`` are viewers there."""
    bindings: list[dict[str, Any]] = [
        {"role": role, "members": [each if ":" in each else f"serviceAccount:{each}" for each in members]}
        for role, members in roles.items()
    ]
    bindings += [{"role": "roles/viewer", "members": list(people)}] if people else []
    if condition is not None:
        bindings = [one | {"condition": {"title": "a condition", "expression": condition}} for one in bindings]
    is_account = place.startswith("//")
    kind = _ACCOUNT_TYPE if is_account else f"cloudresourcemanager.googleapis.com/{_KINDS[place.partition('/')[0]]}"
    cloud.set_policy(place if is_account else f"{MANAGER}{place}", *bindings, asset_type=kind)


def entitle(cloud: Cloud, place: str, role: str, *principals: str, on: str = "", **fields: Any) -> None:
    """An entitlement of Privileged Access Manager: these may ask for a role there, without anyone's approval."""
    collection = f"{place}/locations/global/entitlements"
    access = {"resource": f"{MANAGER}{on or place}", "roleBindings": [{"role": role}]}
    row = {
        "name": f"{collection}/{role.rpartition('/')[2].lower()}",
        "createTime": "2025-01-01T00:00:00Z",
        "eligibleUsers": [{"principals": list(principals)}],
        "privilegedAccess": {"gcpIamAccess": access},
        "maxRequestDuration": "3600s",
        "requesterJustificationConfig": {"unstructured": {}},
        "state": "AVAILABLE",
    }
    cloud.add(collection, row | fields)


_KINDS = {"organizations": "Organization", "folders": "Folder", "projects": "Project"}


def deny(cloud: Cloud, place: str, permission: str, name: str = "guard", **rule: Any) -> None:
    """Attach a deny policy that takes a permission from everyone."""
    usual = {"deniedPrincipals": ["principalSet://goog/public:all"], "deniedPermissions": [permission]}
    attached = f"cloudresourcemanager.googleapis.com%2F{place.replace('/', '%2F')}"
    cloud.add(
        f"{place}/denypolicies",
        {
            "name": f"policies/{attached}/denypolicies/{name}",
            "uid": "5e1a2b3c-0000-4000-8000-000000000001",
            "kind": "DenyPolicy",
            "displayName": name,
            "rules": [{"denyRule": usual | rule}],
        },
    )
