"""Settings of a source of type ``ldap`` in config.toml."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from connectors.core.address import is_loopback
from scanner.errors import SourceError
from scanner.redaction.redact import SecretRef
from scanner.text import printable

_PORTS = {"ldap": 389, "ldaps": 636}
_LARGEST_PAGE = 100_000
_LONGEST = 200
"""Characters of a reference that a message quotes."""
_ADDRESS = "give an address such as ldaps://dc1.example.com, without a path or query"
_CLEAR_TEXT = "plain ldap to another machine is not encrypted: use ldaps, start_tls = true, or insecure_ldap = true"


class LdapSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A server, and the account to read it with: ``bind_dn`` and ``password``, or ``sasl``.

    ``base_dn``: what is read; by default the server's default naming context, or each naming context. ``sasl``:
    ``external`` signs in with the client ``certificate`` and its ``key``, files in PEM. ``classes``: the object classes
    whose entries are identities, in a directory that is not Active Directory. ``computers``: of Active Directory, all
    computers, or those ``acting``: domain controllers, and those with delegation, services or rights of their own.
    ``page_size``: entries in a page. ``timeout``: seconds to wait for more of an answer.
    ``follow_referrals``: sign in to the servers that a directory other than Active Directory refers to, and read on.
    ``from_files``: files that are read instead of the server: in LDIF, or SharpHound's archive or JSON; or a folder.
    """

    url: str = "ldaps://localhost"
    bind_dn: str | None = None
    password: SecretRef | None = None
    sasl: Literal["external"] | None = None
    certificate: str | None = None
    key: str | None = None
    base_dn: str = ""
    ca_file: str | None = None
    start_tls: bool = False
    insecure_ldap: bool = False
    classes: tuple[str, ...] = ("account", "simpleSecurityObject", "posixAccount", "applicationProcess")
    computers: Literal["acting", "all"] = "acting"
    page_size: int = 1000
    timeout: float = 30
    follow_referrals: bool = False
    from_files: Path | None = None

    def __post_init__(self) -> None:
        for is_wrong, says in self._checks():
            if is_wrong:
                raise ValueError(says)

    def _checks(self) -> Iterator[tuple[object, str]]:
        """Yield what is wrong, each with its message; what comes later relies on what came before."""
        parts = urlsplit(self.url)
        more = parts.query or parts.fragment or parts.path.strip("/")
        yield parts.scheme not in _PORTS or not parts.hostname or more, _ADDRESS
        yield parts.username is not None, "an address must not hold a user name or password"  # empty before a password
        yield parts.port == 0, "an address cannot have port 0"  # raises ValueError if the port is invalid
        yield self.start_tls and self.is_tls, "start_tls is for ldap://: ldaps:// is encrypted from the start"
        yield not (self.is_encrypted or self.insecure_ldap or is_loopback(self.host)), _CLEAR_TEXT
        by_name = self.bind_dn is not None or self.password is not None
        yield self.sasl is not None and by_name, "give either bind_dn and password, or sasl"
        yield (self.bind_dn is None) != (self.password is None), "bind_dn and password go together"
        yield self.bind_dn == "", "bind_dn is empty: leave it and password out to read anonymously"
        without = not (self.is_encrypted and self.certificate)
        yield self.sasl is not None and without, "sasl = external takes a certificate, and ldaps or start_tls"
        yield self.key is not None and self.certificate is None, "key goes with certificate"
        yield not 1 <= self.page_size <= _LARGEST_PAGE, f"page_size is from 1 to {_LARGEST_PAGE}"
        yield self.timeout <= 0, "timeout is above 0"
        yield not self.classes or not all(self.classes), "classes names one object class or more"

    @property
    def is_tls(self) -> bool:
        """Whether the connection begins with TLS."""
        return urlsplit(self.url).scheme == "ldaps"

    @property
    def is_encrypted(self) -> bool:
        """Whether anything is sent only after TLS began."""
        return self.is_tls or self.start_tls

    @property
    def host(self) -> str:
        """The server's name or address, as its certificate must name it."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """Its port."""
        parts = urlsplit(self.url)
        return parts.port or _PORTS[parts.scheme]

    @property
    def place(self) -> str:
        """``host:port``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def resolve_password(self) -> str:
        """The password. Raises SourceError if it is missing: with an empty one, servers sign nobody in and say yes."""
        if self.password is None:
            raise SourceError("no password is given", hint="set password")
        return self.password.resolve()

    def referred(self, url: str) -> tuple[LdapSettings, str]:
        """Settings for the server of a reference, and the DN to search there, empty for the same. Raises SourceError.

        The connection is encrypted at least as the first one is, and follows no reference itself.
        """
        refused = f"the reference to {printable(url[:_LONGEST])} cannot be followed"
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise SourceError(refused) from None
        if parts.scheme not in _PORTS or not host:
            raise SourceError(refused)
        is_tls = self.is_tls or parts.scheme == "ldaps"
        own_port = f":{port}" if port and is_tls == (parts.scheme == "ldaps") else ""
        address = f"{'ldaps' if is_tls else 'ldap'}://{f'[{host}]' if ':' in host else host}{own_port}"
        try:
            other = replace(self, url=address, start_tls=self.start_tls and not is_tls, follow_referrals=False)
        except ValueError as error:  # such as a password in clear text
            raise SourceError(f"{refused}: {error}") from None
        return other, unquote(parts.path[1:])
