"""The tools and repositories that deployed service accounts, and what controllers do with these accounts. Pure.

Sources: the documentation of Helm, Argo CD (resource tracking), Flux, OLM, External Secrets and the Vault Secrets
Operator.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from connectors.kubernetes import custom as c
from connectors.kubernetes import payloads as p
from connectors.kubernetes.reader import KubernetesFacts
from connectors.kubernetes.rights.targets import Account
from connectors.planned.shapes import key_of
from scanner.model import Link, Workload

_TRACKING, _INSTANCE = "argocd.argoproj.io/tracking-id", "app.kubernetes.io/instance"
_FLUX: Final = {
    "kustomizations": "kustomize.toolkit.fluxcd.io",
    "helmreleases": "helm.toolkit.fluxcd.io",
}
"""The resources that deploy, each with the prefix of its labels."""
_SOURCES: Final = {
    "GitRepository": "gitrepositories",
    "HelmRepository": "helmrepositories",
    "OCIRepository": "ocirepositories",
}
_MOST_PORT: Final = 65_535
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


# --- The deployer of an account ---


def deployed(facts: KubernetesFacts, texts: Mapping[str, str]) -> dict[str, Any]:
    """The attributes with the deployer and the repository. ``texts``: labels and annotations."""
    found: dict[str, Any] = {}
    by, repository = next(filter(None, (one(facts, texts) for one in _DEPLOYERS)), (None, None))
    if by:
        found["deployed_by"] = by
    if repository:
        found["repository"] = repository
    return found


def _by_helm(_facts: KubernetesFacts, texts: Mapping[str, str]) -> tuple[str, str | None] | None:
    release = texts.get("meta.helm.sh/release-name")
    return (f"helm: {release}", None) if release else None


def _by_argocd(facts: KubernetesFacts, texts: Mapping[str, str]) -> tuple[str, str | None] | None:
    tracked = texts.get(_TRACKING, "")
    name = tracked.partition(":")[0] or texts.get(_INSTANCE, "")
    application = facts.applications.get(name)
    if not tracked and application is None:
        return None  # other programs set this label, too
    repository = application.repository if application else None
    return f"argocd: {tracked or name}", address(repository.url, repository.path) if repository else None


def _by_flux(facts: KubernetesFacts, texts: Mapping[str, str]) -> tuple[str, str | None] | None:
    for plural, prefix in _FLUX.items():
        name, namespace = texts.get(f"{prefix}/name"), texts.get(f"{prefix}/namespace", "")
        if name:
            deploying = facts.deploying.get((plural, namespace, name))
            return f"flux: {namespace}/{name}", _source(facts, deploying) if deploying else None
    return None


def _by_olm(_facts: KubernetesFacts, texts: Mapping[str, str]) -> tuple[str, str | None] | None:
    owner = texts.get("olm.owner")
    return (f"olm: {owner}", None) if owner else None


_DEPLOYERS: Final = (_by_argocd, _by_flux, _by_helm, _by_olm)
"""Those that know a repository come first: Argo CD and Flux deploy Helm charts, too."""


def _source(facts: KubernetesFacts, deploying: c.Deploying) -> str | None:
    ref = deploying.source
    if ref is None:
        return None
    source = facts.sources.get((_SOURCES.get(ref.kind, ""), ref.namespace or deploying.metadata.namespace, ref.name))
    return address(source.spec.url, deploying.spec.path) if source else None


def address(url: str, path: str = "") -> str | None:
    """The address of a repository without credentials, with the folder in it after ``//``."""
    scheme, separator, rest = url[: p.LONGEST_TEXT].partition("://")
    bare = f"{scheme}{separator}{rest.rpartition('@')[2]}" if separator else url[: p.LONGEST_TEXT]
    folder = path[: p.LONGEST_TEXT].removeprefix("./").strip("/")
    return (f"{bare}//{folder}" if folder else bare) or None


# --- Controllers that use an account ---


class _Use(NamedTuple):
    """A resource that uses an account. ``opens``: the key of the identity elsewhere that it signs in as."""

    kind: str
    metadata: p.Metadata
    account: Account
    attributes: dict[str, Any]
    opens: str | None = None


def used_by_controllers(facts: KubernetesFacts, source: str) -> Iterator[Workload]:
    """Yield the resources of controllers that deploy or fetch secrets as an account, as workloads."""
    for use in (*_deploying(facts), *_opened(facts)):
        namespace = use.metadata.namespace or use.account[0]
        yield Workload(
            key=f"kubernetes://{facts.uid}/{namespace}/{use.kind}/{use.metadata.name}",
            provider="kubernetes",
            source=source,
            scope=facts.uid,
            kind=use.kind,
            name=use.metadata.name,
            runs_as=(f"kubernetes://{facts.uid}/{use.account[0]}/serviceaccount/{use.account[1]}",),
            created_at=use.metadata.created,
            tags=p.kept(use.metadata.labels),
            attributes={"namespace": namespace, **use.attributes},
        )


def opened_by(facts: KubernetesFacts) -> Mapping[Account, tuple[Link, ...]]:
    """By account, links to the identities that secret stores sign in as with its token."""
    links: defaultdict[Account, dict[str, Link]] = defaultdict(dict)
    for use in _opened(facts):
        if use.opens:
            evidence = f"{use.kind} {use.metadata.name} signs in with its token"
            links[use.account].setdefault(use.opens, Link(relation="can_assume", target=use.opens, evidence=evidence))
    return {account: tuple(some.values()) for account, some in links.items()}


def _deploying(facts: KubernetesFacts) -> Iterator[_Use]:
    """Yield what Flux deploys as an account of this cluster. Without an account, Flux uses that of its controller."""
    for (plural, namespace, _), one in facts.deploying.items():
        if one.spec.account and one.spec.elsewhere is None:
            repository = _source(facts, one)
            attributes = {"repository": repository} if repository else {}
            yield _Use(plural.removesuffix("s"), one.metadata, (namespace, one.spec.account), attributes)


def _opened(facts: KubernetesFacts) -> Iterator[_Use]:
    for plural, store in facts.stores:
        for provider, ref, opens in store.opened:
            account = (ref.namespace or store.metadata.namespace, ref.name)
            yield _use(plural.removesuffix("s"), store.metadata, account, provider, opens)
    for auth in facts.vault_auths:
        login = auth.spec.kubernetes
        if login is not None and login.account:
            namespace = auth.metadata.namespace
            connected, _, name = auth.spec.connection.rpartition("/")
            server = facts.vault_connections.get((connected or namespace, name or "default"), "")
            role = c.VaultRole(
                server=server, namespace=auth.spec.namespace, mount=auth.spec.mount or "kubernetes", role=login.role
            )
            yield _use("vaultauth", auth.metadata, (namespace, login.account), "vault", role)


def _use(kind: str, metadata: p.Metadata, account: Account, provider: str, opens: c.VaultRole | str | None) -> _Use:
    attributes: dict[str, Any] = {"opens": provider}
    if isinstance(opens, c.VaultRole):
        attributes |= {"vault_role": opens.role, "vault_mount": opens.mount}
        place = _place(opens)
        key = f"vault://{place}/auth/{opens.mount.strip('/')}/role/{opens.role}" if place and opens.role else None
        return _Use(kind, metadata, account, attributes | ({"vault_server": place} if place else {}), key)
    return _Use(kind, metadata, account, attributes, key_of(opens) if opens else None)


def _place(role: c.VaultRole) -> str | None:
    """The scope of the server in its connector: host and port, and the namespace."""
    try:
        parts = urlsplit(role.server)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    if not parts.hostname or port is None or port > _MOST_PORT:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    namespace = role.namespace.strip("/")
    return f"{host}:{port}/{namespace}" if namespace else f"{host}:{port}"
