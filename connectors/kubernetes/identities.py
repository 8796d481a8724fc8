"""Service accounts and groups as identities. Pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from typing import Any, Final

from connectors.kubernetes import payloads as p
from connectors.kubernetes.reading import BOOTSTRAPPING, Facts
from connectors.kubernetes.rights.evaluation import (
    ACCOUNT_PREFIX,
    ALL_ACCOUNTS,
    EVERYBODY,
    Authority,
    Bound,
    Rights,
    Surroundings,
)
from connectors.kubernetes.rights.levels import privilege_of
from connectors.kubernetes.rights.links import links_of
from connectors.kubernetes.rights.targets import Account, Accounts
from connectors.kubernetes.workloads import workload
from connectors.planned.shapes import key_of
from connectors.reading import unread_facts
from scanner.model import (
    POWERFUL,
    UNKNOWN_PRIVILEGE,
    Assignment,
    Consequence,
    Credential,
    Grant,
    Identity,
    Link,
    Privilege,
    TokenSubject,
    Workload,
    credential_key,
)
from scanner.model.attributes import DEFAULT_ACCOUNT
from scanner.model.reach import KEY_ID, Said
from scanner.model.rights import with_administration
from scanner.text import account_name, is_shared_issuer, issuer_name

PROVIDER: Final = "kubernetes"
_ENFORCE: Final = "pod-security.kubernetes.io/enforce"
_SYSTEM: Final = re.compile(r"kube-.*|openshift(-.*)?|gke-.*|gmp-.*|aks-.*")
_CLOUD: Final = {
    "eks.amazonaws.com/role-arn": "IAM role",
    "iam.gke.io/gcp-service-account": "Google service account",
    "azure.workload.identity/client-id": "Azure client",
}
_LAST_USED, _INVALID = "kubernetes.io/legacy-token-last-used", "kubernetes.io/legacy-token-invalid-since"
_ACCOUNT_OF, _UID_OF = "kubernetes.io/service-account.name", "kubernetes.io/service-account.uid"
_OLD_TOKEN: Final = re.compile(r".*-token-[a-z0-9]{5}")
_DEPLOYERS: Final = (
    ("meta.helm.sh/release-name", "helm"),
    ("argocd.argoproj.io/tracking-id", "argocd"),
    ("kustomize.toolkit.fluxcd.io/name", "flux"),
    ("helm.toolkit.fluxcd.io/name", "flux"),
)
_OWNER_KEYS: Final = frozenset(
    {"owner", "owners", "team", "contact", "email", "app.kubernetes.io/part-of", "backstage.io/kubernetes-id",
     "a8r.io/owner", "a8r.io/support", "a8r.io/repository", "cost-center", "openshift.io/requester"}
)  # fmt: skip
"""Labels and annotations of a namespace that also say whose its accounts are."""


def records_of(facts: Facts, source: str) -> Iterator[Identity | Workload | Assignment]:
    """Yield accounts, roles of Argo CD, powerful groups, bindings of accounts that do not exist, and workloads."""
    estate = _Estate(facts, source)
    yield from estate.accounts()
    yield from estate.groups()
    yield from estate.argocd_roles()
    yield from estate.left_behind()
    for ran in facts.ran:
        yield workload(ran, source, facts.uid, estate.key(ran.account))


class _Estate:
    def __init__(self, facts: Facts, source: str) -> None:
        self._facts = facts
        self._source = source
        self._no_rights = "rbac" in facts.gaps
        self._authority = _authority(facts)
        self._rights = {account: self._authority.of_account(account) for account in facts.accounts}
        self._tokens = _tokens(facts)
        self._links = self._linked()
        self._consumers = Counter(ran.account for ran in facts.ran)

    def key(self, account: Account) -> str:
        """The key of an account, also of one that does not exist."""
        return f"kubernetes://{self._facts.uid}/{account[0]}/serviceaccount/{account[1]}"

    # --- Accounts ---

    def accounts(self) -> Iterator[Identity]:
        for account, payload in sorted(self._facts.accounts.items()):
            yield self._account(account, payload, self._rights[account])

    def _account(self, account: Account, payload: p.ServiceAccount, rights: Rights) -> Identity:
        namespace, name = account
        metadata, key = payload.metadata, self.key(account)
        texts = p.kept(metadata.labels) | p.kept(metadata.annotations)
        user = f"{ACCOUNT_PREFIX}{namespace}:{name}"
        privilege = UNKNOWN_PRIVILEGE if self._no_rights else rights.privilege
        if self._no_rights:
            privilege = Privilege(level="unknown", evidence=("roles and bindings could not be read",))
        issuer = self._issuer
        return Identity(
            key=key,
            provider=PROVIDER,
            source=self._source,
            scope=self._facts.uid,
            kind="service_account",
            name=name,
            display_name=f"{namespace}/{name}",
            unique_id=metadata.uid or None,
            aliases=(user, f"{namespace}/{name}", *((account_name(issuer, namespace, name),) if issuer else ())),
            created_at=metadata.created,
            managed_by=self._managed(account, payload),
            tags={**_owner_hints(self._facts.namespaces.get(namespace)), **texts},
            attributes=self._attributes(account, payload),
            privilege=privilege,
            consequences=None if self._no_rights else self._consequences(rights),
            grants=rights.grants,
            credentials=tuple(self._credentials(key, account, payload)),
            links=(*self._links.get(account, ()), *_cloud_links(texts)),
            token_subjects=self._tokens_of(user),
            unread=unread_facts(permissions=self._no_rights, credentials="core.secrets" in self._facts.gaps),
        )

    @property
    def _issuer(self) -> str | None:
        """The issuer, unless many clusters call theirs so."""
        given = self._facts.issuer
        return None if not given or is_shared_issuer(given) else issuer_name(given)

    def _tokens_of(self, user: str) -> tuple[TokenSubject, ...]:
        """Its tokens; those of an issuer that many clusters have the name of, by the key that signs them."""
        given = self._facts.issuer
        if given and is_shared_issuer(given):
            keys = dict.fromkeys(self._facts.key_ids)
            return tuple(TokenSubject(issuer_name(given), user, (Said(KEY_ID, key),)) for key in keys)
        return (TokenSubject(issuer_name(given), user),) if given else ()

    def _consequences(self, rights: Rights) -> tuple[Consequence, ...]:
        return with_administration(rights.privilege, rights.consequences)

    def _managed(self, account: Account, payload: p.ServiceAccount) -> str | None:
        """Why Kubernetes or the vendor of the cluster manages it."""
        namespace, name = account
        if _SYSTEM.fullmatch(namespace):
            return f"it is an account of the system namespace {namespace}"
        unused = not self._consumers[account] and not self._authority.is_bound(account)
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
        for annotation, deployer in _DEPLOYERS:
            if named := texts.get(annotation):
                found["deployed_by"] = f"{deployer}: {named}"
                break
        application = self._facts.applications.get(texts.get("argocd.argoproj.io/tracking-id", "").partition(":")[0])
        repository = application.repository if application else None
        if repository and repository.url:
            found["repository"] = f"{_without_user(repository.url)}//{repository.path}".rstrip("/")
        level = (self._facts.namespaces.get(namespace) or _NOTHING).labels or {}
        if _ENFORCE in level:
            found["pod_security"] = level[_ENFORCE]
        return found

    def _credentials(self, key: str, account: Account, payload: p.ServiceAccount) -> Iterator[Credential]:
        """Tokens that never expire: as secrets, or only as names in the account."""
        listed = {token.name: token for token in self._tokens.get(account, ())}
        for name, token in listed.items():
            labels = token.labels or {}
            yield Credential(
                key=credential_key(key, "token", name),
                kind="token",
                id=name,
                enabled=False if _INVALID in labels else None,
                created_at=token.created,
                never_expires=True,
                last_used_at=_day(labels.get(_LAST_USED)),
            )
        for secret in payload.secrets or ():
            if secret.name not in listed and _OLD_TOKEN.fullmatch(secret.name):
                yield Credential(
                    key=credential_key(key, "token", secret.name), kind="token", id=secret.name, never_expires=True
                )

    # --- Groups ---

    def groups(self) -> Iterator[Identity]:
        """Yield the groups of all callers and of all accounts, where they have powerful rights."""
        names = [] if self._no_rights else sorted(filter(_is_of_everybody, self._authority.group_names))
        for name in names:
            rights = self._authority.of_subject("Group", name)
            if rights.privilege.level in POWERFUL:
                yield Identity(
                    key=f"kubernetes://{self._facts.uid}/group/{name}",
                    provider=PROVIDER,
                    source=self._source,
                    scope=self._facts.uid,
                    kind="group",
                    name=name,
                    privilege=rights.privilege,
                    consequences=self._consequences(rights),
                    grants=rights.grants,
                )

    # --- Roles of Argo CD's projects ---

    def argocd_roles(self) -> Iterator[Identity]:
        """Yield roles that have tokens: their dates are in the project, the tokens themselves nowhere."""
        for project in self._facts.projects:
            namespace, name = project.metadata.namespace, project.metadata.name
            for role in project.roles:
                key = f"kubernetes://{self._facts.uid}/{namespace}/argocd/{name}/{role.name}"
                yield Identity(
                    key=key,
                    provider=PROVIDER,
                    source=self._source,
                    scope=self._facts.uid,
                    kind="argocd_role",
                    name=role.name,
                    display_name=f"{name}/{role.name}",
                    aliases=(f"proj:{name}:{role.name}",),
                    description=f"role of the Argo CD project {name}",
                    tags=p.kept(project.metadata.labels) | p.kept(project.metadata.annotations),
                    attributes={"namespace": namespace, "project": name},
                    privilege=Privilege(level="unknown", evidence=("policies of Argo CD are not evaluated",)),
                    credentials=tuple(_project_token(key, token) for token in role.tokens or ()),
                )

    # --- Bindings of accounts that do not exist ---

    def left_behind(self) -> Iterator[Assignment]:
        """Yield what an account would get as soon as anyone creates it. Bindings that each cluster has are left out."""
        for binding in () if self._unknown_accounts else self._facts.bindings:
            metadata = binding.metadata
            if (metadata.labels or {}).get(BOOTSTRAPPING) == "rbac-defaults":
                continue
            for subject in binding.subjects or ():
                account = (subject.namespace or metadata.namespace, subject.name)
                if subject.kind == "ServiceAccount" and account not in self._facts.accounts:
                    yield self._assignment(binding, account)

    @property
    def _unknown_accounts(self) -> bool:
        return self._no_rights or "core.serviceaccounts" in self._facts.gaps

    def _assignment(self, binding: p.Binding, account: Account) -> Assignment:
        bound = _bound(self._facts, binding)
        place = bound.namespace or "cluster"
        return Assignment(
            key=f"kubernetes://{self._facts.uid}/{place}/{bound.binding.lower()}#{account[0]}/{account[1]}",
            provider=PROVIDER,
            source=self._source,
            scope=self._facts.uid,
            holder=self.key(account),
            holder_kind="service_account",
            holder_name=f"{account[0]}/{account[1]}",
            gone=True,
            grant=Grant(name=bound.role, via=bound.binding, resource=bound.where),
            privilege=privilege_of(bound.rules or (), everywhere=not bound.namespace),
            created_at=binding.metadata.created,
        )

    # --- Which account can become which ---

    def _linked(self) -> Mapping[Account, tuple[Link, ...]]:
        """By account, the accounts that it can become."""
        if self._no_rights:
            return {}
        onward = [account for account in self._facts.accounts if self._opens_cloud(account)]
        return {
            account: tuple(
                Link(relation="can_assume", target=self.key(target), evidence=why) for target, why in meant.items()
            )
            for account, meant in links_of(self._rights, self._accounts(), onward).items()
        }

    def _accounts(self) -> Accounts:
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
        return Accounts(every=every, pods=facts.pods, nodes=facts.nodes, tokens=tokens, controllers=controllers)

    def _opens_cloud(self, account: Account) -> bool:
        annotations = self._facts.accounts[account].metadata.annotations or {}
        return not _CLOUD.keys().isdisjoint(annotations)


_NOTHING = p.Metadata(name="")


def _is_of_everybody(group: str) -> bool:
    return group in EVERYBODY or group == ALL_ACCOUNTS or group.startswith(f"{ALL_ACCOUNTS}:")


def _authority(facts: Facts) -> Authority:
    enforced = {name: (one.labels or {}).get(_ENFORCE, "") for name, one in facts.namespaces.items()}
    around = Surroundings(
        enforced=enforced,
        privileged={
            ran.account[0]: f"{ran.kind}/{ran.metadata.name}" for ran in facts.ran if "privileged" in ran.near_node
        },
        minor=facts.version,
        maps_cloud_identities=facts.maps_cloud_identities,
    )
    authority = Authority(facts.roles, around)
    for binding in facts.bindings:
        authority.bind(_bound(facts, binding), _subjects(binding, binding.metadata.namespace))
    return authority


def _bound(facts: Facts, binding: p.Binding) -> Bound:
    namespace, kind, name = binding.metadata.namespace, binding.role.kind, binding.role.name
    title = "RoleBinding" if namespace else "ClusterRoleBinding"
    role = (kind, namespace if kind == "Role" else "", name)
    return Bound(
        binding=f"{title}/{binding.metadata.name}",
        role=f"{kind}/{name}",
        namespace=namespace,
        rules=facts.roles.get(role, ()),
        missing=role not in facts.roles,
        usual=(binding.metadata.labels or {}).get(BOOTSTRAPPING) == "rbac-defaults",
    )


def _subjects(binding: p.Binding, namespace: str) -> Iterator[tuple[str, str]]:
    """Kind and name; an account is the user of its full name, wherever it is named as one."""
    for subject in binding.subjects or ():
        if subject.kind == "ServiceAccount":
            yield "User", f"{ACCOUNT_PREFIX}{subject.namespace or namespace}:{subject.name}"
        else:
            yield subject.kind, subject.name


def _tokens(facts: Facts) -> Mapping[Account, list[p.Metadata]]:
    """Token secrets by account; one of an account that was deleted and made again opens nothing."""
    found: defaultdict[Account, list[p.Metadata]] = defaultdict(list)
    for token in facts.tokens:
        annotations = token.annotations or {}
        account = (token.namespace, annotations.get(_ACCOUNT_OF, ""))
        payload = facts.accounts.get(account)
        if payload is not None and annotations.get(_UID_OF, payload.metadata.uid) == payload.metadata.uid:
            found[account].append(token)
    return found


def _project_token(key: str, token: p.ProjectToken) -> Credential:
    """A token of a project's role, known by its id, else by the second it was issued in, as Argo CD does."""
    name = token.id or str(token.iat)
    return Credential(
        key=credential_key(key, "token", name),
        kind="token",
        id=name,
        created_at=_second(token.iat),
        expires_at=_second(token.exp),
        never_expires=not token.exp,
    )


def _second(number: int) -> datetime | None:
    """A time in seconds since 1970; None for 0 and for what is no time."""
    try:
        return datetime.fromtimestamp(number, UTC) if number else None
    except (OverflowError, OSError, ValueError):
        return None


def _owner_hints(namespace: p.Metadata | None) -> dict[str, str]:
    if namespace is None:
        return {}
    texts = p.kept(namespace.labels) | p.kept(namespace.annotations)
    return {key: value for key, value in texts.items() if key in _OWNER_KEYS}


def _cloud_links(texts: Mapping[str, str]) -> Iterator[Link]:
    for annotation, what in _CLOUD.items():
        if named := texts.get(annotation):
            yield Link(relation="can_assume", target=key_of(named), evidence=f"{what} in annotation {annotation}")


def _day(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        return None


def _without_user(url: str) -> str:
    """An address of a repository without credentials."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}" if separator else url
