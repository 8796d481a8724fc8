"""The settings of ``[[source]] type = "okta"``."""

from __future__ import annotations

import os

from msgspec import Struct, field

from connectors.core.address import check_url
from scanner.redaction.redact import SecretRef

_TOKEN = SecretRef(env="OKTA_API_TOKEN")


class OktaSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One organization. ``url``: its address, by default that of Okta's own tools.

    ``token``: an API token (SSWS). ``access_token``: an OAuth token of a service app instead. ``max_attempts``:
    attempts for one request. ``backoff``: seconds before the second attempt. ``timeout``: seconds for one attempt.
    """

    url: str = field(default_factory=lambda: os.environ.get("OKTA_CLIENT_ORGURL", ""))
    token: SecretRef = _TOKEN
    access_token: SecretRef | None = None
    ca_file: str | None = None
    insecure_http: bool = False
    max_attempts: int = 5
    backoff: float = 0.5
    timeout: float = 30

    def __post_init__(self) -> None:
        if self.url:
            check_url(self.url, insecure_http=self.insecure_http)
        if self.max_attempts < 1 or self.timeout <= 0 or self.backoff < 0:
            raise ValueError("max_attempts is at least 1, timeout above 0, backoff not below 0")

    @property
    def signed(self) -> str:
        """The header that signs a request in. Raises SourceError if the secret cannot be read."""
        if self.access_token is not None:
            return f"Bearer {self.access_token.resolve()}"
        return f"SSWS {self.token.resolve()}"
