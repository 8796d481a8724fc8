"""The sections of a namespace with the requests of each: the spec and the plan of a scan are generated from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from connectors.core.contract import Section, Spec
from connectors.vault.client import requests as r
from connectors.vault.client.payloads import AuthMount, SecretMount
from connectors.vault.client.requests import Endpoint, lines
from connectors.vault.methods import JWT, LOGIN_METHODS, METHODS
from connectors.vault.settings import VaultSettings
from scanner.model import Rung
from scanner.model.providers import read_providers

ROLE_RUNGS: tuple[Rung, ...] = ("key", "name", "glob")
KINDS = (*(method.kind for method in LOGIN_METHODS), "entity", "token")


class VaultSection(Struct, frozen=True, kw_only=True):
    """A section and its requests: ``endpoints`` once in a namespace, ``per_mount`` on each mount of a type."""

    name: str
    title: str
    without: str
    endpoints: tuple[Endpoint, ...] = ()
    per_mount: tuple[tuple[str, tuple[Endpoint, ...]], ...] = ()
    kinds: tuple[str, ...] = ()
    rungs: tuple[Rung, ...] = ()
    optional: bool = False

    @property
    def section(self) -> Section:
        """The section of the spec."""
        everywhere = (endpoint for _, some in self.per_mount for endpoint in some)
        return Section(
            name=self.name,
            title=self.title,
            permissions=lines(dict.fromkeys((*self.endpoints, *everywhere))),
            without=self.without,
            kinds=self.kinds,
            rungs=self.rungs,
            optional=self.optional,
        )


class Planned(Struct, frozen=True, kw_only=True):
    """A section to be read on a mount, or once if ``mount`` is None."""

    section: str
    mount: str | None
    endpoints: tuple[Endpoint, ...]


def _login(type_: str) -> str:
    return f"login {type_}"


def sort_of_engine(row: SecretMount) -> str:
    """The type of an engine; the versions of kv are types of their own."""
    return f"kv {row.version}" if row.type == "kv" else row.type


READINGS: tuple[VaultSection, ...] = (
    VaultSection(
        name="sys.namespaces",
        title="Child namespaces",
        without="everything in child namespaces",
        endpoints=(r.NAMESPACES,),
        kinds=(*KINDS, "secret"),
    ),
    VaultSection(
        name="sys.auth",
        title="Login mounts",
        without="all roles and users, because their mounts are unknown",
        endpoints=(r.AUTH_MOUNTS,),
    ),
    VaultSection(
        name="sys.mounts",
        title="Secrets engines",
        without="stored secrets, because their mounts are unknown",
        endpoints=(r.SECRET_MOUNTS,),
    ),
    VaultSection(
        name="sys.policies",
        title="Policies",
        without="what identities may do",
        endpoints=(r.POLICIES_WITH_TEXT, r.POLICIES, r.POLICY),
    ),
    *(
        VaultSection(
            name=method.section,
            title=method.title,
            without="these identities, their policies and owners",
            per_mount=tuple(
                (_login(type_), (method.roles, method.role)) for type_, other in METHODS.items() if other is method
            ),
            kinds=(method.kind,),
            rungs=ROLE_RUNGS,
        )
        for method in LOGIN_METHODS
    ),
    VaultSection(
        name="auth.approle.secret_ids",
        title="Secret-ids of AppRoles",
        without="age, expiry and number of their credentials",
        per_mount=((_login("approle"), (r.SECRET_IDS, r.SECRET_ID)),),
        rungs=("credential",),
    ),
    VaultSection(
        name="auth.jwt.issuers",
        title="Issuers of JWT mounts",
        without="whose tokens JWT roles accept",
        per_mount=tuple((_login(type_), (r.LOGIN_CONFIG,)) for type_, method in METHODS.items() if method is JWT),
    ),
    VaultSection(
        name="auth.kubernetes.clusters",
        title="Clusters of Kubernetes mounts",
        without="which cluster's service accounts Kubernetes roles accept",
        per_mount=((_login("kubernetes"), (r.LOGIN_CONFIG,)),),
    ),
    VaultSection(
        name="auth.token",
        title="Tokens",
        without="live tokens: who is logged in, tokens that never expire, orphan tokens",
        endpoints=(r.TOKEN_ACCESSORS, r.TOKEN),
        kinds=("token",),
        rungs=("key", "unique_id", "credential", "name", "glob"),
    ),
    VaultSection(
        name="identity.entities",
        title="Entities",
        without="entities, and the policies that logins gain through them",
        endpoints=(r.ENTITIES, r.ENTITY),
        kinds=("entity",),
        rungs=("key", "unique_id", "alias", "name", "glob"),
    ),
    VaultSection(
        name="identity.groups",
        title="Groups of entities",
        without="policies gained through groups",
        endpoints=(r.GROUPS, r.GROUP),
    ),
    VaultSection(
        name="kv.metadata",
        title="Names of stored secrets",
        without="which secrets are stored",
        per_mount=(("kv 1", (r.KV1_NAMES,)), ("kv 2", (r.KV2_WITH_AGES, r.KV2_NAMES))),
        kinds=("secret",),
    ),
    VaultSection(
        name="kv.ages",
        title="Dates of stored secrets (OpenBao, KV version 2)",
        without="when stored secrets were last rotated",
        per_mount=(("kv 2", (r.KV2_WITH_AGES,)),),
        optional=True,
    ),
    VaultSection(
        name="secrets.other",
        title="Secrets engines of other types",
        without="the credentials they hold or issue: database, pki, ssh, transit and so on",
        optional=True,
    ),
    VaultSection(
        name="auth.other",
        title="Login mounts of other types",
        without="their roles; entities and tokens that came through them are read",
        optional=True,
    ),
)

SPEC = Spec(
    name="vault",
    providers=read_providers("connectors.vault", "vault"),
    title="HashiCorp Vault, OpenBao",
    settings=VaultSettings,
    kinds=KINDS,
    sections=tuple(reading.section for reading in READINGS),
    extra="vault",
    entrances=("sys.namespaces",),
    depends_on={
        "auth.approle.secret_ids": ("auth.approle",),
        "auth.jwt.issuers": ("auth.jwt",),
        "auth.kubernetes.clusters": ("auth.kubernetes",),
    },
)


def planned(logins: Mapping[str, AuthMount], engines: Mapping[str, SecretMount]) -> Iterator[Planned]:
    """The requests to a namespace with these mounts, section by section."""
    mounts = [(path.rstrip("/"), _login(row.type)) for path, row in sorted(logins.items())]
    mounts += [(path.rstrip("/"), sort_of_engine(row)) for path, row in sorted(engines.items())]
    for reading in READINGS:
        if reading.endpoints:
            yield Planned(section=reading.name, mount=None, endpoints=reading.endpoints)
        per_mount = dict(reading.per_mount)
        for mount, sort in mounts:
            if sort in per_mount:
                yield Planned(section=reading.name, mount=mount, endpoints=per_mount[sort])
