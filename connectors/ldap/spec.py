"""The spec of the connector, from its table of sections."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.core.section import SectionRow, read_sections, spec_of
from connectors.ldap.settings import LdapSettings

ACTIVE_DIRECTORY, LDAP = "activedirectory", "ldap"
"""Names of providers."""


class LdapSection(SectionRow, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section. ``ad`` and ``ldap``: the permission for it in Active Directory, and in other directories, in words."""

    ad: str = ""
    ldap: str = ""

    @property
    def permissions(self) -> tuple[str, ...]:
        """The permissions, each once."""
        return tuple(dict.fromkeys(filter(None, (self.ad, self.ldap))))


TABLE: Mapping[str, LdapSection] = read_sections("connectors.ldap", dict[str, LdapSection])
SPEC = spec_of(
    "connectors.ldap", "Active Directory, LDAP", LdapSettings, TABLE, lambda section: TABLE[section].permissions
)
