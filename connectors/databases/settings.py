"""Settings that the sources of all database servers have: address, password, and TLS."""

from __future__ import annotations

from typing import ClassVar, Literal
from urllib.parse import SplitResult, unquote, urlsplit

from msgspec import Struct

from connectors.core.address import is_loopback
from scanner.redaction.redact import SecretRef


class DatabaseSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``url``: ``SCHEME://USER@HOST:PORT/``, by default of this machine. ``password``: by default, none is sent.

    ``tls``: ``verify`` the server's certificate, by ``ca_file`` or by the authorities that the system trusts;
    ``encrypt`` without verifying it; ``none``. By default ``verify``, on this machine ``encrypt`` where it is offered.
    ``timeout``: seconds for one query.
    """

    scheme: ClassVar[str]
    port: ClassVar[int]

    url: str
    password: SecretRef | None = None
    ca_file: str | None = None
    tls: Literal["verify", "encrypt", "none"] | None = None
    timeout: float = 60

    def __post_init__(self) -> None:
        self._check(urlsplit(self.url))
        if self.timeout <= 0:
            raise ValueError("timeout is above 0")
        if self.ca_file is not None and self.tls not in (None, "verify"):
            raise ValueError(f"ca_file verifies the certificate: leave out tls = {self.tls}")

    def _check(self, parts: SplitResult) -> None:
        if parts.scheme != self.scheme or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"give an address such as {self.scheme}://muster@host:{self.port}/, without a query")
        if parts.password is not None:
            raise ValueError('a url must not hold a password: the setting of that name takes { env = "NAME" }')
        if parts.port == 0:  # raises ValueError if the port is invalid
            raise ValueError("an address cannot have port 0")
        if not parts.username:
            raise ValueError(f"the url names no user: {self.scheme}://muster@{parts.hostname}/")

    @property
    def host(self) -> str:
        """The server's host."""
        return urlsplit(self.url).hostname or ""

    @property
    def at_port(self) -> int:
        """The server's port."""
        return urlsplit(self.url).port or self.port

    @property
    def user(self) -> str:
        """The name to sign in with."""
        return unquote(urlsplit(self.url).username or "")

    @property
    def database(self) -> str:
        """The database that the URL names; empty if it names none."""
        return unquote(urlsplit(self.url).path.strip("/"))

    @property
    def place(self) -> str:
        """``host:port`` of the server, which is its scope's id."""
        return f"[{self.host}]:{self.at_port}" if ":" in self.host else f"{self.host}:{self.at_port}"

    @property
    def security(self) -> Literal["verify", "encrypt", "none"] | None:
        """How the connection is secured; None: encrypted where the server, on this machine, offers it."""
        if self.tls is not None:
            return self.tls
        return None if self.ca_file is None and is_loopback(self.host) else "verify"
