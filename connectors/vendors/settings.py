"""What every ``[[source]]`` of a vendor may say: where its API is, and how it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from connectors.address import check_url
from scanner.redaction.redact import SecretRef


class ApiSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``endpoint_url``: the API's address, without ``/v1``. ``token``: the admin key.

    ``max_attempts``: tries for one request. ``backoff``: seconds before the second one. ``workers``: requests in flight
    at once. ``timeout``: seconds for one try. ``usage_days``: so many days of usage are asked for. ``from_files``: a
    folder with the API's answers: it is read, and no one is called.
    """

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
    def address(self) -> str:
        """The API's address as it is asked, also where someone wrote it with its version."""
        return self.endpoint_url.rstrip("/").removesuffix("/v1")


def by_place(tokens: Mapping[str, SecretRef] | tuple[SecretRef, ...]) -> dict[str, SecretRef]:
    """Keys for a part of an organization, by its id, or by number where a list has no ids."""
    return dict(tokens) if isinstance(tokens, Mapping) else {str(at): one for at, one in enumerate(tokens, start=1)}
