"""Entries of Active Directory from what SharpHound collects (BloodHound's formats 5 and 6). Pure.

Each object becomes the entry that the server would have sent, so that one reading serves both. The shapes name the
fields that are read; all others are dropped while they are decoded, passwords above all: ``userpassword``,
``unixpassword``, ``unicodepassword`` and ``sfupassword``. Source: ``packages/go/ein/incoming_models.go`` of
SpecterOps/BloodHound, ``src/CommonLib`` of SpecterOps/SharpHoundCommon.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct, field

from connectors.ldap import accounts as a
from connectors.ldap.client.messages import LdapEntry
from connectors.ldap.descriptors import ace_of, descriptor_of
from connectors.ldap.exports.directory import naming_context
from connectors.ldap.groups import BUILTIN
from connectors.ldap.place import IS_ACTIVE_DIRECTORY
from connectors.ldap.rights import MASKS, READS
from connectors.ldap.values import LEVEL, Uac, compared, filetime_of, sid_of

CLASSES: Final[Mapping[str, tuple[bytes, ...]]] = {
    "users": (b"user",),
    "computers": (b"user", b"computer"),
    "groups": (b"group",),
    "domains": (b"domainDNS",),
    "ous": (b"organizationalUnit",),
    "containers": (b"container",),
}
"""The types of files that are read, and the object classes of what is in them."""
METHODS: Final[Mapping[str, int]] = {
    "Group": 1,
    "LocalAdmin": 1 << 1,
    "ACL": 1 << 6,
    "ObjectProps": 1 << 9,
    "UserRights": 1 << 15,
}
"""Collection methods, by the flags of ``HoundMeta.methods``."""
_TEXTS: Mapping[str, str] = {
    "description": "description",
    "displayname": "displayname",
    "email": "mail",
    "title": "title",
    "operatingsystem": "operatingsystem",
}
_FOREIGN = (b"foreignSecurityPrincipal",)
_SID = re.compile(r"(?:^|-)(S-1-\d{1,15}(?:-\d{1,10}){1,15})$", re.IGNORECASE)
_ADMINISTRATORS = "-544"
_FLAGS: Mapping[str, Uac] = {
    "sensitive": Uac.NOT_DELEGATED,
    "dontreqpreauth": Uac.NO_PRE_AUTHENTICATION,
    "passwordnotreqd": Uac.NO_PASSWORD_NEEDED,
    "unconstraineddelegation": Uac.UNCONSTRAINED,
    "pwdneverexpires": Uac.NEVER_EXPIRES,
    "trustedtoauth": Uac.ANY_PROTOCOL,
    "smartcardrequired": Uac.SMART_CARD_REQUIRED,
    "encryptedtextpwdallowed": Uac.REVERSIBLE_ENCRYPTION,
    "usedeskeyonly": Uac.DES_ONLY,
    "isdc": Uac.DOMAIN_CONTROLLER,
}
_ENCRYPTION: Mapping[str, int] = {"DES-CBC-CRC": 1, "DES-CBC-MD5": 2, "RC4": 4, "AES128": 8, "AES256": 16}
_LEVELS: Mapping[str, int] = {"2008": 3, "2008 R2": 4, "2012": 5, "2012 R2": 6, "2016": 7, "2025": 10}


class HoundPrincipal(Struct, frozen=True, rename="pascal", gc=False):
    """Somebody, by SID; of a well-known one with the domain before it."""

    object_identifier: str | None = None


class HoundAce(Struct, frozen=True, gc=False):
    """An entry of a security descriptor that allows something."""

    trustee: str | None = field(default=None, name="PrincipalSID")
    right: str | None = field(default=None, name="RightName")
    is_inherited: bool | None = field(default=None, name="IsInherited")


class HoundResult(Struct, frozen=True, rename="pascal", gc=False):
    """What a computer was asked: who has a right to sign in to it, or is in one of its groups."""

    collected: bool | None = None
    privilege: str | None = None
    object_identifier: str | None = None
    results: list[HoundPrincipal] | None = None


class HoundProperties(Struct, frozen=True, kw_only=True, gc=False):
    """Properties, by their names in the file. Collectors disagree on their types."""

    domain: Any = None
    name: Any = None
    distinguishedname: Any = None
    samaccountname: Any = None
    description: Any = None
    displayname: Any = None
    email: Any = None
    title: Any = None
    operatingsystem: Any = None
    netbios: Any = None
    functionallevel: Any = None
    whencreated: Any = None
    pwdlastset: Any = None
    lastlogontimestamp: Any = None
    useraccountcontrol: Any = None
    enabled: Any = None
    sensitive: Any = None
    dontreqpreauth: Any = None
    passwordnotreqd: Any = None
    unconstraineddelegation: Any = None
    pwdneverexpires: Any = None
    trustedtoauth: Any = None
    smartcardrequired: Any = None
    encryptedtextpwdallowed: Any = None
    usedeskeyonly: Any = None
    isdc: Any = None
    gmsa: Any = None
    msa: Any = None
    admincount: Any = None
    serviceprincipalnames: Any = None
    allowedtodelegate: Any = None
    supportedencryptiontypes: Any = None


class HoundObject(Struct, frozen=True, kw_only=True):
    """An object of any type."""

    id: str = field(name="ObjectIdentifier")
    properties: HoundProperties = field(default=HoundProperties(), name="Properties")
    aces: list[HoundAce] | None = field(default=None, name="Aces")
    is_deleted: bool | None = field(default=None, name="IsDeleted")
    is_protected: bool | None = field(default=None, name="IsACLProtected")
    primary: str | None = field(default=None, name="PrimaryGroupSID")
    members: list[HoundPrincipal] | None = field(default=None, name="Members")
    delegates_to: list[HoundPrincipal] | None = field(default=None, name="AllowedToDelegate")
    acts_for: list[HoundPrincipal] | None = field(default=None, name="AllowedToAct")
    is_controller: bool | None = field(default=None, name="IsDC")
    user_rights: list[HoundResult] | None = field(default=None, name="UserRights")
    local_groups: list[HoundResult] | None = field(default=None, name="LocalGroups")
    local_admins: HoundResult | None = field(default=None, name="LocalAdmins")  # of format 5


class HoundMeta(Struct, frozen=True, kw_only=True):
    """What a file holds. ``methods``: flags of what was collected; 0 where the collector does not say."""

    type: str = ""
    version: int = 0
    methods: int = 0


class HoundDocument(Struct, frozen=True, kw_only=True):
    """A file."""

    data: list[Raw] | None = None
    meta: HoundMeta | None = None


class Hounds:
    """Collects the entries of all files. ``asked``, ``unasked``: how many computers told who may sign in to them."""

    def __init__(self) -> None:
        self.entries: dict[str, LdapEntry] = {}
        self.logon_rights: dict[str, list[str]] = {}
        self.asked = self.unasked = 0
        self._values_of: dict[str, dict[str, list[bytes]]] = {}
        self._members: dict[str, list[bytes]] = {}
        self._hosts: dict[str, bytes] = {}
        self._delegates: dict[str, list[str]] = {}
        self._short_names: dict[str, str] = {}
        self._unplaced: list[str] = []
        self._known: dict[bytes, bytes] = {}

    def add(self, kind: str, row: bytes | Raw, methods: int) -> None:
        """Add an object of a file of that type."""
        try:
            one = msgspec.json.decode(row, type=HoundObject)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # a gap of the section that lists it
            self._unplaced.append(kind)
            return
        if one.is_deleted:
            return
        domain = _text(one.properties.domain) or (_text(one.properties.name) if kind == "domains" else None)
        dn = _text(one.properties.distinguishedname) or (domain and _made_dn(kind, one.id, domain))
        if not dn:
            if kind != "domains":  # one that is only mentioned has no name
                self._unplaced.append(kind)
            return
        values = {name: given for name, given in self._attributes(kind, one, methods) if given}
        self.entries[compared(dn)] = LdapEntry(dn, values)
        self._values_of[one.id.upper()] = values
        for member in one.members or ():
            self._members.setdefault((member.object_identifier or "").upper(), []).append(dn.encode())
        if kind == "computers":
            self._computer(one)
        if kind == "domains" and (short_name := _text(one.properties.netbios)):
            self._short_names[dn] = short_name
        if one.delegates_to and not _texts(one.properties.allowedtodelegate):
            self._delegates[one.id.upper()] = [(who.object_identifier or "").upper() for who in one.delegates_to]

    def _computer(self, one: HoundObject) -> None:
        name = (_text(one.properties.name) or one.id).lower()
        self._hosts[one.id.upper()] = name.encode()
        told = False
        for right in one.user_rights or ():
            told |= right.collected is True
            for who in right.results or ():
                its = _SID.search(who.object_identifier or "")
                if its is not None and right.collected and right.privilege:
                    self.logon_rights.setdefault(its[1].upper(), []).append(f"{right.privilege} on {name}")
        self.asked += told
        self.unasked += not told

    def finish(self) -> None:
        """Once all files are there: what names objects of other files, and the server's root entry."""
        for its, groups in self._members.items():
            if its in self._values_of:
                self._values_of[its]["memberof"] = groups
        for its, targets in self._delegates.items():
            hosts = [b"host/" + self._hosts[one] for one in targets if one in self._hosts]
            self._values_of[its][a.DELEGATES.lower()] = hosts
        contexts = sorted({naming_context(one.dn) for one in self.entries.values()}) or [""]
        for number, kind in enumerate(self._unplaced):
            self._add(f"CN=object {number} of {kind},{contexts[0]}", objectclass=CLASSES[kind])
        configuration = f"CN=Configuration,{contexts[0]}"
        for dn, short_name in self._short_names.items():
            cross = f"CN={short_name},CN=Partitions,{configuration}"
            self._add(cross, objectclass=(b"crossRef",), ncname=(dn.encode(),), netbiosname=(short_name.encode(),))
        self._add(
            "",
            namingcontexts=[one.encode() for one in contexts],
            configurationnamingcontext=[configuration.encode()],
            supportedcapabilities=[IS_ACTIVE_DIRECTORY.encode()],
        )

    def _add(self, dn: str, **values: Sequence[bytes]) -> None:
        self.entries[compared(dn)] = LdapEntry(dn, {name: list(given) for name, given in values.items()})

    def _attributes(self, kind: str, one: HoundObject, methods: int) -> Iterator[tuple[str, list[bytes]]]:
        given, its = one.properties, _sid(one.id)
        yield "objectclass", list(_classes(kind, one))
        if its is not None:
            yield "objectsid", [its]
        name = _text(given.samaccountname) or _name(kind, _text(given.name))
        yield "samaccountname", [name.encode()] if name else []
        for source, attribute in _TEXTS.items():
            text = _text(getattr(given, source))
            yield attribute, [text.encode()] if text else []
        for source, (attribute, written) in _TIMES.items():
            moment = getattr(given, source)
            yield attribute, written(moment) if isinstance(moment, int) and moment >= 0 else []
        if kind in ("users", "computers"):
            yield from _account(kind, one)
        if kind == "domains":
            level = _LEVELS.get(_text(given.functionallevel) or "")
            yield LEVEL.lower(), [b"%d" % level] if level else []
        if isinstance(given.admincount, (bool, int)) and given.admincount:
            yield "admincount", [b"1"]
        if methods & METHODS["ACL"] or (not methods and one.aces):
            yield a.DESCRIPTOR.lower(), [self._descriptor(one)]
        yield a.ACTS_FOR.lower(), _listing(who.object_identifier for who in one.acts_for or ())
        yield a.READERS.lower(), _listing(ace.trustee for ace in one.aces or () if ace.right == READS)
        yield a.MACHINE_ADMINS.lower(), _listing(_local_administrators(one))

    def _descriptor(self, one: HoundObject) -> bytes:
        """The security descriptor. Rights that one entry gave stand apart in the file, and are put together again."""
        owner: bytes | None = None
        masks: dict[tuple[bytes, bool, bytes | None], int] = {}
        for ace in one.aces or ():
            trustee = _sid(ace.trustee or "")
            if trustee is None:
                continue
            if ace.right == "Owns":
                owner = owner or trustee
            elif (held := MASKS.get(ace.right or "")) is not None:
                mask, about = held
                key = (trustee, bool(ace.is_inherited), about)
                masks[key] = masks.get(key, 0) | mask
        aces = [ace_of(trustee, mask, about, inherited=was) for (trustee, was, about), mask in masks.items()]
        made = descriptor_of(owner, aces, protected=bool(one.is_protected))
        return self._known.setdefault(made, made)


def _account(kind: str, one: HoundObject) -> Iterator[tuple[str, list[bytes]]]:
    given = one.properties
    uac = given.useraccountcontrol if _is_number(given.useraccountcontrol) else _flags(one)
    if uac is not None:
        yield "useraccountcontrol", [b"%d" % uac]
    rid = (one.primary or "").rpartition("-")[2]
    yield "primarygroupid", [rid.encode()] if rid.isascii() and rid.isdecimal() else []
    yield "serviceprincipalname", _texts(given.serviceprincipalnames)
    yield a.DELEGATES.lower(), _texts(given.allowedtodelegate)
    host = _text(given.name) if kind == "computers" else None
    yield "dnshostname", [host.lower().encode()] if host else []
    found = [flag for text in _texts(given.supportedencryptiontypes) for flag in _encryption(text.decode())]
    yield "msds-supportedencryptiontypes", [b"%d" % sum(set(found))] if found else []


def _flags(one: HoundObject) -> int | None:
    """UserAccountControl from the properties that collectors make of it; None if these were not collected."""
    if not isinstance(one.properties.enabled, bool):
        return None
    flags = 0 if one.properties.enabled else int(Uac.DISABLED)
    for name, flag in _FLAGS.items():
        flags |= flag if getattr(one.properties, name) is True else 0
    return flags | Uac.DOMAIN_CONTROLLER if one.is_controller else flags


def _encryption(text: str) -> Iterator[int]:
    return (flag for name, flag in _ENCRYPTION.items() if text.startswith(name))


def _classes(kind: str, one: HoundObject) -> Iterable[bytes]:
    if kind == "groups" and (found := _SID.search(one.id)) is not None:
        is_own = found[1].upper().startswith(("S-1-5-21-", f"{BUILTIN}-"))
        return CLASSES[kind] if is_own else _FOREIGN
    if one.properties.gmsa is True:
        return (b"user", b"computer", a.GROUP_MANAGED.encode())
    return (b"user", b"computer", a.MANAGED[-1].encode()) if one.properties.msa is True else CLASSES[kind]


def _local_administrators(one: HoundObject) -> Iterator[str | None]:
    for group in one.local_groups or ():
        if group.collected and (group.object_identifier or "").endswith(_ADMINISTRATORS):
            yield from (who.object_identifier for who in group.results or ())
    if one.local_admins is not None and one.local_admins.collected:
        yield from (who.object_identifier for who in one.local_admins.results or ())


def _listing(trustees: Iterable[str | None]) -> list[bytes]:
    """A security descriptor that allows these trustees everything; empty without any."""
    found = dict.fromkeys(its for one in trustees if (its := _sid(one or "")) is not None)
    return [descriptor_of(None, [ace_of(its, MASKS["GenericAll"][0], None) for its in found])] if found else []


# --- Values ---


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _texts(value: object) -> list[bytes]:
    return [one.encode() for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _sid(text: str) -> bytes | None:
    """A SID in binary, without the domain that stands before those of well-known groups."""
    found = _SID.search(text)
    return None if found is None else sid_of(found[1].upper())


def _name(kind: str, shown: str | None) -> str | None:
    """The name of an account or group whose sAMAccountName was not collected."""
    if shown is None:
        return None
    return f"{shown.partition('.')[0]}$" if kind == "computers" else shown.rpartition("@")[0] or shown


def _made_dn(kind: str, id_: str, domain: str) -> str:
    """The DN of what was collected without one: a domain, or somebody that is in no domain of its own."""
    base = ",".join(f"DC={part}" for part in domain.split("."))
    found = _SID.search(id_)
    return base if kind == "domains" else f"CN={found[1] if found else id_},CN=ForeignSecurityPrincipals,{base}"


def _filetime(seconds: int) -> list[bytes]:
    return [b"%d" % filetime_of(seconds)]


def _calendar(seconds: int) -> list[bytes]:
    try:
        return [f"{datetime.fromtimestamp(seconds, UTC):%Y%m%d%H%M%S}.0Z".encode()]
    except (ValueError, OverflowError, OSError):
        return []


_TIMES: Mapping[str, tuple[str, Callable[[int], list[bytes]]]] = {
    "whencreated": ("whencreated", _calendar),
    "pwdlastset": ("pwdlastset", _filetime),
    "lastlogontimestamp": ("lastlogontimestamp", _filetime),
}


def left_out(methods: Sequence[int]) -> Iterator[str]:
    """The collection methods that some file with objects was made without. Those that do not say are taken as whole."""
    for name, flag in METHODS.items():
        if any(one and not one & flag for one in methods):
            yield name
