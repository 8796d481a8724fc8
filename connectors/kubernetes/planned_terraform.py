"""Resources of the Terraform provider ``kubernetes`` as the manifests that they apply.

Blocks become mappings, and names of arguments those of the API. What only deploying determines stays UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from connectors.kubernetes.rights.rules import RBAC
from connectors.planned import UNKNOWN, Resource
from connectors.planned.shapes import listed, mapping, text

PREFIX: Final = "kubernetes_"
_MANIFEST = "kubernetes_manifest"
_VERSIONED = "_v1"
_TYPES: Final[Mapping[str, str]] = {
    "service_account": "core/ServiceAccount",
    "secret": "core/Secret",
    "config_map": "core/ConfigMap",
    "role": f"{RBAC}/Role",
    "cluster_role": f"{RBAC}/ClusterRole",
    "role_binding": f"{RBAC}/RoleBinding",
    "cluster_role_binding": f"{RBAC}/ClusterRoleBinding",
    "pod": "core/Pod",
    "replication_controller": "core/ReplicationController",
    "deployment": "apps/Deployment",
    "stateful_set": "apps/StatefulSet",
    "daemonset": "apps/DaemonSet",
    "daemon_set": "apps/DaemonSet",
    "job": "batch/Job",
    "cron_job": "batch/CronJob",
}
"""By name of the type without prefix and version."""
_NAMES: Final[Mapping[str, str]] = {
    "api_groups": "apiGroups",
    "resource_names": "resourceNames",
    "non_resource_urls": "nonResourceURLs",
    "service_account_name": "serviceAccountName",
    "job_template": "jobTemplate",
    "generate_name": "generateName",
}
_BLOCKS: Final = frozenset({"metadata", "spec", "template", "job_template"})
"""Blocks that occur once: a list of one."""


def terraform_types(kinds: Collection[str]) -> frozenset[str]:
    """The types of the provider that make objects of these kinds, with and without a version."""
    names = [name for name, kind in _TYPES.items() if kind in kinds]
    return frozenset({_MANIFEST, *(f"{PREFIX}{name}{version}" for name in names for version in ("", _VERSIONED))})


def manifests_of(resources: Iterable[Resource]) -> list[Resource]:
    """Return the resources as manifests, without those that the change deletes or does not touch.

    A role that it does not touch stays, because a new binding may give it; so does a binding of a role that changes.
    """
    every = [_manifest(each) for each in resources]
    changing = {_role_of(each) for each in every if each.effect not in ("unchanged", "deleted")}
    return [each for each in every if each.effect != "deleted" and _counts(each, changing)]


def _counts(resource: Resource, changing: set[tuple[str, str]]) -> bool:
    if resource.effect != "unchanged" or resource.type in (f"{RBAC}/Role", f"{RBAC}/ClusterRole"):
        return True
    ref = mapping(resource.values.get("roleRef"))
    return (text(ref.get("kind")), text(ref.get("name"))) in changing


def _role_of(resource: Resource) -> tuple[str, str]:
    return resource.type.rpartition("/")[2], text(mapping(resource.values.get("metadata")).get("name"))


def _manifest(resource: Resource) -> Resource:
    """The resource as a manifest; as it is where its type is another one, or its manifest is not known."""
    if resource.type == _MANIFEST:
        manifest = mapping(resource.values.get("manifest"))
        version, kind = manifest.get("apiVersion"), manifest.get("kind")
        if not isinstance(version, str) or not isinstance(kind, str):
            return resource
        return replace(resource, type=f"{version.rpartition('/')[0] or 'core'}/{kind}", values=manifest)
    kind = _TYPES.get(resource.type.removeprefix(PREFIX).removesuffix(_VERSIONED), "")
    if not resource.type.startswith(PREFIX) or not kind:
        return resource
    values = {name: value for name, value in _members(resource.values) if name not in ("rule", "subject", "role_ref")}
    values |= {"rules": _rules(resource.values)} if "rule" in resource.values else {}
    values |= (
        {"aggregationRule": {"clusterRoleSelectors": []}} if listed(resource.values.get("aggregation_rule")) else {}
    )
    if "role_ref" in resource.values:
        values |= {"roleRef": _first(resource.values["role_ref"]), "subjects": resource.values.get("subject")}
    return replace(resource, type=kind, values=values)


def _members(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        inner = _first(value) if name in _BLOCKS else value
        yield _NAMES.get(name, name), dict(_members(inner)) if isinstance(inner, dict) and name in _BLOCKS else inner


def _rules(values: Mapping[str, Any]) -> Any:
    rules = values["rule"]
    return [dict(_members(mapping(rule))) for rule in rules] if isinstance(rules, list) else rules


def _first(value: Any) -> Any:
    """The only block of a list; UNKNOWN if only deploying determines it."""
    return value[0] if isinstance(value, list) and value else value


def is_computed(*values: Any) -> bool:
    """Whether only deploying determines one of them, or a name in one."""
    return any(value is UNKNOWN or (isinstance(value, dict) and is_computed(*value.values())) for value in values)


def computed_in(values: Mapping[str, Any]) -> Sequence[str]:
    """The parts of a binding that only deployment determines: its subjects or its role."""
    subjects = values.get("subjects")
    parts = {"roleRef": (values.get("roleRef"),), "subjects": (subjects, *listed(subjects))}
    return [name for name, found in parts.items() if is_computed(*found)]
