"""Recognises the type of a row, by its resource name and its members (pure).

Resource names determine the type of most resources, whichever command listed them. Source: the page "Asset names" of
Cloud Asset Inventory, and the reference of gcloud's commands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from connectors.gcp.workloads.catalog import SORTS

Row = Mapping[str, Any]

ACCOUNT = "iam.googleapis.com/ServiceAccount"
KEY = "iam.googleapis.com/ServiceAccountKey"
POOL = "iam.googleapis.com/WorkloadIdentityPool"
PROVIDER = "iam.googleapis.com/WorkloadIdentityPoolProvider"
API_KEY = "apikeys.googleapis.com/Key"
HMAC_KEY = "storage.googleapis.com/HmacKey"
STORED = "secretmanager.googleapis.com/Secret"
VERSION = "secretmanager.googleapis.com/SecretVersion"
ROLE = "iam.googleapis.com/Role"
USE_OF_ACCOUNTS = "policyanalyzer.googleapis.com/serviceAccountLastAuthentication"
USE_OF_KEYS = "policyanalyzer.googleapis.com/serviceAccountKeyLastAuthentication"
CLUSTER = "container.googleapis.com/Cluster"
_RUN = {"Service": "services", "Job": "jobs"}


class Kind(Struct, frozen=True, kw_only=True):
    """``type``: as Cloud Asset has it. ``path``: of a resource of it. ``command``: what lists them.

    ``words``: what the name of a file says that holds them, for a file with none in it.
    ``within``: the type of thing that they are listed of, one at a time; its name stands before theirs.
    """

    type: str
    path: str
    command: str
    words: str
    within: str | None = None

    def fits(self, path: str) -> bool:
        """Whether a resource of that name is one."""
        return re.fullmatch(self.path, path) is not None


def _kind(type_: str, path: str, command: str, words: str, *, within: str | None = None) -> Kind:
    return Kind(type=type_, path=rf"projects/[^/]+/{path}", command=f"gcloud {command}", words=words, within=within)


_X = "[^/]+"
_POOLS = f"locations/global/workloadIdentityPools/{_X}"
_OF_POOL = "--workload-identity-pool={parent} --location=global --project={project}"
KINDS: tuple[Kind, ...] = (
    _kind(
        KEY,
        f"serviceAccounts/{_X}/keys/{_X}",
        "iam service-accounts keys list --iam-account={parent}",
        "account-keys",
        within=ACCOUNT,
    ),
    _kind(ACCOUNT, f"serviceAccounts/{_X}", "iam service-accounts list --project={project}", "service-accounts"),
    _kind(
        PROVIDER,
        f"{_POOLS}/providers/{_X}",
        f"iam workload-identity-pools providers list {_OF_POOL}",
        "providers",
        within=POOL,
    ),
    _kind(
        POOL,
        _POOLS,
        "iam workload-identity-pools list --location=global --project={project}",
        "workload-identity-pools",
    ),
    _kind(API_KEY, f"locations/global/keys/{_X}", "services api-keys list --project={project}", "api-keys"),
    _kind(HMAC_KEY, f"hmacKeys/{_X}", "storage hmac list --project={project}", "hmac"),
    _kind(
        VERSION,
        f"(?:locations/{_X}/)?secrets/{_X}/versions/{_X}",
        "secrets versions list {parent} --project={project}",
        "versions",
        within=STORED,
    ),
    _kind(STORED, f"(?:locations/{_X}/)?secrets/{_X}", "secrets list --project={project}", "secrets"),
    _kind(
        "compute.googleapis.com/Instance",
        f"zones/{_X}/instances/{_X}",
        "compute instances list --project={project}",
        "instances",
    ),
    _kind(
        "compute.googleapis.com/InstanceTemplate",
        f"(?:global|regions/{_X})/instanceTemplates/{_X}",
        "compute instance-templates list --project={project}",
        "instance-templates",
    ),
    _kind(
        "run.googleapis.com/Service",
        f"locations/{_X}/services/{_X}",
        "run services list --project={project}",
        "run-services",
    ),
    _kind("run.googleapis.com/Job", f"locations/{_X}/jobs/{_X}", "run jobs list --project={project}", "run-jobs"),
    _kind(
        "cloudfunctions.googleapis.com/Function",
        f"locations/{_X}/functions/{_X}",
        "functions list --project={project}",
        "functions",
    ),
    _kind(
        CLUSTER,
        f"(?:locations|zones)/{_X}/clusters/{_X}",
        "container clusters list --project={project}",
        "clusters",
    ),
)
_BY_ASSETS = ("aiplatform.googleapis.com/ReasoningEngine", *SORTS)
ALL_TYPES: frozenset[str] = frozenset({*(kind.type for kind in KINDS), ROLE, *_BY_ASSETS} - {HMAC_KEY})
"""The types in a listing of assets of all types."""
BY_TYPE: Mapping[str, Kind] = {kind.type: kind for kind in KINDS}
COMMANDS: Mapping[str, str] = {
    **{kind.type: kind.command for kind in KINDS},
    **{
        type_: f"gcloud policy-intelligence query-activity --activity-type={type_.rpartition('/')[2]} "
        "--project={project}"
        for type_ in (USE_OF_ACCOUNTS, USE_OF_KEYS)
    },
    ROLE: "gcloud iam roles describe ROLE",
}
_ANY = "gcloud asset list --content-type=resource --asset-types={type} --project={project}"


class Item(Struct, frozen=True, kw_only=True):
    """A row and what it is. ``path``: its resource name, with whatever its project is called there."""

    type: str
    path: str
    data: Row
    version: str = ""


def command_for(type_: str, project: str, parent: str = "…") -> str:
    """The command that writes a file with all resources of a type."""
    command = COMMANDS.get(type_, _ANY).format(project=project, parent=parent, type=type_)
    return f"`{command} --format=json` writes it"


def item_in(row: Row) -> Item | None:
    """A row of a listing by gcloud; None where it is not known."""
    activity = row.get("activityType")
    if isinstance(activity, str) and isinstance(row.get("activity"), Mapping):
        path = _text(row, "fullResourceName").partition(".com/")[2]
        return Item(type=f"policyanalyzer.googleapis.com/{activity}", path=path, data=row)
    if "accessId" in row and "serviceAccountEmail" in row:
        project = _text(row, "projectId") or _text(row, "serviceAccountEmail").partition("@")[2].partition(".")[0]
        return Item(type=HMAC_KEY, path=f"projects/{project}/hmacKeys/{row['accessId']}", data=row)
    path = _path(row)
    kind = next((one for one in KINDS if one.fits(path)), None)
    if kind is None:
        return None
    return Item(type=kind.type, path=path, data=row, version="v1" if "apiVersion" in row else "")


def asset_in(row: Row) -> Item | None:
    """An asset of a listing or of an export, whose members are written in two ways."""
    name, type_ = _text(row, "name"), _text(row, "assetType") or _text(row, "asset_type")
    resource = row.get("resource")
    if not name.startswith("//") or not type_ or not isinstance(resource, Mapping):
        return None
    data = resource.get("data")
    path = name[2:].partition("/")[2]
    return Item(
        type=type_, path=path, data=data if isinstance(data, Mapping) else {}, version=_text(resource, "version")
    )


def _path(row: Row) -> str:
    name, link = _text(row, "name"), _text(row, "selfLink")
    if "/" in name:
        return name
    if "/projects/" in link:
        return "projects/" + link.partition("/projects/")[2]
    metadata, collection = row.get("metadata"), _RUN.get(_text(row, "kind"))
    if isinstance(metadata, Mapping) and collection:
        labels = metadata.get("labels")
        location = _text(labels, "cloud.googleapis.com/location") if isinstance(labels, Mapping) else ""
        return f"projects/{_text(metadata, 'namespace')}/locations/{location}/{collection}/{_text(metadata, 'name')}"
    return ""


def _text(row: Row, member: str) -> str:
    value = row.get(member)
    return value if isinstance(value, str) else ""
