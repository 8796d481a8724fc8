"""Settings that the sources of all vendors have: the API's address, the key, and limits of requests."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from msgspec import Struct

from connectors.core.address import check_url
from scanner.redaction.redact import SecretRef


class ApiSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``endpoint_url``: the API's address, without ``/v1``. ``token``: the admin key; by default, ``variable`` has it.

    ``max_attempts``: attempts for one request. ``backoff``: seconds before the second attempt. ``workers``: parallel
    requests. ``timeout``: seconds for one attempt. ``usage_days``: days of usage to read. ``from_files``: a folder with
    the API's responses, which is read instead of the API.
    """

    variable: ClassVar[str]
    endpoint_url: str
    token: SecretRef | None = None
    ca_file: str | None = None
    insecure_http: bool = False
    max_attempts: int = 5
    backoff: float = 0.5
    workers: int = 4
    timeout: float = 30
    usage_days: int = 90
    from_files: Path | None = None

    def __post_init__(self) -> None:
        check_url(self.endpoint_url, insecure_http=self.insecure_http)
        if min(self.max_attempts, self.workers, self.usage_days) < 1 or self.timeout <= 0 or self.backoff < 0:
            raise ValueError("max_attempts, workers and usage_days are at least 1, timeout is above 0")

    @property
    def secret(self) -> SecretRef:
        """The reference to the admin key."""
        return self.token or SecretRef(env=self.variable)

    @property
    def address(self) -> str:
        """The API's address without its version, also if the setting includes it."""
        return self.endpoint_url.rstrip("/").removesuffix("/v1")
