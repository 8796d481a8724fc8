"""The table of login methods. A new method needs a payload and a row.

A role (or user) of a login method is an identity: each login with it issues a short-lived token.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

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


class LoginMethod(Struct, frozen=True, kw_only=True):
    """A login method.

    ``folder``: the path of its roles below the mount. ``noun``: the word for a role in keys. ``login_field``: the
    field in the metadata of tokens and aliases that names their role. ``one_to_one``: each role has one entity; with
    other methods, many workloads may use a role, each with its own entity. ``alias_is_role``: the alias has the role's
    name.
    """

    section: str
    title: str
    kind: str
    folder: str
    noun: str
    login_field: str
    payload: type[RolePayload]
    one_to_one: bool = False
    alias_is_role: bool = False
    interactive: bool = False

    @property
    def roles(self) -> Endpoint:
        """The listing of its roles."""
        return Endpoint("LIST", f"auth/{{mount}}/{self.folder}")

    @property
    def role(self) -> Endpoint:
        """One role."""
        return Endpoint("GET", f"auth/{{mount}}/{self.folder}/{{name}}")


APPROLE = LoginMethod(
    section="auth.approle",
    title="AppRoles",
    kind="approle",
    folder="role",
    noun="role",
    login_field="role_name",
    payload=ApprolePayload,
    one_to_one=True,
)
USERPASS = LoginMethod(
    section="auth.userpass",
    title="Users with a password",
    kind="userpass_user",
    folder="users",
    noun="user",
    login_field="username",
    payload=RolePayload,
    one_to_one=True,
    alias_is_role=True,
    interactive=True,
)
JWT = LoginMethod(
    section="auth.jwt",
    title="JWT and OIDC roles",
    kind="jwt_role",
    folder="role",
    noun="role",
    login_field="role",
    payload=JwtPayload,
)
KUBERNETES = LoginMethod(
    section="auth.kubernetes",
    title="Kubernetes login roles",
    kind="kubernetes_role",
    folder="role",
    noun="role",
    login_field="role",
    payload=KubernetesPayload,
)
CERT = LoginMethod(
    section="auth.cert",
    title="Client certificate roles",
    kind="cert_role",
    folder="certs",
    noun="cert",
    login_field="cert_name",
    payload=CertPayload,
)

METHODS: dict[str, LoginMethod] = {
    "approle": APPROLE,
    "userpass": USERPASS,
    "jwt": JWT,
    "oidc": JWT,
    "kubernetes": KUBERNETES,
    "cert": CERT,
}
"""By the type of a mount."""
LOGIN_METHODS: tuple[LoginMethod, ...] = tuple(dict.fromkeys(METHODS.values()))

TOKEN_MOUNTS = frozenset({"token", "ns_token"})
INTERACTIVE_MOUNTS = frozenset({"userpass", "oidc", "ldap", "okta", "github", "radius", "kerberos", "saml"})
MACHINE_MOUNTS = frozenset({"approle", "jwt", "kubernetes", "cert", "aws", "gcp", "azure", "alicloud", "oci", "cf"})
