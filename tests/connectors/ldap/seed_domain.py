"""Fills a domain of Samba, run by Debian's Python before the server starts: ``FOLDER`` of the domain."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import ldb
from samba.auth import system_session
from samba.dcerpc import security
from samba.ndr import ndr_pack, ndr_unpack
from samba.param import LoadParm
from samba.samdb import SamDB
from seed_values import PASSWORD, SECRET, SUFFIX

CONTROLS = {"pwdLastSet": ["local_oid:1.3.6.1.4.1.7165.4.3.12:0"], "whenCreated": ["relax:0"]}
"""What lets an administrator set days in the past."""
ACTS_FOR = "msDS-AllowedToActOnBehalfOfOtherIdentity"
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


def ticks(days_ago: float) -> str:
    """A time in the past, as Active Directory counts it."""
    return str(int((datetime.now(UTC) - timedelta(days=days_ago) - _EPOCH).total_seconds() * 10_000_000))


def calendar(days_ago: float) -> str:
    """The same, in generalized form."""
    return f"{datetime.now(UTC) - timedelta(days=days_ago):%Y%m%d%H%M%S}.0Z"


class Domain:
    """The database of the domain."""

    def __init__(self, folder: str) -> None:
        settings = LoadParm(f"{folder}/etc/smb.conf")
        self.sam = SamDB(url=f"{folder}/private/sam.ldb", session_info=system_session(settings), lp=settings)
        self.domain = security.dom_sid(self.sam.get_domain_sid())

    def user(self, name: str, where: str = "CN=Users", **facts: str | list[str] | list[bytes]) -> str:
        dn = f"CN={name},{where},{SUFFIX}"
        self.sam.newuser(name, PASSWORD, userou=where)
        self.set(dn, **facts)
        return dn

    def set(self, dn: str, **facts: str | list[str] | list[bytes]) -> None:
        named = {name.replace("_", "-"): value for name, value in facts.items()}
        for name, value in named.items():
            message = ldb.Message(ldb.Dn(self.sam, dn))
            message[name] = ldb.MessageElement(value, ldb.FLAG_MOD_REPLACE, name)
            self.sam.modify(message, controls=CONTROLS.get(name, []))

    def sid(self, dn: str) -> str:
        found = self.sam.search(dn, ldb.SCOPE_BASE, attrs=["objectSid"])
        return str(ndr_unpack(security.dom_sid, found[0]["objectSid"][0]))

    def group(self, name: str, *members: str) -> str:
        self.sam.newgroup(name)
        self.join(name, *members)
        return f"CN={name},CN=Users,{SUFFIX}"

    def join(self, name: str, *members: str) -> None:
        if members:
            self.sam.add_remove_group_members(name, list(members))

    def allow(self, dn: str, ace: str) -> None:
        """Add an entry in SDDL to the front of an entry's list."""
        found = self.sam.search(dn, ldb.SCOPE_BASE, attrs=["nTSecurityDescriptor"])
        text = ndr_unpack(security.descriptor, found[0]["nTSecurityDescriptor"][0]).as_sddl(self.domain)
        begin = text.index("(", text.index("D:"))
        changed = security.descriptor.from_sddl(text[:begin] + ace + text[begin:], self.domain)
        self.set(dn, nTSecurityDescriptor=[ndr_pack(changed)])

    def own(self, dn: str, owner: str) -> None:
        """Make somebody the owner."""
        found = self.sam.search(dn, ldb.SCOPE_BASE, attrs=["nTSecurityDescriptor"])
        changed = ndr_unpack(security.descriptor, found[0]["nTSecurityDescriptor"][0])
        changed.owner_sid = security.dom_sid(owner)
        self.set(dn, nTSecurityDescriptor=[ndr_pack(changed)])

    def descriptor(self, sddl: str) -> bytes:
        return bytes(ndr_pack(security.descriptor.from_sddl(sddl, self.domain)))


def fill(domain: Domain) -> None:
    """The company."""
    domain.sam.create_ou(f"OU=Services,{SUFFIX}")
    domain.user("svc-muster")
    ada = domain.user("ada", givenName="Ada", sn="Lovelace", mail="ada@example.test", employeeID="17")
    key = "00020000" + "2000" + "01" + "ab" * 32
    domain.user(
        "svc-sql",
        "OU=Services",
        servicePrincipalName=["MSSQLSvc/db1.corp.example.test:1433"],
        userAccountControl=str(0x200 | 0x10000),
        description=f"SQL Server, Kennwort: {SECRET}",
        manager=ada,
        altSecurityIdentities=["X509:<I>DC=test,CN=ca<SR>0a"],
        msDS_KeyCredentialLink=[f"B:{len(key)}:{key}:CN=svc-sql,OU=Services,{SUFFIX}"],
        lastLogonTimestamp=ticks(97),
        pwdLastSet=ticks(800),
        whenCreated=calendar(900),
    )
    domain.user(
        "svc-backup",
        "OU=Services",
        lastLogonTimestamp=ticks(3),
        userAccountControl=str(0x200 | 0x400000),
        whenCreated=calendar(900),
    )
    domain.user("svc-old", "OU=Services", lastLogonTimestamp=ticks(400), userAccountControl=str(0x202))
    domain.user(
        "svc-idle",
        "OU=Services",
        lastLogonTimestamp=ticks(120),
        whenCreated=calendar(900),
        msDS_SupportedEncryptionTypes=str(0x4),
    )
    domain.sam.add(
        {
            "dn": f"CN=gmsa-web,CN=Managed Service Accounts,{SUFFIX}",
            "objectClass": "msDS-GroupManagedServiceAccount",
            "sAMAccountName": "gmsa-web$",
            "userAccountControl": str(0x1000),
            "dNSHostName": "gmsa-web.corp.example.test",
            "msDS-ManagedPasswordInterval": "30",
        }
    )
    domain.group("Tier1", "svc-backup")
    domain.group("Helpdesk", "Tier1")
    domain.join("Backup Operators", "Helpdesk")
    domain.join("Domain Admins", "svc-old")
    for name in ("web1", "laptop1"):
        domain.sam.newcomputer(name)
    domain.set(
        f"CN=web1,CN=Computers,{SUFFIX}",
        userAccountControl=str(0x1000 | 0x80000),
        servicePrincipalName=["HOST/web1.corp.example.test", "HTTP/web1.corp.example.test"],
        dNSHostName="web1.corp.example.test",
        managedBy=ada,
    )
    fill_rights(domain)


def fill_rights(domain: Domain) -> None:
    """Who may change whom. Entries are added to the front of a list, so the last one comes first."""
    sids = {
        f"svc-{name}": domain.sid(domain.user(f"svc-{name}", "OU=Services"))
        for name in ("reset", "join", "sync", "half", "act", "unit", "denied", "owner", "spn", "create")
    }
    domain.group("Resetters", "svc-reset", "svc-denied")
    domain.sam.create_ou(f"OU=Robots,{SUFFIX}")
    target = domain.user("svc-robot", "OU=Robots")
    resets = "00299570-246d-11d0-a768-00aa006e0529"
    domain.allow(f"CN=svc-old,OU=Services,{SUFFIX}", f"(OA;;CR;{resets};;{sids['svc-half']})")
    resetters = domain.sid(f"CN=Resetters,CN=Users,{SUFFIX}")
    domain.allow(target, f"(OA;;CR;{resets};;{resetters})")
    domain.allow(target, f"(OD;;CR;{resets};;{sids['svc-denied']})")
    domain.group("Gate")
    domain.join("Tier1", "Gate")
    domain.allow(f"CN=Gate,CN=Users,{SUFFIX}", f"(OA;;WP;bf9679c0-0de6-11d0-a285-00aa003049e2;;{sids['svc-join']})")
    for right, names in (("1131f6aa", ("svc-sync", "svc-half")), ("1131f6ad", ("svc-sync",))):
        for name in names:
            domain.allow(SUFFIX, f"(OA;;CR;{right}-9c07-11d1-f79f-00c04fc2dcd2;;{sids[name]})")
    web = f"CN=web1,CN=Computers,{SUFFIX}"
    domain.set(web, **{ACTS_FOR: [domain.descriptor(f"O:BAD:(A;;0xf01ff;;;{sids['svc-act']})")]})
    gmsa = f"CN=gmsa-web,CN=Managed Service Accounts,{SUFFIX}"
    domain.set(gmsa, msDS_GroupMSAMembership=[domain.descriptor(f"O:BAD:(A;;0xf01ff;;;{domain.sid(web)})")])
    domain.join("Domain Admins", "svc-robot")
    domain.allow(f"OU=Robots,{SUFFIX}", f"(A;;WD;;;{sids['svc-unit']})")
    spn, delegated = "f3a64788-5306-11d1-a9c5-0000f80367c1", "0feb936f-47b3-49f2-9386-1dedc2c23765"
    domain.allow(f"CN=svc-idle,OU=Services,{SUFFIX}", f"(OA;;WP;{spn};;{sids['svc-spn']})")
    domain.allow(f"OU=Robots,{SUFFIX}", f"(OA;;CC;{delegated};;{sids['svc-create']})")
    domain.set(f"CN=DC1,OU=Domain Controllers,{SUFFIX}", operatingSystem="Windows Server 2025 Standard")
    domain.own(f"CN=laptop1,CN=Computers,{SUFFIX}", sids["svc-owner"])
    domain.set(target, adminCount="1")
    domain.set(f"CN=svc-idle,OU=Services,{SUFFIX}", adminCount="1")
    domain.set(
        domain.user("svc-kcd", "OU=Services"),
        servicePrincipalName=["HTTP/kcd.corp.example.test"],
        msDS_AllowedToDelegateTo=["cifs/web1.corp.example.test"],
        userAccountControl=str(0x200 | 0x1000000),
    )


if __name__ == "__main__":
    fill(Domain(sys.argv[1]))
