"""The settings of ``[[source]] type = "github"``."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from connectors.core.address import check_url, is_loopback
from connectors.github.keys import PUBLIC
from scanner.redaction.redact import SecretRef

_API = "https://api.github.com"
_LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98}[A-Za-z0-9])?", re.ASCII)
_SERVER_PATH = "/api/v3"
_RESIDENT = ".ghe.com"


class GithubSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One organization, and its sign-in: ``app_id`` and ``private_key`` (PEM) of an App, or a ``token``.

    ``endpoint_url``: the address of the API, if not that of github.com: ``https://HOST/api/v3`` for Enterprise
    Server, ``https://api.NAME.ghe.com`` with data residency.

    ``agent_configuration``, ``agent_tasks``, ``webhooks``: whether these are read by a request for each repository, the
    tasks with a person's fine-grained token; ``all_secrets``: those for Dependabot, agents and Codespaces;
    ``token_repositories``: those that tokens are limited to; ``rulesets``: who bypasses them;
    ``secret_scanning_alerts``: alerts of leaked keys. ``enterprise``: the slug of the one with custom agents to read.

    ``cache``: a file that keeps answers with their ETags for the next scan. ``max_calls``: requests that one scan may
    send; the rest is a gap. ``max_attempts``: attempts for one request. ``workers``: requests in flight at once.
    ``timeout``: seconds for one attempt. ``from_files``: a folder that ``gh api`` wrote; no request is sent.
    """

    organization: str = ""
    app_id: int | None = None
    private_key: SecretRef | None = None
    token: SecretRef | None = None
    endpoint_url: str = _API
    ca_file: str | None = None
    insecure_http: bool = False
    agent_configuration: bool = False
    webhooks: bool = False
    agent_tasks: bool = False
    token_repositories: bool = False
    all_secrets: bool = False
    rulesets: bool = False
    enterprise: str = ""
    secret_scanning_alerts: bool = False
    cache: Path | None = None
    max_calls: int = 15_000
    max_attempts: int = 8
    backoff: float = 0.5
    workers: int = 8
    timeout: float = 30
    from_files: Path | None = None

    def __post_init__(self) -> None:
        # Valid without any setting, so that a missing extra is reported first.
        if self.organization and not _LOGIN.fullmatch(self.organization):
            raise ValueError(f"organization is a login such as acme, not {self.organization!r}")
        if self.enterprise and not _LOGIN.fullmatch(self.enterprise):
            raise ValueError(f"enterprise is a slug such as acme, not {self.enterprise!r}")
        if (self.app_id is None) != (self.private_key is None):
            raise ValueError("app_id and private_key belong together")
        if self.app_id is not None and self.token is not None:
            raise ValueError("give app_id and private_key, or token")
        check_url(self.endpoint_url, insecure_http=self.insecure_http)
        if min(self.max_attempts, self.workers, self.max_calls) < 1 or self.timeout <= 0 or self.backoff < 0:
            raise ValueError("max_calls, max_attempts and workers are at least 1, timeout is above 0")

    @property
    def secret(self) -> SecretRef:
        """The reference to the token, unless an App signs in."""
        return self.token or SecretRef(env="GITHUB_TOKEN")

    @property
    def api(self) -> str:
        """The address of the REST API, without a slash at its end."""
        address = self.endpoint_url.rstrip("/")
        return address + _SERVER_PATH if self._is_server and not urlsplit(address).path else address

    @property
    def graphql(self) -> str:
        """The address of the GraphQL API, on the same host."""
        if self.api.endswith(_SERVER_PATH):
            return self.api.removesuffix("/v3") + "/graphql"
        return f"{self.api}/graphql"

    @property
    def host(self) -> str:
        """The host for users. An address on this machine counts as github.com."""
        parts = urlsplit(self.api)
        name = (parts.hostname or "").lower()
        if name.endswith(_RESIDENT):
            return name.removeprefix("api.")
        if not self._is_server:
            return PUBLIC
        return name if parts.port is None else f"{name}:{parts.port}"

    @property
    def _is_server(self) -> bool:
        """Whether it is an Enterprise Server."""
        parts = urlsplit(self.endpoint_url.rstrip("/"))
        name = (parts.hostname or "").lower()
        if parts.path.endswith(_SERVER_PATH):
            return True
        return not (name == "api.github.com" or name.endswith(_RESIDENT) or is_loopback(name) or parts.path)
