"""The demo's Google Cloud, from gcp.toml, in a simulator on loopback."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from scanner.demo.estate import days_ago
from scanner.demo.fakes.gcp.cloud import Cloud, digits
from scanner.demo.fakes.gcp.consumers import add_instance, add_run, add_secret
from scanner.demo.fakes.gcp.identities import (
    FOREVER,
    add_api_key,
    add_engine,
    add_hmac_key,
    add_key,
    add_pool,
    add_provider,
)
from scanner.demo.fakes.gcp.roles import add_role
from scanner.demo.fakes.gcp.server import rest_server
from scanner.demo.fakes.gcp.usage import add_key_use, add_use

_LOCATION = "europe-west1"
_RECORDED = 90
"""Days of use that Policy Analyzer records."""
_MANAGER = "//cloudresourcemanager.googleapis.com"
_EXPOSED = "SERVICE_ACCOUNT_KEY_EXTENDED_STATUS_KEY_EXPOSED"
_ACCOUNT_TYPE = "iam.googleapis.com/ServiceAccount"

Table = Mapping[str, Any]


@contextmanager
def gcp_server(estate: Table) -> Iterator[str]:
    """Serve the cloud for the duration of a ``with`` block; yields its URL."""
    with rest_server(planted(estate)) as url:
        yield url


def planted(estate: Table) -> Cloud:
    """The simulator with the whole estate."""
    cloud = Cloud()
    organization = cloud.add_organization(estate["organization"], "tidewater.example")
    for project in estate["projects"]:
        cloud.add_project(project["id"], project["number"], organization, labels=project.get("labels", {}))
        email = f"{project['number']}-compute@developer.gserviceaccount.com"
        cloud.add_account(project["id"], "", email=email, displayName="Compute Engine default service account")
        add_use(cloud, project["id"], email, 0)
    for role, permissions in estate["roles"].items():
        add_role(cloud, role, *permissions)
    plants: Mapping[str, Callable[[Cloud, Table], None]] = {
        "accounts": _account,
        "pools": _pool,
        "api_keys": _api_key,
        "engines": _engine,
        "machines": _machine,
        "services": _service,
        "stored": _stored,
    }
    for name, plant in plants.items():
        for row in estate[name]:
            plant(cloud, row)
    _policies(cloud, estate)
    return cloud


def _account(cloud: Cloud, row: Table) -> None:
    project, name = row["project"], row["name"]
    facts = {"description": row["description"]} if "description" in row else {}
    email = cloud.add_account(project, name, **facts)["email"]
    add_use(cloud, project, email, row.get("used"), days=_RECORDED)
    for key in row.get("keys", ()):
        exposed = {"extendedStatus": [{"key": _EXPOSED, "value": key["exposed"]}]} if "exposed" in key else {}
        made = {"validAfterTime": _moment(key["created"]), "validBeforeTime": FOREVER}
        add_key(cloud, project, name, key["id"], **made, **exposed)
        add_key_use(cloud, project, email, key["id"], key.get("used"), days=_RECORDED)
    for key in row.get("hmac", ()):
        add_hmac_key(cloud, project, name, key["id"], timeCreated=_moment(key["created"]))


def _pool(cloud: Cloud, row: Table) -> None:
    add_pool(cloud, row["project"], row["name"])
    provider = add_provider(cloud, row["project"], row["name"], row["provider"], row.get("oidc", ""))
    if "aws" in row:
        del provider["oidc"]
        role = "assertion.arn.extract('assumed-role/{role}/')"
        mapping = {"google.subject": "assertion.arn", "attribute.aws_role": role}
        provider |= {"aws": {"accountId": row["aws"]}, "attributeMapping": mapping}


def _api_key(cloud: Cloud, row: Table) -> None:
    facts = {"createTime": _moment(row["created"])}
    facts |= {"restrictions": row["restrictions"]} if "restrictions" in row else {}
    add_api_key(cloud, row["project"], digits(row["name"], 12), row["name"], **facts)


def _engine(cloud: Cloud, row: Table) -> None:
    spec: dict[str, Any] = {"agentFramework": "google-adk"}
    spec |= {"serviceAccount": row["account"]} if "account" in row else {}
    name = add_engine(cloud, row["project"], _LOCATION, row["name"], createTime=_moment(row["created"]), spec=spec)
    if row.get("own_identity"):
        organization = next(iter(cloud.organizations))
        domain = f"agents.global.{organization}.system.id.goog"
        spec |= {"identityType": "AGENT_IDENTITY", "effectiveIdentity": f"{domain}/resources/aiplatform/{name}"}


def _machine(cloud: Cloud, row: Table) -> None:
    add_instance(cloud, row["project"], row["name"], row["account"])


def _service(cloud: Cloud, row: Table) -> None:
    add_run(cloud, row["project"], row["name"], row["account"], secrets=row["secrets"])


def _stored(cloud: Cloud, row: Table) -> None:
    versions = (("ENABLED", _moment(row["changed"])),)
    add_secret(cloud, row["project"], row["name"], versions, createTime=_moment(row["created"]))


def _policies(cloud: Cloud, estate: Table) -> None:
    """The IAM policies of projects and accounts."""
    held: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for account in estate["accounts"]:
        email = f"{account['name']}@{account['project']}.iam.gserviceaccount.com"
        for role in account["roles"]:
            held[account["project"]][role].append(f"serviceAccount:{email}")
    for binding in estate["bindings"]:
        held[binding["on"]][binding["role"]] += binding["members"]
    for place, roles in held.items():
        bindings = [{"role": role, "members": members} for role, members in roles.items()]
        if "@" in place:
            project = place.partition("@")[2].partition(".")[0]
            name = f"//iam.googleapis.com/projects/{project}/serviceAccounts/{place}"
            cloud.set_policy(name, *bindings, asset_type=_ACCOUNT_TYPE)
        else:
            cloud.set_policy(f"{_MANAGER}/projects/{place}", *bindings)


def _moment(days: float) -> str:
    return f"{days_ago(days):%Y-%m-%dT%H:%M:%SZ}"
