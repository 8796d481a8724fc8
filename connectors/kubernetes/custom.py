"""Custom resources of OpenShift and of controllers that deploy or fetch secrets, with the fields that are kept.

Sources: the API references of OpenShift (security.openshift.io/v1), Argo CD (argoproj.io/v1alpha1), Flux (kustomize,
helm and source.toolkit.fluxcd.io), External Secrets (external-secrets.io) and the Vault Secrets Operator
(secrets.hashicorp.com). References to secrets with credentials have no field here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from msgspec import Struct, field

from connectors.kubernetes.payloads import Object
from connectors.kubernetes.workloads import ESCAPES

# --- OpenShift ---


class Strategy(Struct, frozen=True, kw_only=True):
    """The users that containers may run as."""

    type: str = ""


class Constraints(Object, frozen=True, kw_only=True):
    """SecurityContextConstraints: ``users`` and ``groups`` may use them without any role.

    The constraints that an account can use decide whether it can run privileged containers or reach the node.
    """

    users: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None
    privileged: bool | None = field(name="allowPrivilegedContainer", default=None)
    host_path: bool | None = field(name="allowHostDirVolumePlugin", default=None)
    host_pid: bool | None = field(name="allowHostPID", default=None)
    host_network: bool | None = field(name="allowHostNetwork", default=None)
    host_ipc: bool | None = field(name="allowHostIPC", default=None)
    capabilities: tuple[str, ...] | None = field(name="allowedCapabilities", default=None)
    runs_as: Strategy | None = field(name="runAsUser", default=None)

    @property
    def is_open(self) -> bool:
        """Whether pods under it may reach their node, or run as root."""
        return (
            any((self.privileged, self.host_path, self.host_pid, self.host_network, self.host_ipc))
            or not {"*", *ESCAPES}.isdisjoint(name.upper().removeprefix("CAP_") for name in self.capabilities or ())
            or (self.runs_as is not None and self.runs_as.type == "RunAsAny")
        )

    @property
    def subjects(self) -> Iterator[tuple[str, str]]:
        """Kind and name; service accounts are users with their full name. The group of all callers is left out."""
        yield from (("User", name) for name in self.users or ())
        yield from (("Group", name) for name in self.groups or () if name != "system:authenticated")


# --- Argo CD ---


class Repository(Struct, frozen=True, kw_only=True):
    """The repository of an application's manifests."""

    url: str = field(name="repoURL", default="")
    path: str = ""


class ApplicationSpec(Struct, frozen=True, kw_only=True):
    """The specification of an application."""

    source: Repository | None = None
    sources: tuple[Repository, ...] | None = None
    project: str = ""


class Application(Object, frozen=True, kw_only=True):
    """An application of Argo CD."""

    spec: ApplicationSpec = ApplicationSpec()

    @property
    def repository(self) -> Repository | None:
        """Its first source."""
        return self.spec.source or next(iter(self.spec.sources or ()), None)


class ProjectToken(Struct, frozen=True, kw_only=True):
    """The dates of a token of a project's role, in seconds since 1970. The project does not have the token itself."""

    id: str = ""
    iat: int = 0
    exp: int = 0


class ProjectRole(Struct, frozen=True, kw_only=True):
    """A role of a project."""

    name: str = ""
    tokens: tuple[ProjectToken, ...] | None = field(name="jwtTokens", default=None)


class ProjectSpec(Struct, frozen=True, kw_only=True):
    """The specification of a project."""

    roles: tuple[ProjectRole, ...] | None = None


class AppProject(Object, frozen=True, kw_only=True):
    """A project of Argo CD."""

    spec: ProjectSpec = ProjectSpec()

    @property
    def roles(self) -> tuple[ProjectRole, ...]:
        """Its roles with tokens."""
        return tuple(role for role in self.spec.roles or () if role.name and role.tokens)


class LocalAccount(Struct, frozen=True, kw_only=True):
    """A local account of Argo CD. ``signs_in``: with a password. ``has_tokens``: it may have tokens."""

    name: str
    signs_in: bool
    has_tokens: bool
    enabled: bool


ADMIN: Final = "admin"
_ACCOUNT: Final = re.compile(r"accounts\.(?P<name>[^.]+)(?P<enabled>\.enabled)?|(?P<admin>admin\.enabled)")


def is_of_account(key: str) -> bool:
    """Whether a key of the config map ``argocd-cm`` is about a local account."""
    return _ACCOUNT.fullmatch(key) is not None


def local_accounts(config: Mapping[str, str]) -> tuple[LocalAccount, ...]:
    """The accounts of ``argocd-cm``: ``accounts.NAME`` lists ``login`` and ``apiKey``. There is always an admin."""
    able = {ADMIN: {"login"}}
    for key, value in sorted(config.items()):
        match = _ACCOUNT.fullmatch(key)
        if match is not None and not match["enabled"] and not match["admin"]:
            able.setdefault(match["name"], set()).update(one.strip() for one in value.split(","))
    return tuple(
        LocalAccount(
            name=name,
            signs_in="login" in can,
            has_tokens="apiKey" in can,
            enabled=_is_on(config, ADMIN if name == ADMIN else f"accounts.{name}"),
        )
        for name, can in able.items()
    )


def _is_on(config: Mapping[str, str], prefix: str) -> bool:
    return config.get(f"{prefix}.enabled", "true").strip().lower() != "false"


# --- Flux ---


class SourceRef(Struct, frozen=True, kw_only=True):
    """A reference to a source. ``namespace``: empty for that of the referring object."""

    kind: str = ""
    name: str = ""
    namespace: str = ""


class Source(Object, frozen=True, kw_only=True):
    """GitRepository, HelmRepository and OCIRepository."""

    class Spec(Struct, frozen=True, kw_only=True):
        """Its address."""

        url: str = ""

    spec: Spec = Spec()


class _ChartSpec(Struct, frozen=True, kw_only=True):
    source: SourceRef | None = field(name="sourceRef", default=None)


class _Chart(Struct, frozen=True, kw_only=True):
    spec: _ChartSpec = _ChartSpec()


class DeploySpec(Struct, frozen=True, kw_only=True):
    """A deployment: its source and account. ``elsewhere``: the kubeconfig of another cluster."""

    path: str = ""
    given: SourceRef | None = field(name="sourceRef", default=None)
    chart: _Chart | None = None
    chart_ref: SourceRef | None = field(name="chartRef", default=None)
    account: str = field(name="serviceAccountName", default="")
    elsewhere: Any = field(name="kubeConfig", default=None)


class Deploying(Object, frozen=True, kw_only=True):
    """Kustomization and HelmRelease."""

    spec: DeploySpec = DeploySpec()

    @property
    def source(self) -> SourceRef | None:
        """The source of its manifests."""
        chart = self.spec.chart.spec.source if self.spec.chart else None
        return self.spec.given or chart or self.spec.chart_ref


# --- External Secrets ---


class AccountRef(Struct, frozen=True, kw_only=True):
    """A reference to a service account. ``namespace``: empty for that of the store."""

    name: str = ""
    namespace: str = ""


class _TokenRef(Struct, frozen=True, kw_only=True):
    account: AccountRef | None = field(name="serviceAccountRef", default=None)


class _VaultLogin(Struct, frozen=True, kw_only=True):
    role: str = ""
    mount: str = field(name="mountPath", default="")
    path: str = ""
    account: AccountRef | None = field(name="serviceAccountRef", default=None)
    token: _TokenRef | None = field(name="kubernetesServiceAccountToken", default=None)


class _VaultAuth(Struct, frozen=True, kw_only=True):
    kubernetes: _VaultLogin | None = None
    jwt: _VaultLogin | None = None


class VaultStore(Struct, frozen=True, kw_only=True):
    """A server of Vault or OpenBao."""

    server: str = ""
    namespace: str = ""
    auth: _VaultAuth | None = None


class _CloudAuth(Struct, frozen=True, kw_only=True):
    jwt: _TokenRef | None = None
    workload: _TokenRef | None = field(name="workloadIdentity", default=None)


class CloudStore(Struct, frozen=True, kw_only=True):
    """AWS (``role``), Google's Secret Manager, and Azure Key Vault (``direct``)."""

    role: str = ""
    auth: _CloudAuth | None = None
    direct: AccountRef | None = field(name="serviceAccountRef", default=None)


class _Provider(Struct, frozen=True, kw_only=True):
    vault: VaultStore | None = None
    aws: CloudStore | None = None
    gcp: CloudStore | None = field(name="gcpsm", default=None)
    azure: CloudStore | None = field(name="azurekv", default=None)


class _StoreSpec(Struct, frozen=True, kw_only=True):
    provider: _Provider = _Provider()


class VaultRole(Struct, frozen=True, kw_only=True):
    """A role of Vault that an account signs in with. ``server``: its address, if known."""

    server: str
    namespace: str
    mount: str
    role: str


Opened: TypeAlias = tuple[str, AccountRef, "VaultRole | str | None"]
"""A system (``vault``, ``aws``, ``gcp``, ``azure``), the account that signs in, and the role or ARN it signs in as."""


class SecretStore(Object, frozen=True, kw_only=True):
    """SecretStore and ClusterSecretStore."""

    spec: _StoreSpec = _StoreSpec()

    @property
    def opened(self) -> Iterator[Opened]:
        """The systems that it signs in to with the token of an account."""
        provider = self.spec.provider
        if vault := provider.vault:
            yield from _logins(vault)
        for name, store in (("aws", provider.aws), ("gcp", provider.gcp), ("azure", provider.azure)):
            if store is None:
                continue
            auth = store.auth
            token = (auth.jwt or auth.workload) if auth else None
            account = store.direct or (token.account if token else None)
            if account is not None and account.name:
                yield name, account, store.role or None


def _logins(vault: VaultStore) -> Iterator[Opened]:
    auth = vault.auth or _VaultAuth()
    for login, default in ((auth.kubernetes, "kubernetes"), (auth.jwt, "jwt")):
        if login is None:
            continue
        account = login.account or (login.token.account if login.token else None)
        if account is not None and account.name:
            mount = login.mount or login.path or default
            yield (
                "vault",
                account,
                VaultRole(server=vault.server, namespace=vault.namespace, mount=mount, role=login.role),
            )


# --- Vault Secrets Operator ---


class _OperatorLogin(Struct, frozen=True, kw_only=True):
    role: str = ""
    account: str = field(name="serviceAccount", default="")


class _OperatorSpec(Struct, frozen=True, kw_only=True):
    connection: str = field(name="vaultConnectionRef", default="")
    namespace: str = ""
    mount: str = ""
    kubernetes: _OperatorLogin | None = None


class VaultAuth(Object, frozen=True, kw_only=True):
    """VaultAuth: how the operator signs in."""

    spec: _OperatorSpec = _OperatorSpec()


class VaultConnection(Object, frozen=True, kw_only=True):
    """VaultConnection: the server it signs in to."""

    class Spec(Struct, frozen=True, kw_only=True):
        """The server."""

        address: str = ""

    spec: Spec = Spec()
