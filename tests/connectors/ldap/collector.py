"""What SharpHound would write of a domain, made from the domain's own entries.

By what its authors publish: ``ACLProcessor``, ``LdapPropertyProcessor`` and ``ObjectProcessors`` of
SpecterOps/SharpHoundCommon and SharpHound, format 6. It is no part of what reads these files.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from connectors.ldap.client.connection import Connection
from connectors.ldap.client.messages import LdapEntry
from connectors.ldap.descriptors import Ace, Descriptors
from connectors.ldap.values import LdapFacts, guid, sid

Row = dict[str, Any]
ALL = 0x7FFFFF
"""All collection methods."""
_USER_RIGHTS = 1 << 15
_EVERYTHING = 0xFFFFFFFF
_IGNORED = ("S-1-3-0", "S-1-5-10", "S-1-5-18")
_KINDS = {
    "computer": "computers",
    "user": "users",
    "group": "groups",
    "domainDNS": "domains",
    "organizationalUnit": "ous",
    "container": "containers",
}
_MANAGED = "msDS-GroupManagedServiceAccount"
_SECRETS = ("userpassword", "unixpassword", "unicodepassword", "sfupassword")
_FLAGS = {
    "sensitive": 0x100000, "dontreqpreauth": 0x400000, "passwordnotreqd": 0x20, "unconstraineddelegation": 0x80000,
    "pwdneverexpires": 0x10000, "trustedtoauth": 0x1000000, "smartcardrequired": 0x40000, "usedeskeyonly": 0x200000,
}  # fmt: skip
_CIPHERS = {
    0x1: "DES-CBC-CRC", 0x2: "DES-CBC-MD5", 0x4: "RC4-HMAC-MD5", 0x8: "AES128-CTS-HMAC-SHA1-96",
    0x10: "AES256-CTS-HMAC-SHA1-96",
}  # fmt: skip
_BY_GUID = {
    ("domains", 0x100, "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2"): "GetChanges",
    ("domains", 0x100, "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2"): "GetChangesAll",
    ("domains", 0x100, "89e95b76-444d-4c62-991a-0facbeda640c"): "GetChangesInFilteredSet",
    ("users", 0x100, "00299570-246d-11d0-a768-00aa006e0529"): "ForceChangePassword",
    ("users", 0x20, "f3a64788-5306-11d1-a9c5-0000f80367c1"): "WriteSPN",
    ("users", 0x20, "5b47d60f-6090-40b2-9f37-2a4de88f3063"): "AddKeyCredentialLink",
    ("computers", 0x20, "5b47d60f-6090-40b2-9f37-2a4de88f3063"): "AddKeyCredentialLink",
    ("computers", 0x20, "3f78c3e5-f79a-46bd-a0b8-9d18116ddc79"): "AddAllowedToAct",
    ("computers", 0x20, "4c164200-20c0-11d0-a768-00aa006e0529"): "WriteAccountRestrictions",
    ("groups", 0x20, "bf9679c0-0de6-11d0-a285-00aa003049e2"): "AddMember",
    ("groups", 0x20, "bc0ac240-79a9-11d0-9020-00c04fc2d4cf"): "AddMember",
}


class Collector:
    """Reads a domain. ``domain``: its DNS name. ``secret``: what stands where passwords would."""

    def __init__(self, domain: str, secret: str) -> None:
        self._domain, self._secret = domain.upper(), secret
        self._lists = Descriptors(_EVERYTHING)
        self.files: dict[str, list[Row]] = {kind: [] for kind in ("gpos", *_KINDS.values())}

    def collect(self, connection: Connection, base: str) -> None:
        """Read all objects."""
        entries = list(connection.below(base, tuple(_KINDS), ("*", "nTSecurityDescriptor"), descriptors=True))
        entries += connection.below(base, ("foreignSecurityPrincipal",), ("*",))
        ids = {one.dn.lower(): self._id(LdapFacts(one)) for one in entries}
        for one in entries:
            self._add(one, ids)

    def write(self, folder: Path, *, methods: int = ALL, archive: bool = True) -> Path:
        """The files, in an archive as SharpHound makes one."""
        folder.mkdir(exist_ok=True)
        asked: Row = {} if methods & _USER_RIGHTS else {"UserRights": []}
        texts = {
            f"20260101120000_{kind}.json": json.dumps(
                {
                    "data": [row | asked for row in rows],
                    "meta": {"methods": methods, "type": kind, "count": len(rows), "version": 6},
                }
            )
            for kind, rows in self.files.items()
        }
        if archive:
            path = folder / "20260101120000_BloodHound.zip"
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
                for name, text in texts.items():
                    packed.writestr(name, text)
            return path
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8-sig")
        return folder

    def _id(self, facts: LdapFacts) -> str:
        its = sid(facts.raw("objectSid"))
        return self._named(its) if its else (guid(facts.raw("objectGUID")) or "").upper()

    def _named(self, its: str) -> str:
        return its if its.startswith("S-1-5-21-") else f"{self._domain}-{its}"

    def _add(self, entry: LdapEntry, ids: dict[str, str]) -> None:
        facts = LdapFacts(entry)
        classes = facts.texts("objectClass")
        kind = next((plural for name, plural in _KINDS.items() if name in classes), "groups")
        kind = "users" if _MANAGED in classes else kind
        descriptor = self._lists.parse(facts.raw("nTSecurityDescriptor") or b"")
        aces = list(self._aces(descriptor, kind)) if descriptor else []
        aces += [self._ace("ReadGMSAPassword", one) for one in self._listed(facts, "msDS-GroupMSAMembership")]
        row: Row = {
            "ObjectIdentifier": self._id(facts),
            "Properties": self._properties(kind, facts, classes),
            "Aces": aces,
            "IsACLProtected": bool(descriptor and descriptor.protected),
            "IsDeleted": False,
            "ContainedBy": None,
        }
        if kind == "groups":
            row["Members"] = [
                {"ObjectIdentifier": ids[dn.lower()], "ObjectType": "Base"}
                for dn in facts.texts("member")
                if dn.lower() in ids
            ]
        if kind in ("users", "computers"):
            domain = (sid(facts.raw("objectSid")) or "").rpartition("-")[0]
            row["PrimaryGroupSID"] = f"{domain}-{facts.text('primaryGroupID')}"
        if kind == "computers":
            row["AllowedToAct"] = [
                {"ObjectIdentifier": self._named(one), "ObjectType": "Base"}
                for one in self._listed(facts, "msDS-AllowedToActOnBehalfOfOtherIdentity")
            ]
            row["IsDC"] = bool((facts.number("userAccountControl") or 0) & 0x2000)
            right = "SeRemoteInteractiveLogonRight"
            row["UserRights"] = [{"Privilege": right, "Results": [], "Collected": True, "FailureReason": None}]
            row["LocalGroups"] = []
            row["Sessions"] = {"Collected": False, "FailureReason": "ErrorAccessDenied", "Results": []}
        self.files[kind].append(row)

    def _properties(self, kind: str, facts: LdapFacts, classes: tuple[str, ...]) -> Row:
        host = facts.text("dNSHostName") if kind == "computers" else None
        account = facts.text("sAMAccountName") or facts.text("cn") or facts.text("name") or ""
        found: Row = {
            "domain": self._domain,
            "name": (host or f"{account}@{self._domain}").upper() if kind != "domains" else self._domain,
            "distinguishedname": facts.dn.upper(),
            "description": facts.text("description"),
            "whencreated": _epoch(facts.moment("whenCreated")),
            "admincount": facts.number("adminCount") == 1,
        }
        if kind == "domains":
            return found | {"functionallevel": "2016", "netbios": self._domain.partition(".")[0]}
        if kind in ("users", "computers", "groups"):
            found["samaccountname"] = facts.text("sAMAccountName")
        if kind not in ("users", "computers"):
            return found
        uac = facts.number("userAccountControl") or 0
        types = facts.number("msDS-SupportedEncryptionTypes")
        found |= {
            "enabled": not uac & 2,
            **{name: bool(uac & flag) for name, flag in _FLAGS.items()},
            "useraccountcontrol": uac,
            "pwdlastset": _epoch(facts.filetime("pwdLastSet")) if facts.number("pwdLastSet") else 0,
            "lastlogon": 0,
            "lastlogontimestamp": _epoch(facts.filetime("lastLogonTimestamp")),
            "serviceprincipalnames": list(facts.texts("servicePrincipalName")),
            "displayname": facts.text("displayName"),
            "email": facts.text("mail"),
            "operatingsystem": facts.text("operatingSystem"),
            "gmsa": _MANAGED in classes,
            "supportedencryptiontypes": [name for flag, name in _CIPHERS.items() if types and types & flag],
            **dict.fromkeys(_SECRETS, self._secret),
        }
        if uac & 0x1000000:
            found["allowedtodelegate"] = list(facts.texts("msDS-AllowedToDelegateTo"))
        return found

    def _listed(self, facts: LdapFacts, attribute: str) -> list[str]:
        found = self._lists.parse(facts.raw(attribute) or b"")
        return [ace.trustee for ace in found.aces or ()] if found else []

    def _ace(self, right: str, trustee: str) -> Row:
        return {
            "PrincipalSID": self._named(trustee),
            "PrincipalType": "Base",
            "RightName": right,
            "IsInherited": False,
            "InheritanceHash": "",
        }

    def _aces(self, descriptor: Any, kind: str) -> Iterator[Row]:
        if descriptor.owner:
            yield self._ace("Owns", descriptor.owner)
        for ace in descriptor.aces or ():
            if not ace.denies and ace.trustee not in _IGNORED:
                yield from (self._ace(right, ace.trustee) for right in _rights(ace, kind))


def _rights(ace: Ace, kind: str) -> Iterator[str]:
    from uuid import UUID

    about = None if ace.about is None else str(UUID(bytes_le=ace.about))
    if about is None:
        if ace.mask & 0xF01FF == 0xF01FF:
            yield "GenericAll"
            return
        if ace.mask & 0x40000:
            yield "WriteDacl"
        if ace.mask & 0x80000:
            yield "WriteOwner"
        if ace.mask & 0x100 and kind in ("domains", "users"):
            yield "AllExtendedRights"
        if ace.mask & 0x20 and kind != "containers":
            yield "GenericWrite"
        if ace.mask & 0x28 == 0x8 and kind == "groups":
            yield "AddSelf"
        return
    yield from (right for (of, bit, name), right in _BY_GUID.items() if (of, name) == (kind, about) and ace.mask & bit)


def _epoch(moment: Any) -> int:
    return -1 if moment is None else int(moment.timestamp())
