"""The table of sections, and the login methods in it. A new method needs a payload and a section.

A role (or user) of a login method is an identity: each login with it issues a short-lived token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from connectors.core.section import SectionRow, read_sections
from connectors.vault.client.requests import Endpoint


class RolePayload(Struct):
    """The fields of all login methods."""

    token_policies: list[str] | None = None
    policies: list[str] | None = None
    """The older name of token_policies."""
    token_no_default_policy: bool = False
    token_ttl: int = 0
    token_max_ttl: int = 0
    token_period: int = 0
    token_num_uses: int = 0
    token_bound_cidrs: list[str] | None = None


class ApprolePayload(RolePayload):
    bind_secret_id: bool | None = None
    secret_id_ttl: int | None = None
    secret_id_num_uses: int | None = None
    secret_id_bound_cidrs: list[str] | None = None
    local_secret_ids: bool | None = None


class JwtPayload(RolePayload):
    role_type: str | None = None
    bound_audiences: list[str] | None = None
    bound_subject: str | None = None
    bound_claims: dict[str, Any] | None = None
    bound_claims_type: str | None = None
    user_claim: str | None = None


class KubernetesPayload(RolePayload):
    bound_service_account_names: list[str] | None = None
    bound_service_account_namespaces: list[str] | None = None
    audience: str | None = None


class CertPayload(RolePayload):
    display_name: str | None = None
    allowed_common_names: list[str] | None = None
    allowed_dns_sans: list[str] | None = None
    allowed_uri_sans: list[str] | None = None


class Login(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is particular to a login method, in ``sections.toml``. ``types``: of its mounts.

    ``folder``: the path of its roles below the mount. ``noun``: the word for a role in keys. ``field``: the field in
    the metadata of tokens and aliases that names their role. ``one_to_one``: each role has one entity; with other
    methods, many workloads may use a role, each with its own entity. ``alias_is_role``: the alias has the role's name.
    """

    types: tuple[str, ...]
    folder: str
    noun: str
    field: str
    one_to_one: bool = False
    alias_is_role: bool = False
    interactive: bool = False


class VaultSection(SectionRow, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section and its requests, in ``sections.toml``."""

    endpoints: tuple[str, ...] = ()
    per_mount: Mapping[str, tuple[str, ...]] = {}
    login: Login | None = None


SECTIONS: Mapping[str, VaultSection] = read_sections("connectors.vault", dict[str, VaultSection])


class LoginMethod(Struct, frozen=True, kw_only=True):
    """A login method: its section, whose identities have one ``kind``, and the fields of its roles."""

    section: str
    title: str
    kind: str
    login: Login
    payload: type[RolePayload]

    @property
    def roles(self) -> Endpoint:
        """The listing of its roles."""
        return Endpoint("LIST", f"auth/{{mount}}/{self.login.folder}")

    @property
    def role(self) -> Endpoint:
        """One role."""
        return Endpoint("GET", f"auth/{{mount}}/{self.login.folder}/{{name}}")


def _method(section: str, payload: type[RolePayload]) -> LoginMethod:
    row = SECTIONS[section]
    assert row.login is not None
    return LoginMethod(section=section, title=row.title, kind=row.kinds[0], login=row.login, payload=payload)


APPROLE = _method("auth.approle", ApprolePayload)
USERPASS = _method("auth.userpass", RolePayload)
JWT = _method("auth.jwt", JwtPayload)
KUBERNETES = _method("auth.kubernetes", KubernetesPayload)
CERT = _method("auth.cert", CertPayload)
LOGIN_METHODS = (APPROLE, USERPASS, JWT, KUBERNETES, CERT)
METHODS: Mapping[str, LoginMethod] = {type_: method for method in LOGIN_METHODS for type_ in method.login.types}
"""By the type of a mount."""

TOKEN_MOUNTS = frozenset({"token", "ns_token"})
INTERACTIVE_MOUNTS = frozenset({"userpass", "oidc", "ldap", "okta", "github", "radius", "kerberos", "saml"})
MACHINE_MOUNTS = frozenset({"approle", "jwt", "kubernetes", "cert", "aws", "gcp", "azure", "alicloud", "oci", "cf"})
