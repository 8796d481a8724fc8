"""``[serve]``: who may use the served page, and how they sign in."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct

from connectors.core.address import check_url, is_loopback
from scanner.redaction.redact import SecretRef

DEFAULT_LISTEN = "127.0.0.1:8686"
_HIGHEST_PORT = 65_535
_LONGEST_SESSION = 24 * 30
_MOST_CONNECTIONS = 1000
_HEADER_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")


class Listen(Struct, frozen=True):
    """An address to listen on. Port 0: any free one."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return is_loopback(self.host)


def parse_listen(text: str) -> Listen:
    """Parse ``127.0.0.1:8686`` or ``[::1]:8686``. Raises ValueError."""
    host, colon, port = text.strip().rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    host = host[1:-1] if bracketed else host
    if not (colon and host and port.isascii() and port.isdigit() and int(port) <= _HIGHEST_PORT):
        raise ValueError(f"{text!r} is not an address to listen on: give HOST:PORT, such as {DEFAULT_LISTEN}")
    if ":" in host and not bracketed:
        raise ValueError(f"{text!r} is not an address to listen on: write IPv6 in brackets, such as [::1]:8686")
    return Listen(host, int(port))


class OidcSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[serve.oidc]``. ``claim``: the claim of the ID token that names the person.

    ``client_secret``: None for a public client, which uses only PKCE. ``ca_file``: certificates to verify the issuer.
    """

    issuer: str
    client_id: str
    client_secret: SecretRef | None = None
    claim: str = "email"
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    ca_file: Path | None = None
    insecure_http: bool = False

    def __post_init__(self) -> None:
        check_url(self.issuer, insecure_http=self.insecure_http)
        if not self.client_id.strip() or not self.claim.strip():
            raise ValueError("client_id and claim must not be empty")
        if "openid" not in self.scopes:
            raise ValueError('scopes must contain "openid": without it the issuer sends no ID token')


class ServeSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[serve]``. ``viewers`` see everything, ``reviewers`` their items: people or groups of the roster.

    ``user_header``: the header in which a proxy names the person, accepted only from ``proxies``. ``public_url``: the
    address in people's browsers. ``index``: the folder of the search index. ``index_after_scan``: whether scans build
    it; by default where that folder is there. ``token``: the token of loopback and of ``/metrics``; without it, a new
    one at each start. ``session_key``: what sessions are signed with, a key a line of which the first one signs;
    without it, a file beside the index. ``log_reads``: also log who viewed what.
    ``acknowledge_high``: who acknowledges findings of high or critical severity for good: ``owner``, or what an owner
    asks for waits for another person, one of the ``reviewers``. ``connections_per_address``: of a client; behind a
    proxy of ``proxies``, requests at a time.
    """

    listen: str = DEFAULT_LISTEN
    viewers: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    user_header: str | None = None
    proxies: tuple[str, ...] = ()
    public_url: str | None = None
    index: Path | None = None
    index_after_scan: bool | None = None
    token: SecretRef | None = None
    session_key: SecretRef | None = None
    session_hours: int = 12
    log_reads: bool = False
    acknowledge_high: Literal["reviewer", "owner"] = "reviewer"
    connections_per_address: int = 100
    oidc: OidcSettings | None = None

    def __post_init__(self) -> None:
        parse_listen(self.listen)
        for proxy in self.proxies:
            _network(proxy)
        if self.user_header is not None:
            self._check_header(self.user_header)
        if self.public_url is not None:
            check_url(self.public_url, insecure_http=True)
            if urlsplit(self.public_url).path not in ("", "/"):
                raise ValueError("public_url is an address without a path, such as https://muster.example.com")
        if self.oidc is not None and self.public_url is None:
            raise ValueError("oidc needs public_url: the issuer sends people back there")
        if not 1 <= self.session_hours <= _LONGEST_SESSION:
            raise ValueError(f"session_hours is a number of hours from 1 to {_LONGEST_SESSION}")
        if not 1 <= self.connections_per_address <= _MOST_CONNECTIONS:
            raise ValueError(f"connections_per_address is a number from 1 to {_MOST_CONNECTIONS:,}")

    def _check_header(self, name: str) -> None:
        if not name or set(name) - _HEADER_CHARACTERS:
            raise ValueError('user_header is the name of a header, such as "X-Forwarded-User"')
        if name.lower() in ("authorization", "cookie", "host", "origin"):
            raise ValueError("user_header is a header that only the proxy sets, such as X-Forwarded-User")
        if not self.proxies:
            raise ValueError('user_header needs proxies: the addresses it is accepted from, such as ["10.0.0.7"]')

    @property
    def proxy_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """``proxies`` as networks."""
        return tuple(map(_network, self.proxies))

    @property
    def has_sign_in(self) -> bool:
        """Whether people sign in, by a proxy or with OpenID Connect, not only by a token on loopback."""
        return self.user_header is not None or self.oidc is not None


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        network = ip_network(text)
    except ValueError as error:
        raise ValueError(
            f'proxies: {text!r} is not an address or network, such as "10.0.0.7" or "10.0.0.0/28"'
        ) from error
    if network.prefixlen == 0:
        raise ValueError(f"proxies: {text!r} are all addresses: every client could name any person")
    return network
