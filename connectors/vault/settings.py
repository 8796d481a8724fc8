"""Settings of a Vault or OpenBao source in config.toml."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from msgspec import Struct, field

from connectors.core.address import check_url
from scanner.errors import SourceError
from scanner.redaction.redact import SecretRef

_DEFAULT_PORTS = {"http": 80, "https": 443}


def _address() -> str:
    """The address that Vault's command line uses, by default a development server on this machine."""
    return os.environ.get("VAULT_ADDR") or "http://127.0.0.1:8200"


class Auth(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="method"):
    """How to get a token from a login method.

    ``mount``: the method's path, by default its name. ``namespace``: where it is mounted, by default the source's.
    """

    mount: str = ""
    namespace: str | None = None

    @property
    def at(self) -> str:
        """The path of the mount below ``auth/``."""
        return self.mount.strip("/") or str(self.__struct_config__.tag)


class ApproleAuth(Auth, frozen=True, tag="approle"):
    """A role id, and a secret id where the role asks for one."""

    role_id: SecretRef
    secret_id: SecretRef | None = None


class KubernetesAuth(Auth, frozen=True, tag="kubernetes"):
    """A role, and the token of a pod's service account."""

    role: str
    jwt: SecretRef = SecretRef(file="/var/run/secrets/kubernetes.io/serviceaccount/token")


class JwtAuth(Auth, frozen=True, tag="jwt"):
    """A role, and a token of an issuer that the mount trusts, such as a pipeline's."""

    jwt: SecretRef
    role: str = ""


class AwsAuth(Auth, frozen=True, tag="aws"):
    """The AWS credentials of this process, as boto3 finds them. ``server_id``: the value that the mount asks for."""

    role: str = ""
    region: str = "us-east-1"
    server_id: str | None = None
    profile: str | None = None


class CertAuth(Auth, frozen=True, tag="cert"):
    """A client certificate: files in PEM. ``name``: of the role, by default any that accepts the certificate."""

    certificate: str
    key: str
    name: str = ""


class VaultSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A server, and the token to read it with or the ``auth`` to get one.

    ``namespace``: where to start; namespaces below it are read too. ``max_tokens``: maximum number of tokens that are
    looked up, one request each; with more, the section is partial. ``backoff``: seconds before the second attempt of a
    request, doubled each time. ``timeout``: seconds for one attempt. ``workers``: maximum number of requests at once.
    """

    url: str = field(default_factory=_address)
    token: SecretRef | None = None
    auth: ApproleAuth | KubernetesAuth | JwtAuth | AwsAuth | CertAuth | None = None
    namespace: str = ""
    ca_file: str | None = None
    insecure_http: bool = False
    max_tokens: int = 50_000
    backoff: float = 0.2
    workers: int = 8
    timeout: float = 30

    def __post_init__(self) -> None:
        check_url(self.url, insecure_http=self.insecure_http)
        if self.token is not None and self.auth is not None:
            raise ValueError("give either token or auth")
        if self.max_tokens < 0 or self.backoff < 0 or self.workers < 1 or self.timeout <= 0:
            raise ValueError("max_tokens and backoff must not be negative; workers and timeout must be positive")

    @property
    def place(self) -> str:
        """``host:port`` of the server, with which scope ids begin."""
        parts = urlsplit(self.url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{host}:{parts.port or _DEFAULT_PORTS[parts.scheme]}"

    def resolve_token(self) -> str:
        """The token without surrounding white space. Raises SourceError if it is missing or invalid."""
        where = self.token or SecretRef(env="VAULT_TOKEN")
        token = where.resolve()
        if len(token.splitlines()) > 1:
            raise SourceError(f"the token holds a line break: {where}", hint="give the token alone")
        if not (token.isascii() and token.isprintable()):
            raise SourceError(f"the token holds invalid characters: {where}")
        return token

    def scope_id(self, namespace: str) -> str:
        """The scope id of a namespace. ``namespace``: its path from the server's root."""
        return f"{self.place}/{namespace}" if namespace else self.place

    @property
    def start(self) -> str:
        """The start namespace without slashes around it; empty for the server's root."""
        return self.namespace.strip("/")
