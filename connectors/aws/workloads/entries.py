"""Assignments of EKS: principals with access to a cluster, and roles that service accounts assume (pure).

Source: EKS's API reference, and its user guide, "Review access policy permissions". Accounts and groups of the cluster
are named after its issuer, as they are by the connector for Kubernetes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct

from connectors.aws.workloads.records import Around
from connectors.aws.workloads.rows import Row
from scanner.model import Assignment, Grant, Privilege, PrivilegeLevel, Takeover
from scanner.model.attributes import RUNS_IN, SIGNS_TOKENS_AS
from scanner.text import account_name, outsider_name

_BY_ASSOCIATION: Final = "EKS pod identity"
_BY_ENTRY: Final = "EKS access entry"


class AccessPolicy(Struct, frozen=True):
    """The rights of an access policy in its scope. ``becomes``: it can act as the accounts there."""

    level: PrivilegeLevel
    why: str
    becomes: bool = False


_ADMINISTRATORS: Final = "AmazonEKSClusterAdminPolicy"
_KNOWN: Final[Mapping[str, AccessPolicy]] = {
    _ADMINISTRATORS: AccessPolicy("high", "administers", becomes=True),
    "AmazonEKSAdminPolicy": AccessPolicy("high", "runs pods, reads secrets and gives rights in", becomes=True),
    "AmazonEKSEditPolicy": AccessPolicy("high", "runs pods and reads secrets in", becomes=True),
    "AmazonEKSAdminViewPolicy": AccessPolicy("high", "reads everything, secrets included, in"),
    "AmazonEKSSecretReaderPolicy": AccessPolicy("high", "reads secrets in"),
    "AmazonEKSViewPolicy": AccessPolicy("normal", "reads, without secrets,"),
}
_OTHER: Final = AccessPolicy("unknown", "has an access policy that is not known, in")


def identity_of(row: Row, around: Around) -> Assignment | None:
    """The role of an account; with a target role, only that role's credentials are given to pods.

    A session policy leaves less than the role may do. None where the role is not reported, or the cluster's issuer: the
    account is found by it.
    """
    issuer, becomes = _issuer(row, around), row.facts.get("target_role") or row.facts.get("role")
    if issuer is None or becomes is None:
        return None
    namespace, name = row.facts["namespace"], row.facts["service_account"]
    return _assignment(
        row,
        around,
        provider="kubernetes",
        holder=account_name(issuer, namespace, name),
        holder_kind="service_account",
        holder_name=f"{namespace}/{name}",
        grant=Grant(name=becomes, via=_BY_ASSOCIATION, resource=f"EKS cluster {row.facts['cluster_name']}"),
        becomes=(becomes,),
        becomes_at="aws",
        conditional=bool(row.facts.get("session_policy")),
    )


def entry_of(row: Row, around: Around) -> Assignment | None:
    """The groups and the user of a principal in a cluster. Their permissions come from the cluster.

    None if the entry could not be described.
    """
    issuer, groups = _issuer(row, around), row.facts.get("groups", ())
    if issuer is None or "type" not in row.facts:
        return None
    named = [("group", group) for group in groups]
    named += [("user", user) for user in (row.facts.get("username"),) if user]
    return _assignment(
        row,
        around,
        provider="aws",
        holder=row.facts["principal"],
        grant=Grant(
            name=f"Kubernetes groups {', '.join(groups)}" if groups else "authenticated in the cluster",
            via=_BY_ENTRY,
            resource=f"EKS cluster {row.facts['cluster_name']}",
        ),
        acts_as=tuple(outsider_name(issuer, kind, name) for kind, name in named),
    )


def policy_of(row: Row, around: Around) -> Assignment:
    """The rights of a principal in a cluster, or in some of its namespaces."""
    arn, cluster = row.facts["policy"], row.facts[RUNS_IN]
    name = arn.rpartition("/")[2]
    policy = _KNOWN.get(name, _OTHER)
    spaces = row.facts.get("namespaces", ()) if row.facts.get("within") == "namespace" else None
    where = f"EKS cluster {row.facts['cluster_name']}"
    if spaces is not None:
        where = f"namespaces {', '.join(spaces)} of {where}"
    on = (cluster,) if spaces is None else tuple(f"{cluster}/namespaces/{space}" for space in spaces)
    return _assignment(
        row,
        around,
        provider="aws",
        holder=row.facts["principal"],
        grant=Grant(
            name=name, via="EKS access entry", resource=where, admin=spaces is None and name == _ADMINISTRATORS
        ),
        privilege=Privilege(level=policy.level, evidence=(f"{policy.why} {where} ({name})",)),
        takes_over=(Takeover(by=f"{name} on {where}", on=on),) if policy.becomes and on else (),
    )


def _issuer(row: Row, around: Around) -> str | None:
    cluster = around.parents.get(row.facts[RUNS_IN])
    issuer = None if cluster is None else cluster.facts.get(SIGNS_TOKENS_AS)
    return issuer if isinstance(issuer, str) and issuer else None


def _assignment(row: Row, around: Around, **facts: Any) -> Assignment:
    where = around.where
    return Assignment(key=row.key, source=where.source, scope=where.account, created_at=row.created_at, **facts)


ASSIGNMENTS: Final[Mapping[str, Callable[[Row, Around], Assignment | None]]] = {
    each.__name__: each for each in (identity_of, entry_of, policy_of)
}
"""By the name that a resource type gives as ``assigns``."""
