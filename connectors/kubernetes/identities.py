"""Service accounts and groups as identities. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from connectors.core.reading import unread_facts
from connectors.kubernetes import payloads as p
from connectors.kubernetes.actions import OF_ITSELF, action_of, is_built_in
from connectors.kubernetes.agents import agents_in, alone, served
from connectors.kubernetes.credentials import certificates_of, credentials_of, projections_of, tokens_of
from connectors.kubernetes.deployers import deployed, opened_by, used_by_controllers
from connectors.kubernetes.external import rights_of_external_principals
from connectors.kubernetes.principals import PROVIDER, ClusterRights, principals
from connectors.kubernetes.reader import BOOTSTRAPPING, KubernetesFacts
from connectors.kubernetes.rights.bindings import ACCOUNT_PREFIX, Bound
from connectors.kubernetes.rights.evaluation import Authority, KubernetesRights
from connectors.kubernetes.rights.facts import environment, of_binding, of_rights, of_workloads
from connectors.kubernetes.rights.links import NOWHERE, Links, account_key, edges_of, links_of, powerful
from connectors.kubernetes.rights.methods import OPEN_CONSTRAINTS, Kind
from connectors.kubernetes.rights.rules import KubernetesRule
from connectors.kubernetes.rights.targets import Account, KubernetesAccounts, Surroundings
from connectors.kubernetes.spec import ARGOCD, FLUX, WORKLOADS
from connectors.kubernetes.system_namespaces import is_system_namespace
from connectors.kubernetes.workloads import RunningWorkload, workload
from connectors.planned.shapes import key_of
from scanner.model import (
    Assignment,
    Grant,
    Identity,
    Link,
    Privilege,
    TokenSubject,
    Workload,
)
from scanner.model.attributes import DEFAULT_ACCOUNT, GRANTED_SERVICES, ROLE_MISSING
from scanner.model.reach import KEY_ID, Said
from scanner.model.rights import with_administration
from scanner.text import account_name, is_known_everywhere, is_shared_issuer, issuer_name

_ENFORCE: Final = "pod-security.kubernetes.io/enforce"
_CLOUD: Final = {
    "eks.amazonaws.com/role-arn": "IAM role",
    "iam.gke.io/gcp-service-account": "Google service account",
    "azure.workload.identity/client-id": "Azure client",
}
_OWNER_KEYS: Final = frozenset(
    {"owner", "owners", "team", "contact", "email", "app.kubernetes.io/part-of", "backstage.io/kubernetes-id",
     "a8r.io/owner", "a8r.io/support", "a8r.io/repository", "cost-center", "openshift.io/requester", "env",
     "environment", "stage"}
)  # fmt: skip
"""Labels and annotations of a namespace that name the owner or environment of its accounts, too."""


def records_of(facts: KubernetesFacts, source: str) -> Iterator[Identity | Workload | Assignment]:
    """Yield accounts, other principals, bindings of accounts that do not exist, and workloads."""
    estate = _Estate(facts, source)
    yield from estate.accounts()
    place = estate.place()
    yield from principals(place)
    yield from rights_of_external_principals(place)
    yield from estate.dangling()
    for ran in facts.ran:
        yield workload(ran, source, facts.uid, estate.key(ran.account))
    yield from used_by_controllers(facts, source)
    yield from estate.agents()
    yield from served(facts, source)


class _Estate:
    def __init__(self, facts: KubernetesFacts, source: str) -> None:
        self._facts = facts
        self._source = source
        self.no_rights = not facts.gaps.isdisjoint({"rbac", "openshift"})
        self._tokens = tokens_of(facts)
        self._stores = opened_by(facts)
        accounts = self._reachable()
        self.authority = _authority(facts, accounts)
        self._rights = {account: self.authority.of_account(account) for account in facts.accounts}
        onward = [account for account in facts.accounts if account in self._stores or self._opens_cloud(account)]
        self._links = Links({} if self.no_rights else self._rights, accounts, onward)
        self._becoming = links_of(self._links)
        self._ran: defaultdict[Account, list[RunningWorkload]] = defaultdict(list)
        for ran in facts.ran:
            self._ran[ran.account].append(ran)
        self._environments = {
            name: environment(name, p.kept(metadata.labels)) for name, metadata in facts.namespaces.items()
        }
        self._projected = projections_of(facts)
        self._certificates = certificates_of(facts)
        self._agents = agents_in(facts)
        self._alone = alone(self._agents)

    def key(self, account: Account) -> str:
        """The key of an account, whether or not it exists."""
        return account_key(self._facts.uid, account)

    # --- Agents ---

    def agents(self) -> Iterator[Identity]:
        for one in self._agents:
            ids = self._facts.spiffe_ids.get(one.account, ()) if one.account in self._alone and one.account else ()
            yield one.identity(self._facts, self._source, sorted(ids))

    # --- Accounts ---

    def accounts(self) -> Iterator[Identity]:
        for account, payload in sorted(self._facts.accounts.items()):
            yield self._account(account, payload, self._rights[account])

    def _account(self, account: Account, payload: p.ServiceAccount, rights: KubernetesRights) -> Identity:
        namespace, name = account
        metadata, key = payload.metadata, self.key(account)
        texts = p.kept(metadata.labels) | p.kept(metadata.annotations)
        user = f"{ACCOUNT_PREFIX}{namespace}:{name}"
        privilege = _UNREAD if self.no_rights else rights.privilege
        issuer = self._issuer
        links, reach = edges_of(self._becoming.get(account, NOWHERE), self._facts.uid)
        return Identity(
            key=key,
            provider=PROVIDER,
            source=self._source,
            scope=self._facts.uid,
            kind="service_account",
            name=name,
            display_name=f"{namespace}/{name}",
            unique_id=metadata.uid or None,
            aliases=(
                user,
                f"{namespace}/{name}",
                *((account_name(issuer, namespace, name),) if issuer else ()),
                *(() if account in self._alone else sorted(self._facts.spiffe_ids.get(account, ()))),
            ),
            created_at=metadata.created,
            managed_by=self._managed(account, payload),
            tags={**_owner_hints(self._facts.namespaces.get(namespace)), **texts},
            attributes=self._attributes(account, payload) | self._together(account, payload, rights),
            privilege=privilege,
            consequences=None if self.no_rights else with_administration(rights.privilege, rights.consequences),
            grants=rights.grants,
            credentials=(
                *credentials_of(key, payload, self._tokens.get(account, ()), self._projected.get(account, ())),
                *(one.credential(key) for one in self._certificates.get(user, ())),
            ),
            links=(*links, *_cloud_links(texts), *self._stores.get(account, ())),
            reach=reach,
            token_subjects=self._tokens_of(user),
            unread=unread_facts(permissions=self.no_rights, credentials="core.secrets" in self._facts.gaps),
        )

    @property
    def _issuer(self) -> str | None:
        """The issuer; None if clusters share its name."""
        given = self._facts.issuer
        return None if not given or is_shared_issuer(given) else issuer_name(given)

    def _tokens_of(self, user: str) -> tuple[TokenSubject, ...]:
        """The subject of its tokens, for each issuer; if clusters share the issuer's name, for each signing key.

        The address of the API server is an issuer, too: relying parties such as Vault have it review tokens.
        """
        given, server = self._facts.issuer, self._facts.server
        found: list[TokenSubject] = []
        if given and is_shared_issuer(given):
            keys = dict.fromkeys(self._facts.key_ids)
            found += [TokenSubject(issuer_name(given), user, (Said(KEY_ID, key),)) for key in keys]
        elif given:
            found.append(TokenSubject(issuer_name(given), user))
        if server and is_known_everywhere(server):
            found.append(TokenSubject(issuer_name(server), user))
        return tuple(found)

    def _managed(self, account: Account, payload: p.ServiceAccount) -> str | None:
        """The reason why the account counts as managed by Kubernetes or the cluster's vendor; None if it does not."""
        namespace, name = account
        if is_system_namespace(namespace, self._facts):
            return f"it is an account of the system namespace {namespace}"
        unused = account not in self._ran and not self.authority.is_bound(account)
        if name == "default" and unused and not payload.secrets:
            return "Kubernetes makes it in every namespace"
        return None

    def _attributes(self, account: Account, payload: p.ServiceAccount) -> dict[str, Any]:
        namespace, name = account
        texts = p.kept(payload.metadata.labels) | p.kept(payload.metadata.annotations)
        found: dict[str, Any] = {"namespace": namespace}
        if name == "default":
            found[DEFAULT_ACCOUNT] = True
        if payload.automount is not None:
            found["automount_token"] = payload.automount
        found |= deployed(self._facts, texts)
        if payload.pulls_with:
            found["image_pull_secrets"] = sorted({one.name for one in payload.pulls_with})
        labels = (self._facts.namespaces.get(namespace) or _NOTHING).labels or {}
        if _ENFORCE in labels:
            found["pod_security"] = labels[_ENFORCE]
        return found

    def _together(self, account: Account, payload: p.ServiceAccount, rights: KubernetesRights) -> dict[str, Any]:
        """Attributes that follow from rights and workloads together."""
        namespace, name = account
        ran = self._ran.get(account, ())
        found = dict(of_workloads(ran, None if self.no_rights else rights, payload.automount))
        if not self.no_rights:
            if granted := granted_resources(rights.bound):
                found[GRANTED_SERVICES] = granted
            found |= of_rights(rights, namespace, self._environments, self._facts.version)
            if name == "default":
                found |= of_binding(rights, f"{ACCOUNT_PREFIX}{namespace}:{name}")
        return found

    # --- Bindings whose account or role does not exist ---

    def dangling(self) -> Iterator[Assignment]:
        """Yield dangling bindings, which grant rights once the account or role exists. Built-in ones are left out."""
        if self.no_rights:
            return
        for binding in self._facts.bindings:
            bound = _bound(self._facts, binding)
            if bound.usual:
                continue
            for subject in binding.subjects or ():
                account = (subject.namespace or binding.metadata.namespace, subject.name)
                is_account = subject.kind == "ServiceAccount"
                gone = (
                    is_account
                    and "core.serviceaccounts" not in self._facts.gaps
                    and account not in self._facts.accounts
                )
                if gone or bound.missing:
                    yield self._assignment(binding, bound, subject, account if is_account else None, gone=gone)

    def _assignment(
        self, binding: p.Binding, bound: Bound, subject: p.Subject, account: Account | None, *, gone: bool
    ) -> Assignment:
        place, kind = bound.namespace or "cluster", subject.kind.lower()
        name = f"{account[0]}/{account[1]}" if account else subject.name
        whose = name if account else f"{kind}/{name}"
        return Assignment(
            key=f"kubernetes://{self._facts.uid}/{place}/{bound.binding.lower()}#{whose}",
            provider=PROVIDER,
            source=self._source,
            scope=self._facts.uid,
            holder=self.key(account) if account else f"kubernetes://{self._facts.uid}/{kind}/{name}",
            holder_kind="service_account" if account else kind,
            holder_name=name,
            gone=gone or None,
            grant=Grant(name=bound.role, via=bound.binding, resource=bound.where),
            privilege=self.authority.of_role(bound.rules or (), everywhere=not bound.namespace),
            created_at=binding.metadata.created,
            attributes={ROLE_MISSING: True} if bound.missing else {},
        )

    # --- Which account can become which ---

    def place(self) -> ClusterRights:
        """The cluster, for its other principals."""
        strong = powerful(self._rights, self._becoming)
        return ClusterRights(
            facts=self._facts,
            source=self._source,
            authority=self.authority,
            rights_are_known=not self.no_rights,
            links=self._links,
            strong=strong,
        )

    def _reachable(self) -> KubernetesAccounts:
        """The accounts that methods can lead to."""
        facts = self._facts
        every: defaultdict[str, set[str]] = defaultdict(set)
        for namespace, name in facts.accounts:
            every[namespace].add(name)
        tokens: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for (namespace, name), held in self._tokens.items():
            tokens[namespace] |= {token.name: name for token in held}
        controllers: defaultdict[str, set[Account]] = defaultdict(set)
        for ran in facts.ran:
            for key, value in (ran.metadata.labels or {}).items():
                controllers[f"{key}={value}"].add(ran.account)
        return KubernetesAccounts(
            every=every,
            pods=facts.pods,
            nodes=facts.nodes,
            tokens=tokens,
            controllers=controllers,
            objects=facts.objects,
            unread=frozenset(name for section in sorted(facts.gaps) for name in _UNREAD_BY.get(section, ())),
        )

    def _opens_cloud(self, account: Account) -> bool:
        annotations = self._facts.accounts[account].metadata.annotations or {}
        return not _CLOUD.keys().isdisjoint(annotations)


_NOTHING = p.Metadata(name="")
_UNREAD_BY: Final = {
    "core.serviceaccounts": ("every",),
    "core.secrets": ("tokens",),
    "workloads": ("pods", "nodes", *(listing.resource for listing in WORKLOADS)),
    **{name: tuple(listing.resource for listing in some) for name, some in (("argocd", ARGOCD), ("flux", FLUX))},
}
"""What a gap in a section leaves unread, as in ``KubernetesAccounts.unread``."""
_UNREAD = Privilege(level="unknown", evidence=("roles and bindings could not be read",))


def _authority(facts: KubernetesFacts, accounts: KubernetesAccounts) -> Authority:
    enforced = {name: (one.labels or {}).get(_ENFORCE, "") for name, one in facts.namespaces.items()}
    around = Surroundings(
        enforced=enforced,
        privileged={
            ran.account[0]: f"{ran.kind}/{ran.metadata.name}" for ran in facts.ran if "privileged" in ran.near_node
        },
        privileged_pods=facts.privileged_pods,
        privileged_nodes=facts.privileged_nodes,
        kind=_kind(facts),
        there=accounts,
        whole="core.namespaces" not in facts.gaps,
        maps_cloud_identities=facts.maps_cloud_identities,
    )
    authority = Authority(facts.roles, around)
    for binding in facts.bindings:
        authority.bind(_bound(facts, binding), _subjects(binding, binding.metadata.namespace))
    for constraints in facts.constraints:
        authority.bind(_use_of(constraints.metadata.name), constraints.subjects)
    return authority


def _kind(facts: KubernetesFacts) -> Kind:
    """The kind of cluster. Constraints that were read are evaluated, others recognised by their built-in names."""
    read = {one.metadata.name: one.is_open for one in facts.constraints}
    found = {name for name, is_open in read.items() if is_open} | (OPEN_CONSTRAINTS - read.keys())
    return Kind(minor=facts.version, open_constraints=frozenset(found))


def _use_of(name: str) -> Bound:
    """The right of the users and groups of security context constraints: the verb ``use`` in every namespace."""
    whole = f"SecurityContextConstraints/{name}"
    rule = KubernetesRule(
        verbs=frozenset({"use"}),
        groups=frozenset({"security.openshift.io"}),
        resources=frozenset({"securitycontextconstraints"}),
        names=frozenset({name}),
        role=whole,
    )
    return Bound(binding=whole, role=whole, namespace="", rules=(rule,))


def _bound(facts: KubernetesFacts, binding: p.Binding) -> Bound:
    namespace, kind, name = binding.metadata.namespace, binding.role.kind, binding.role.name
    title = "RoleBinding" if namespace else "ClusterRoleBinding"
    role = (kind, namespace if kind == "Role" else "", name)
    return Bound(
        binding=f"{title}/{binding.metadata.name}",
        role=f"{kind}/{name}",
        namespace=namespace,
        users=frozenset(name for kind, name in _subjects(binding, namespace) if kind == "User"),
        rules=facts.roles.get(role, ()),
        missing=role not in facts.roles,
        usual=(binding.metadata.labels or {}).get(BOOTSTRAPPING) == "rbac-defaults",
    )


def _subjects(binding: p.Binding, namespace: str) -> Iterator[tuple[str, str]]:
    """Kind and name of each subject; a service account is the user with its full name."""
    for subject in binding.subjects or ():
        if subject.kind == "ServiceAccount":
            yield "User", f"{ACCOUNT_PREFIX}{subject.namespace or namespace}:{subject.name}"
        else:
            yield subject.kind, subject.name


def granted_resources(bound: Iterable[Bound]) -> list[str]:
    """The resources that bindings grant, as the audit log names them; empty if a wildcard leaves them open.

    Built-in bindings for all accounts are left out.
    """
    found: set[str] = set()
    for rule in (rule for one in bound if not one.usual for rule in one.rules or ()):
        parts = rule.groups | rule.resources
        # A rule with several groups does not say which of them has a resource.
        if any("*" in part for part in parts) or not (len(rule.groups) == 1 or all(map(is_built_in, rule.groups))):
            return []
        for resource in rule.resources:
            name, _, sub = resource.partition("/")
            found.add(action_of(name, sub, next(iter(rule.groups)), "get")[0].partition(":")[0])
    return sorted(found - {OF_ITSELF})


def _owner_hints(namespace: p.Metadata | None) -> dict[str, str]:
    if namespace is None:
        return {}
    texts = p.kept(namespace.labels) | p.kept(namespace.annotations)
    return {key: value for key, value in texts.items() if key in _OWNER_KEYS}


def _cloud_links(texts: Mapping[str, str]) -> Iterator[Link]:
    for annotation, what in _CLOUD.items():
        if named := texts.get(annotation):
            yield Link(relation="can_assume", target=key_of(named), evidence=f"{what} in annotation {annotation}")
