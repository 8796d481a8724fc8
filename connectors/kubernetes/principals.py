"""Principals besides service accounts: groups, users with certificates, roles and local accounts of Argo CD. Pure.

Kubernetes keeps no list of users and groups: a certificate or another issuer names them. So only those are known that
RBAC names, and certificates that were signed recently.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from msgspec import Struct

from connectors.kubernetes import custom as c
from connectors.kubernetes import payloads as p
from connectors.kubernetes.certificates import named_users
from connectors.kubernetes.credentials import certificates_of, second
from connectors.kubernetes.reader import KubernetesFacts
from connectors.kubernetes.rights.bindings import ALL_ACCOUNTS, ALL_CALLERS
from connectors.kubernetes.rights.evaluation import Authority, KubernetesRights
from connectors.kubernetes.rights.links import Links, edges_of
from connectors.kubernetes.rights.targets import Account
from scanner.model import POWERFUL, PRIVILEGES, Credential, Identity, Privilege, Trust, credential_key
from scanner.model.rights import with_administration

PROVIDER: Final = "kubernetes"
_ANONYMOUS: Final = "system:anonymous"
_UNAUTHENTICATED: Final = ALL_CALLERS[1]
_GKE: Final = "container.googleapis.com"
JOINING: Final = "system:bootstrappers"
_JOINS_WITHIN: Final = timedelta(hours=24)
"""Default lifetime of a bootstrap token of `kubeadm token create`."""
_UNEVALUATED: Final = Privilege(level="unknown", evidence=("policies of Argo CD are not evaluated",))


class ClusterRights(Struct, frozen=True, kw_only=True):
    """A cluster with the rights of its bindings. ``rights_are_known``: RBAC could be read.

    ``links``: what subjects can become. ``strong``: the accounts that are admins or lead to one.
    """

    facts: KubernetesFacts
    source: str
    authority: Authority
    rights_are_known: bool
    links: Links
    strong: frozenset[Account] = frozenset()

    def is_powerful(self, rights: KubernetesRights) -> bool:
        """Whether these are the rights of an admin, or lead to one within the cluster."""
        return rights.privilege.level in POWERFUL or self.links.becoming(rights).leads_to(self.strong)

    def identity(self, kind: str, path: str, name: str, **facts: Any) -> Identity:
        """An identity of the cluster. ``path``: the part of its key after the cluster."""
        key = f"kubernetes://{self.facts.uid}/{path}"
        usual: dict[str, Any] = {"provider": PROVIDER, "source": self.source, "scope": self.facts.uid}
        return Identity(key=key, kind=kind, name=name, **usual, **facts)

    def subject(self, kind: str, name: str, rights: KubernetesRights, **facts: Any) -> Identity:
        """A user or a group with its own rights."""
        links, reach = edges_of(self.links.becoming(rights), self.facts.uid)
        held = {"privilege": rights.privilege, "grants": rights.grants, "links": links, "reach": reach}
        consequences = with_administration(rights.privilege, rights.consequences)
        return self.identity(kind, f"{kind}/{name}", name, consequences=consequences, **held, **facts)


def principals(place: ClusterRights) -> Iterator[Identity]:
    """Yield all principals other than service accounts."""
    if place.rights_are_known:
        yield from _groups(place)
        yield from _users(place)
    yield from _joining(place)
    yield from _argocd_roles(place)
    yield from _argocd_accounts(place)


def _groups(place: ClusterRights) -> Iterator[Identity]:
    """Yield the groups of all callers and of all accounts that have admin or escalation rights.

    Groups that include anyone on the network have a trust of anyone, and are also reported with high rights.
    """
    groups = sorted(filter(_is_group_of_all, place.authority.names("Group")))
    for kind, name in (*(("Group", one) for one in groups), ("User", _ANONYMOUS)):
        rights = place.authority.of_subject(kind, name)
        evidence = _open_to_all(place.facts, name)
        if place.is_powerful(rights) or (evidence and rights.privilege.level == "high"):
            trust = Trust(principal=name, kind="anyone", external=True, evidence=evidence)
            yield place.subject(kind.lower(), name, rights, trusts=(trust,) if evidence else ())


def _open_to_all(facts: KubernetesFacts, name: str) -> str:
    """Return why anyone on the network is that user or group; empty if not."""
    if name in (_ANONYMOUS, _UNAUTHENTICATED):
        return "every request without credentials to the API server"
    if name == ALL_CALLERS[0] and _GKE in (facts.issuer or ""):
        return "on GKE, everyone with a Google account is authenticated"
    return ""


def _users(place: ClusterRights) -> Iterator[Identity]:
    """Yield users with admin or escalation rights. Certificates that are no longer listed are carried over."""
    certificates = certificates_of(place.facts)
    for name in sorted(named_users(place.facts.bindings)):
        rights = place.authority.of_subject("User", name)
        if place.is_powerful(rights):
            key = f"kubernetes://{place.facts.uid}/user/{name}"
            signed = tuple(one.credential(key) for one in certificates.get(name, ()))
            yield place.subject("user", name, rights, credentials=signed, unread=("credentials",))


def _joining(place: ClusterRights) -> Iterator[Identity]:
    """Yield the group of joining nodes if a bootstrap token is older than the default lifetime.

    The expiry of a token is in its secret, which is not read.
    """
    facts = place.facts
    old = [one for one in facts.joining if one.created is not None and facts.read_at - one.created > _JOINS_WITHIN]
    if not old:
        return
    named = sorted(name for name in place.authority.names("Group") if name == JOINING or name.startswith(f"{JOINING}:"))
    rights = [place.authority.of_subject("Group", name) for name in named]
    highest = min((one.privilege for one in rights), key=lambda one: PRIVILEGES.index(one.level), default=None)
    key = f"kubernetes://{facts.uid}/group/{JOINING}"
    yield place.identity(
        "group",
        f"group/{JOINING}",
        JOINING,
        description="machines that join the cluster as nodes; their tokens usually live for 24 hours",
        privilege=highest if place.rights_are_known and highest else Privilege(level="unknown"),
        grants=tuple(grant for one in rights for grant in one.grants),
        credentials=tuple(
            Credential(key=credential_key(key, "token", one.name), kind="token", id=one.name, created_at=one.created)
            for one in old
        ),
    )


def _argocd_roles(place: ClusterRights) -> Iterator[Identity]:
    """Yield roles of projects that have tokens. The project has the dates of tokens, not the tokens themselves."""
    for project in place.facts.projects:
        namespace, name = project.metadata.namespace, project.metadata.name
        for role in project.roles:
            path = f"{namespace}/argocd/{name}/{role.name}"
            key = f"kubernetes://{place.facts.uid}/{path}"
            yield place.identity(
                "argocd_role",
                path,
                role.name,
                display_name=f"{name}/{role.name}",
                aliases=(f"proj:{name}:{role.name}",),
                description=f"role of the Argo CD project {name}",
                tags=p.kept(project.metadata.labels) | p.kept(project.metadata.annotations),
                attributes={"namespace": namespace, "project": name},
                privilege=_UNEVALUATED,
                credentials=tuple(_project_token(key, token) for token in role.tokens or ()),
            )


def _project_token(key: str, token: c.ProjectToken) -> Credential:
    """A token of a project's role, identified by its id, else by its time of issue, as in Argo CD."""
    name = token.id or str(token.iat)
    return Credential(
        key=credential_key(key, "token", name),
        kind="token",
        id=name,
        created_at=second(token.iat),
        expires_at=second(token.exp),
        never_expires=not token.exp,
    )


def _argocd_accounts(place: ClusterRights) -> Iterator[Identity]:
    """Yield local accounts. Their tokens and passwords are in a secret that is not read."""
    facts = place.facts
    if facts.argocd is None:
        return
    for account in c.local_accounts(facts.argocd):
        can = [what for what, is_so in (("login", account.signs_in), ("apiKey", account.has_tokens)) if is_so]
        yield place.identity(
            "argocd_account",
            f"{facts.argocd_namespace}/argocd/account/{account.name}",
            account.name,
            display_name=f"argocd/{account.name}",
            description="local account of Argo CD",
            enabled=account.enabled,
            attributes={"namespace": facts.argocd_namespace, "can": can},
            privilege=Privilege(level="high", evidence=("may deploy anything through Argo CD",))
            if account.name == c.ADMIN
            else _UNEVALUATED,
            unread=("credentials",),
        )


def _is_group_of_all(group: str) -> bool:
    return group in ALL_CALLERS or group == ALL_ACCOUNTS or group.startswith(f"{ALL_ACCOUNTS}:")
