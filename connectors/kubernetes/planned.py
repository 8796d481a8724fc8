"""Manifests as planned identities: service accounts, their bindings, tokens and workloads.

Resources of Terraform's provider ``kubernetes`` are read as the manifests that they apply.

A manifest has no state, so an account counts as new. An account that is only bound, or only gets a token, exists
already. The rights of a role that is not in the files are unknown, except for the built-in roles.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from msgspec.structs import replace

from connectors.kubernetes.planned_terraform import PREFIX, computed_in, manifests_of, terraform_types
from connectors.kubernetes.rights.levels import known_role, privilege_of
from connectors.kubernetes.rights.rules import RBAC, rules_of
from connectors.planned import Known, Planned, Resource
from connectors.planned.effects import givers_of
from connectors.planned.kinds import not_understood
from connectors.planned.shapes import key_of
from scanner.access.assignments import highest_privilege
from scanner.model import POWERFUL, Credential, Grant, Identity, Link, Privilege, Workload, credential_key
from scanner.model.planned import Computed, PlannedIdentity, PlannedPlace, Unread

PROVIDER: Final = "kubernetes"
UNKNOWN_CLUSTER: Final = "unknown cluster"
_Account = tuple[str, str]
"""Namespace and name. An empty namespace is the one that the manifest is applied in."""
_LONG_LIVED = "kubernetes.io/service-account-token"
"""The type of secrets with a token that never expires."""
_ACCOUNT_OF = "kubernetes.io/service-account.name"
"""The annotation of such a secret that names its account."""
_AWS_AUTH = ("kube-system", "aws-auth")
"""The config map by which EKS lets AWS identities in."""
_PREFIX = "system:serviceaccount:"
_ALL_CALLERS = frozenset({"system:authenticated", "system:unauthenticated", "system:anonymous"})
_ALL_ACCOUNTS = "system:serviceaccounts"
_LONGEST_TAG = 256
_CLOUD_IDENTITIES: Final = (
    "eks.amazonaws.com/role-arn",
    "iam.gke.io/gcp-service-account",
    "azure.workload.identity/client-id",
)
"""Annotations with the cloud identity that the account's tokens are exchanged for."""
_BINDINGS: Final = ("RoleBinding", "ClusterRoleBinding")
_SPECS: Final[Mapping[str, tuple[str, ...]]] = {
    "Pod": ("spec",),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
    **dict.fromkeys(
        ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"),
        ("spec", "template", "spec"),
    ),
}
"""The path to the pod's specification, by kind."""
_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "core": ("Pod", "ReplicationController"),
    "apps": ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"),
    "batch": ("Job", "CronJob"),
}
"""By API group: the kinds of ``_SPECS``."""
_UNDERSTOOD: Final = frozenset(
    {"core/ServiceAccount", "core/Secret", *(f"{RBAC}/{kind}" for kind in ("Role", "ClusterRole", *_BINDINGS))}
    | {f"{group}/{kind}" for group, kinds in _GROUPS.items() for kind in kinds}
)


class KubernetesPlanner:
    """Plans identities from manifests."""

    provider: ClassVar[str] = PROVIDER
    types: ClassVar[tuple[str, ...]] = ("core/*", "apps/*", "batch/*", f"{RBAC}/*", f"{PREFIX}*")

    @staticmethod
    def reads() -> frozenset[str]:
        """The types that are read completely, and those of Terraform that make them."""
        return _UNDERSTOOD | terraform_types(_UNDERSTOOD)

    def planned(self, resources: Sequence[Resource], known: Known) -> Planned:
        """See ``connectors.planned.Planner``."""
        estate = _Estate(known)
        resources = manifests_of(resources)
        for resource in resources:
            estate.declare(resource)
        for resource in resources:
            estate.add(resource)
        return Planned(
            identities=tuple(estate.identities()),
            workloads=tuple(estate.workloads),
            unread=(*estate.unread, *not_understood(resources, _UNDERSTOOD)),
        )


class _Draft:
    """An account, assembled from the resources that concern it."""

    def __init__(self, account: _Account) -> None:
        self.account = account
        self.declared: Resource | None = None
        self.places: dict[PlannedPlace, None] = {}
        self.given: list[tuple[Resource, tuple[str]]] = []
        self.privileges: list[Privilege] = []
        self.grants: list[Grant] = []
        self.credentials: dict[str, PlannedPlace] = {}
        self.computed: set[Computed] = set()


class _Estate:
    """Everything that the files declare."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._drafts: dict[_Account, _Draft] = {}
        self._by_name: dict[str, list[_Draft]] = {}
        self._groups: dict[str, _Draft] = {}
        self._roles: dict[tuple[str, str, str], Resource] = {}
        self._bound: set[tuple[str, str, str]] = set()
        self.workloads: list[Workload] = []
        self.unread: list[Unread] = []

    def declare(self, resource: Resource) -> None:
        """Add accounts and roles, which other resources may refer to in any order."""
        kind = resource.type.rpartition("/")[2]
        if kind == "ServiceAccount" and not _named(resource.values)[1]:
            self.unread.append(Unread(place=resource.place, reason="it has no name"))
        elif kind == "ServiceAccount":
            draft = self._draft(_named(resource.values))
            draft.declared = resource
            draft.places[resource.place] = None
        elif kind in ("Role", "ClusterRole"):
            namespace, name = _named(resource.values)
            self._roles[kind, namespace if kind == "Role" else "", name] = resource

    def add(self, resource: Resource) -> None:
        """Add bindings, tokens and workloads."""
        kind = resource.type.rpartition("/")[2]
        if kind in _BINDINGS:
            self._bind(resource, everywhere=kind == "ClusterRoleBinding")
        elif kind == "Secret" and resource.values.get("type") == _LONG_LIVED:
            self._token(resource)
        elif kind == "ConfigMap" and _named(resource.values) == _AWS_AUTH:
            reason = "which AWS identities it lets into the cluster is not evaluated"
            self.unread.append(Unread(place=resource.place, reason=reason))
        elif kind in _SPECS:
            self._run(resource, kind)

    def identities(self) -> Iterator[PlannedIdentity]:
        """Yield the accounts, then groups of all callers that gain rights. A role without a binding is unread."""
        for key, role in self._roles.items():
            rules = rules_of(role.values)
            level = "unknown" if rules is None else privilege_of(rules, everywhere=key[0] == "ClusterRole").level
            if key not in self._bound and level in POWERFUL:
                reason = f"its rules give the level {level}, and this file does not say who is bound to it"
                self.unread.append(Unread(place=role.place, reason=reason))
        given = {name: _highest(group.privileges) for name, group in self._groups.items()}
        for draft in self._drafts.values():
            self._add_groups(draft, given)
            yield self._identity(draft)
        for name, group in self._groups.items():
            everyone = _group(name, group)
            if everyone.identity.privilege.level in POWERFUL:
                yield everyone

    def _draft(self, account: _Account) -> _Draft:
        """Return the account's draft. A manifest without a namespace matches any namespace."""
        namespace, name = account
        alike = self._by_name.setdefault(name, [])
        found = self._drafts.get(account) or self._drafts.get(("", name))
        if found is None and alike and not namespace:
            found = alike[0]
        if found is None:
            found = self._drafts[account] = _Draft(account)
            alike.append(found)
        return found

    def _add_groups(self, draft: _Draft, given: Mapping[str, Privilege]) -> None:
        """Add the rights that an account has through the groups of all accounts and of its namespace's accounts."""
        namespace = draft.account[0]
        for name in ("system:authenticated", _ALL_ACCOUNTS, f"{_ALL_ACCOUNTS}:{namespace}"):
            if name in given:
                draft.privileges.append(given[name])
                draft.grants.append(Grant(name=f"rights of {name}", via=f"group:{name}"))
                draft.computed |= self._groups[name].computed

    def _bind(self, resource: Resource, *, everywhere: bool) -> None:
        values = resource.values
        namespace, _ = _named(values)
        ref, subjects = values.get("roleRef"), values.get("subjects") or []
        computed = computed_in(values)
        if computed or not (isinstance(ref, dict) and isinstance(subjects, list)):
            later = f"its {' and '.join(computed)} is only known after deploying"
            reason = later if computed else "its roleRef or its subjects have another shape"
            self.unread.append(Unread(place=resource.place, reason=reason))
        if not isinstance(ref, dict) or not isinstance(subjects, list):
            return
        kind, name = str(ref.get("kind")), str(ref.get("name"))
        privilege = self._privilege(kind, name, namespace, everywhere=everywhere)
        where = "the cluster" if everywhere else f"namespace {namespace}" if namespace else "its namespace"
        grant = Grant(
            name=name, via=resource.place.resource, resource=where, admin=bool(privilege and privilege.level == "admin")
        )
        for draft in self._meant(subjects, namespace):
            draft.places.setdefault(resource.place)
            draft.grants.append(grant)
            draft.given.append((resource, (name,)))
            if privilege is None:
                draft.computed.add("permissions")
            else:
                draft.privileges.append(privilege)

    def _privilege(self, kind: str, name: str, namespace: str, *, everywhere: bool) -> Privilege | None:
        """Return the privilege of a role; None if its rules are unknown."""
        key = (kind, namespace if kind == "Role" else "", name)
        role = self._roles.get(key)
        if role is None:
            return known_role(name, everywhere=everywhere) if kind == "ClusterRole" else None
        self._bound.add(key)
        rules = rules_of(role.values)
        if rules is None:
            return None
        found = privilege_of(rules, everywhere=everywhere)
        return replace(found, evidence=tuple(f"{role.place.resource}: {why}" for why in found.evidence))

    def _meant(self, subjects: Sequence[Any], namespace: str) -> Iterator[_Draft]:
        """Yield the accounts, and groups of all callers, among the subjects of a binding. Other users are left out."""
        for subject in subjects:
            kind, name = (subject.get("kind"), subject.get("name")) if isinstance(subject, dict) else (None, None)
            if not isinstance(name, str):
                continue
            if kind == "ServiceAccount":
                yield self._draft((str(subject.get("namespace") or namespace), name))
            elif kind == "User" and name.startswith(_PREFIX) and name.count(":") == _PREFIX.count(":") + 1:
                its_namespace, _, its_name = name[len(_PREFIX) :].partition(":")
                yield self._draft((its_namespace, its_name))
            elif name in _ALL_CALLERS or (kind == "Group" and f"{name}:".startswith(f"{_ALL_ACCOUNTS}:")):
                yield self._groups.setdefault(name, _Draft(("", name)))

    def _token(self, resource: Resource) -> None:
        namespace, name = _named(resource.values)
        account = _texts(_metadata(resource.values).get("annotations")).get(_ACCOUNT_OF)
        if account is None:
            self.unread.append(Unread(place=resource.place, reason="it is a token of an account that it does not name"))
            return
        draft = self._draft((namespace, account))
        draft.credentials[name or resource.place.resource] = resource.place
        draft.places.setdefault(resource.place)

    def _run(self, resource: Resource, kind: str) -> None:
        spec: Any = resource.values
        for step in _SPECS[kind]:
            spec = spec.get(step) if isinstance(spec, dict) else None
        namespace, name = _named(resource.values)
        account = spec.get("serviceAccountName") or spec.get("serviceAccount") if isinstance(spec, dict) else None
        # A workload does not change an account that is not in these files.
        alike = self._by_name.get(account, ()) if isinstance(account, str) else ()
        found = next((one.account for one in alike if one.account[0] in ("", namespace)), None)
        if found is not None:
            self.workloads.append(
                Workload(
                    key=f"planned:{resource.place.resource}",
                    provider=PROVIDER,
                    source=resource.place.file,
                    scope=UNKNOWN_CLUSTER,
                    kind=kind.lower(),
                    name=name,
                    runs_as=(self._key(found),),
                )
            )

    def _key(self, account: _Account) -> str:
        before = self._before(account)
        return before.key if before is not None else f"planned:{'/'.join(filter(None, ('ServiceAccount', *account)))}"

    def _before(self, account: _Account) -> Identity | None:
        """Return the account from the store, if exactly one cluster has an account of that name."""
        namespace, name = account
        found = self._known.named(PROVIDER, f"{namespace}/serviceaccount/{name}") if namespace else ()
        return found[0] if len(found) == 1 else None

    def _identity(self, draft: _Draft) -> PlannedIdentity:
        namespace, name = draft.account
        before, key = self._before(draft.account), self._key(draft.account)
        values = draft.declared.values if draft.declared else {}
        metadata = _metadata(values)
        annotations = _texts(metadata.get("annotations"))
        credentials = {
            credential_key(key, "token", secret): (secret, place) for secret, place in draft.credentials.items()
        }
        own = Identity(
            key=key,
            provider=PROVIDER,
            source="",
            scope=before.scope if before else UNKNOWN_CLUSTER,
            kind="service_account",
            name=name,
            unique_id=before.unique_id if before else None,
            aliases=_aliases(namespace, name),
            tags={**_texts(metadata.get("labels")), **annotations},
            attributes={"namespace": namespace} if namespace else {},
            privilege=_highest([*draft.privileges, *((before.privilege,) if before else ())]),
            grants=tuple(dict.fromkeys((*draft.grants, *(before.grants if before else ())))),
            credentials=tuple(
                Credential(key=one, kind="token", id=secret, never_expires=True)
                for one, (secret, _) in credentials.items()
            ),
            links=tuple(_links(annotations)),
        )
        exists = before is not None or draft.declared is None or draft.declared.effect != "created"
        return PlannedIdentity(
            identity=own,
            effect="changed" if exists else "created",
            places=tuple(draft.places),
            before=before,
            computed=frozenset(draft.computed),
            givers=givers_of(draft.given),
            credentials_at={one: place for one, (_, place) in credentials.items()},
            account_known=before is not None,
        )


def _group(name: str, draft: _Draft) -> PlannedIdentity:
    """A group of all callers or all accounts as a planned identity."""
    identity = Identity(
        key=f"planned:Group/{name}",
        provider=PROVIDER,
        source="",
        scope=UNKNOWN_CLUSTER,
        kind="group",
        name=name,
        privilege=_highest(draft.privileges),
        grants=tuple(dict.fromkeys(draft.grants)),
    )
    return PlannedIdentity(
        identity=identity,
        effect="changed",
        places=tuple(draft.places),
        computed=frozenset(draft.computed),
        givers=givers_of(draft.given),
        account_known=False,
    )


def _highest(privileges: Sequence[Privilege]) -> Privilege:
    return highest_privilege(privileges) if privileges else Privilege(level="normal")


def _aliases(namespace: str, name: str) -> tuple[str, ...]:
    if not namespace:
        return ()
    return f"{_PREFIX}{namespace}:{name}", f"{namespace}/{name}", f"{namespace}/serviceaccount/{name}"


def _links(annotations: Mapping[str, str]) -> Iterator[Link]:
    for annotation in _CLOUD_IDENTITIES:
        if named := annotations.get(annotation):
            yield Link(relation="can_assume", target=key_of(named), evidence=f"annotation {annotation}")


def _metadata(values: Mapping[str, Any]) -> Mapping[str, Any]:
    found = values.get("metadata")
    return found if isinstance(found, dict) else {}


def _named(values: Mapping[str, Any]) -> _Account:
    metadata = _metadata(values)
    namespace, name = metadata.get("namespace"), metadata.get("name") or metadata.get("generateName")
    return (namespace if isinstance(namespace, str) else ""), (name if isinstance(name, str) else "")


def _texts(found: Any) -> dict[str, str]:
    """Labels or annotations without long values, which are configuration of other programs."""
    if not isinstance(found, dict):
        return {}
    return {str(key): value for key, value in found.items() if isinstance(value, str) and len(value) <= _LONGEST_TAG}
