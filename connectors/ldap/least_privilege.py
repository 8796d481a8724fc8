"""The account that a scan takes, in the directory's own format. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.ldap.entries import ATTRIBUTES, GROUP_ATTRIBUTES, OF_OTHER_SERVERS, OF_OVERLAYS
from connectors.ldap.place import Place
from connectors.ldap.settings import LdapSettings

_AD = """\
# Active Directory, in PowerShell on a machine of the domain: an ordinary user, in no group besides Domain Users.
# Any user of the domain may read all that Muster asks for. Where "Authenticated Users" were taken that right, the last
# line gives it back to this account: read properties and permissions, below the domain.
New-ADUser -Name svc-muster -SamAccountName svc-muster -AccountNotDelegated $true -Enabled $true `
  -AccountPassword (Read-Host -AsSecureString "password")
dsacls "{base}" /I:T /G "{netbios}\\svc-muster:LCRPRC"
"""
_SLAPD = """\
# OpenLDAP: add these to olcAccess of the database, before the rule that gives read access to others. The account may
# read what Muster asks for, and no password. With the overlays ppolicy or lastbind, add: {more}
olcAccess: to attrs=userPassword by dn.exact="{account}" none by * break
olcAccess: to dn.subtree="{base}" attrs={attributes}
  by dn.exact="{account}" read by * break
"""


def _open_ldap(base: str, account: str) -> str:
    asked = {"entry", *ATTRIBUTES, *GROUP_ATTRIBUTES} - {*OF_OVERLAYS, *OF_OTHER_SERVERS}
    return _SLAPD.format(
        base=base, account=account, attributes=",".join(sorted(asked)), more=",".join(sorted(OF_OVERLAYS))
    )


def _policy(place: Place, settings: LdapSettings) -> str:
    if place.is_ad:
        return _AD.format(base=place.domain, netbios=place.netbios or place.dns.partition(".")[0].upper())
    return _open_ldap(place.base, settings.bind_dn or f"cn=muster,{place.domain}")


def policy_of(places: Sequence[Place], settings: LdapSettings) -> str:
    """The account, and its rights, for the scopes of a source."""
    return "\n".join(_policy(place, settings) for place in places)


ANY_POLICY = "\n".join(
    (
        _AD.format(base="DC=corp,DC=example,DC=com", netbios="CORP"),
        _open_ldap("dc=example,dc=com", "cn=muster,dc=example,dc=com"),
    )
)
