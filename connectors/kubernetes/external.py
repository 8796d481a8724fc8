"""Rights of external principals in the cluster, by RBAC and by the config map ``aws-auth``. Pure.

RBAC names users and groups that an external issuer authenticates. Identities of Google are recognised by their e-mail
address, those of Entra by their object id. Those of AWS get a name from an access entry or ``aws-auth``, so their
rights here are assignments of that name. Sources: the documentation of GKE (role-based access control), AKS (Kubernetes
RBAC with Entra) and EKS (config map ``aws-auth``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from connectors.kubernetes.payloads import Mapped
from connectors.kubernetes.principals import PROVIDER, ClusterRights
from connectors.kubernetes.rights.evaluation import KubernetesRights
from connectors.kubernetes.rights.links import account_key
from scanner.model import POWERFUL, Assignment, Grant, Privilege
from scanner.text import is_shared_issuer, outsider_name

_OWN: Final = "system:"
"""Prefix of Kubernetes' own users and groups: no external principal has such a name."""
_MASTERS: Final = "system:masters"
_OF_CLOUDS: Final = (
    ("gcp", re.compile(r"[^@\s]+@[^@\s]+\.gserviceaccount\.com")),
    ("azure", re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)),
)
_TEMPLATE: Final = "{{"
_MOST: Final = 1_000
"""The most accounts that an assignment lists; of more, it has patterns of their namespaces."""


def rights_of_external_principals(place: ClusterRights) -> Iterator[Assignment]:
    """Yield the assignments of external users and groups, and the principals of AWS that ``aws-auth`` maps to them."""
    if place.rights_are_known:
        for kind in ("User", "Group"):
            for name in place.authority.names(kind):
                if not name.startswith(_OWN):
                    yield from _held(place, kind, name)
    for mapped in place.facts.mapped:
        if mapped.rolearn or mapped.userarn:
            yield _mapping(place, mapped)


def _held(place: ClusterRights, kind: str, name: str) -> Iterator[Assignment]:
    """Yield an assignment for each binding. Accounts that all bindings together lead to are on the first."""
    rights = place.authority.of_subject(kind, name)
    provider = next((cloud for cloud, form in _OF_CLOUDS if form.fullmatch(name)), PROVIDER)
    becomes = _becomes(place, rights)
    bindings = [bound for bound in rights.bound if not bound.missing]
    for number, (bound, grant) in enumerate(zip(bindings, rights.grants, strict=True)):
        yield Assignment(
            key=f"kubernetes://{place.facts.uid}/{kind.lower()}/{name}#{bound.namespace or 'cluster'}/{bound.binding}",
            provider=provider,
            source=place.source,
            scope=place.facts.uid,
            holder=name if provider != PROVIDER else _called(place, kind.lower(), name),
            holder_kind=kind.lower(),
            holder_name=name,
            grant=grant,
            privilege=rights.privilege,
            becomes=() if number else becomes,
            becomes_at=PROVIDER,
        )


def _becomes(place: ClusterRights, rights: KubernetesRights) -> tuple[str, ...]:
    """The keys of the accounts that it can become; a pattern for all accounts if it can administer the cluster."""
    whole = f"kubernetes://{place.facts.uid}/*/serviceaccount/*"
    if rights.privilege.level in POWERFUL:
        return (whole,)
    becoming = place.links.becoming(rights)
    wide = tuple(account_key(place.facts.uid, (one.namespace or "*", "*")) for one in becoming.whole if not one.without)
    if len(becoming.links) > _MOST:
        spaces = sorted({namespace for namespace, _ in becoming.links})
        return (*wide, *(whole.replace("*", space, 1) for space in spaces))
    return (*wide, *(account_key(place.facts.uid, account) for account in becoming.links))


def _mapping(place: ClusterRights, mapped: Mapped) -> Assignment:
    arn, groups = mapped.rolearn or mapped.userarn, tuple(mapped.groups or ())
    named = [("group", group) for group in groups]
    named += [("user", mapped.username)] if mapped.username and _TEMPLATE not in mapped.username else []
    is_admin = _MASTERS in groups
    return Assignment(
        key=f"kubernetes://{place.facts.uid}/aws-auth#{arn}",
        provider="aws",
        source=place.source,
        scope=place.facts.uid,
        holder=arn,
        grant=Grant(
            name=f"Kubernetes groups {', '.join(groups)}" if groups else "authenticated in the cluster",
            via="aws-auth",
            resource="the cluster",
            admin=is_admin,
        ),
        privilege=Privilege(level="high", evidence=(f"administers the cluster, by {_MASTERS} in aws-auth",))
        if is_admin
        else Privilege(level="normal"),
        acts_as=tuple(_called(place, kind, name) for kind, name in named if not name.startswith(_OWN)),
        becomes=(f"kubernetes://{place.facts.uid}/*/serviceaccount/*",) if is_admin else (),
        becomes_at=PROVIDER,
    )


def _called(place: ClusterRights, kind: str, name: str) -> str:
    """Its name qualified by the issuer of the cluster, or by the cluster's uid if many clusters share that issuer."""
    issuer = place.facts.issuer
    return outsider_name(place.facts.uid if not issuer or is_shared_issuer(issuer) else issuer, kind, name)
