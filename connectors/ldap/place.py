"""What is known of a directory before its entries are read: the server's root entry, and the scopes in it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from connectors.core.contract import Malformed
from connectors.ldap.client.messages import LdapEntry
from connectors.ldap.spec import ACTIVE_DIRECTORY, LDAP
from connectors.ldap.values import LdapFacts, compared, dns_name, guid, is_below, sid

IS_ACTIVE_DIRECTORY = "1.2.840.113556.1.4.800"
ROOT_ATTRIBUTES = (
    "namingContexts", "defaultNamingContext", "configurationNamingContext", "supportedCapabilities", "supportedControl",
    "dnsHostName", "vendorName", "vendorVersion",
)  # fmt: skip
_INTERNAL = ("cn=config", "cn=accesslog", "cn=monitor", "cn=schema", "cn=changelog")
"""Naming contexts of a server's own: its configuration and logs."""


class Place(Struct, frozen=True, kw_only=True):
    """A scope's directory, which can be pickled.

    ``base``: the entry whose accounts are read, itself included. ``domain``: the naming context that it is in.
    ``configuration``: that of a forest. ``netbios``: the domain's short name, if it could be read. ``has_guids``: False
    for an export without objectGUID, whose accounts are known by their SIDs. ``lag_days``: how late the domain records
    a sign-in in lastLogonTimestamp; None: it records none, or how late could not be read.
    """

    base: str
    domain: str
    is_ad: bool
    configuration: str = ""
    netbios: str = ""
    has_guids: bool = True
    lag_days: int | None = None

    @property
    def provider(self) -> str:
        """The provider of its identities."""
        return ACTIVE_DIRECTORY if self.is_ad else LDAP

    @property
    def dns(self) -> str:
        """The domain's DNS name, or the naming context where it is none."""
        return dns_name(self.domain) or compared(self.domain)

    @property
    def id(self) -> str:
        """The id of its scope: the domain, and the base where only a part of it is read."""
        return self.dns if compared(self.base) == compared(self.domain) else f"{self.dns}/{compared(self.base)}"

    def unique(self, facts: LdapFacts) -> str | None:
        """The id that Active Directory gave an entry for good."""
        return guid(facts.raw("objectGUID")) if self.has_guids else sid(facts.raw("objectSid"))

    def key(self, kind: str, unique: str) -> str:
        """The key of an entry. ``unique``: its objectGUID or entryUUID, or its SID."""
        return f"{self.dns}/{kind}/{unique}"


class Root(Struct, frozen=True, kw_only=True):
    """What the server's root entry says."""

    is_ad: bool
    contexts: tuple[str, ...]
    default: str | None
    configuration: str

    def places(self, base_dn: str) -> Iterator[Place]:
        """The scopes: the configured base, else the domain, else each naming context."""
        bases = [base_dn] if base_dn else [self.default] if self.default else list(self.contexts)
        for base in bases:
            above = [one for one in self.contexts if is_below(compared(base), compared(one))]
            domain = max(above, key=len, default=base)
            yield Place(base=base, domain=domain, is_ad=self.is_ad, configuration=self.configuration)


def parse_root(entry: LdapEntry) -> Root:
    """The server's root entry. Raises Malformed if it names no naming context."""
    facts = LdapFacts(entry)
    contexts = facts.texts("namingContexts")
    if not contexts:
        raise Malformed("the server's root entry names no naming context")
    return Root(
        is_ad=IS_ACTIVE_DIRECTORY in facts.texts("supportedCapabilities"),
        contexts=tuple(one for one in contexts if compared(one) not in _INTERNAL),
        default=facts.text("defaultNamingContext"),
        configuration=facts.text("configurationNamingContext") or "",
    )
