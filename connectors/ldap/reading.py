"""Reads the sections of one scope: a domain of Active Directory, or a naming context of another directory."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec.structs import replace

from connectors.core.contract import DiscoveredRecord, Malformed, Meter, Scope, SectionReading
from connectors.core.offline import NotExported
from connectors.core.reading import ReadSection, SectionReader
from connectors.ldap import accounts as a
from connectors.ldap import entries as e
from connectors.ldap.acls import Acls
from connectors.ldap.client.messages import LdapEntry
from connectors.ldap.groups import ATTRIBUTES, Groups, LdapGroup, parse_group
from connectors.ldap.identities import identities
from connectors.ldap.place import Place
from connectors.ldap.rights import READS
from connectors.ldap.settings import LdapSettings
from connectors.ldap.spec import TABLE
from connectors.ldap.values import LEVEL, LdapFacts, compared
from scanner.errors import Denied, SourceError
from scanner.model import Coverage, Identity, Link
from scanner.text import few

GROUP, FOREIGN = "group", "foreignSecurityPrincipal"
CONTAINERS = ("domainDNS", "organizationalUnit", "container", "builtinDomain")
_IN_EVERY_DOMAIN = re.compile(r"/(?:CN=Configuration|DC=(?:Domain|Forest)DnsZones),", re.IGNORECASE)
"""Parts of a domain that have no accounts, and to which every domain controller refers."""
_NAMED = 5
_NO_DESCRIPTORS = (
    "entries have no security descriptor (nTSecurityDescriptor): access control is in the server's configuration, such "
    "as olcAccess of OpenLDAP, so privilege is unknown"
)
_NOT_IN_DIRECTORY = "machines and Group Policy hold them, not the directory; SharpHound collects them (from_files)"
_NOT_READ = ("policies", "certificate_templates")


class LdapDirectory(Protocol):
    """What entries are read from: a server, or files.

    ``has_guids``: see ``Place``. ``as_of``: the time of its content. ``elsewhere``: references of the last search that
    were not followed. ``lacks``: by section, what an export left out. ``notes``: by section, what its format cannot
    hold. ``logon_rights``: by SID, the rights to sign in to machines; None if no machine was asked.
    """

    @property
    def has_guids(self) -> bool: ...

    @property
    def as_of(self) -> datetime: ...

    @property
    def elsewhere(self) -> Sequence[str]: ...

    @property
    def lacks(self) -> Mapping[str, str]: ...

    @property
    def notes(self) -> Mapping[str, str]: ...

    @property
    def logon_rights(self) -> Mapping[str, Sequence[str]] | None: ...

    def entry(self, dn: str, attributes: Sequence[str]) -> LdapEntry: ...

    def below(
        self, base: str, classes: Sequence[str], attributes: Sequence[str], *, descriptors: bool = False
    ) -> Iterator[LdapEntry]: ...

    def close(self) -> None: ...


class DirectoryReader(SectionReader):
    """Reads sections of one scope."""

    def __init__(self, directory: LdapDirectory, scope: Scope, meter: Meter, settings: LdapSettings) -> None:
        super().__init__(scope, meter)
        self.directory = directory
        self.settings = settings
        self.place: Place = scope.context

    def section(self, name: str) -> SectionReading:
        """Begin a section, with what the directory lacks of it."""
        section = super().section(name)
        if name in self.directory.notes:
            section.note(self.directory.notes[name])
        if name in self.directory.lacks:
            section.lost(NotExported(self.directory.lacks[name]))
        return section

    def listed(
        self,
        section: SectionReading,
        base: str,
        classes: Sequence[str],
        attributes: Sequence[str],
        take: Callable[[LdapFacts], None],
        *,
        descriptors: bool = False,
    ) -> None:
        """Hand each entry to ``take``, which raises Malformed for one that it cannot read."""
        number = 0
        try:
            for entry in self.directory.below(base, classes, attributes, descriptors=descriptors):
                number += 1
                try:
                    take(LdapFacts(entry))
                except Malformed as error:
                    section.malformed(entry.dn, str(error))
        except SourceError as error:
            section.lost(error, partial=bool(number))
        self._refer(section)

    def _refer(self, section: SectionReading) -> None:
        """Say what is on other servers: in Active Directory other domains, elsewhere a part of the same tree."""
        found = [url for url in self.directory.elsewhere if not _IN_EVERY_DOMAIN.search(url)]
        if found and self.place.is_ad:
            section.note(f"other domains are not read ({few(found, _NAMED)}): make each a source of its own")
        elif found:
            error = SourceError(
                f"a part of the tree is on other servers: {few(found, _NAMED)}",
                hint="give each as a source, or set follow_referrals = true",
            )
            section.lost(error, partial=True)

    def done(self, section: SectionReading) -> Coverage:
        """The section's coverage, with the permission that this sort of directory takes; to be yielded."""
        coverage = super().done(section)
        if coverage.permission is None:
            return coverage
        row = TABLE[coverage.section]
        return replace(coverage, permission=(row.ad if self.place.is_ad else row.ldap) or None)


def read_scope(reader: DirectoryReader) -> Iterator[DiscoveredRecord]:
    """All records of the scope."""
    if reader.place.is_ad:
        yield from _read_domain(reader)
    else:
        yield from _read_entries(reader)


# --- Active Directory ---


def _read_domain(reader: DirectoryReader) -> Iterator[DiscoveredRecord]:
    acls = Acls()
    groups = yield from _read_groups(reader, acls)
    yield from _read_containers(reader, acls)
    found = yield from _read_accounts(reader, acls)
    yield _lists_read(reader, acls)
    yield _logon_rights_read(reader)
    for name in _NOT_READ:
        yield reader.scope.coverage(name, "off", detail="not read")
    gaps = reader.gaps & {"groups", "containers", "accounts", "acls"}
    yield from identities(
        found,
        groups,
        acls,
        all_computers=reader.settings.computers == "all",
        rights_unread=bool(gaps),
        logon_rights=reader.directory.logon_rights or {},
    )


def _read_groups(reader: DirectoryReader, acls: Acls) -> ReadSection[Groups]:
    found: list[LdapGroup] = []

    def take(facts: LdapFacts) -> None:
        unique = reader.place.unique(facts)
        group = None if unique is None else parse_group(facts, reader.place.key(GROUP, unique))
        if group is None:
            raise Malformed("objectGUID or objectSid is not readable")
        found.append(group)
        if GROUP in facts.texts("objectClass"):
            acls.group(group.sid, facts.raw(a.DESCRIPTOR))

    asked = (*ATTRIBUTES, a.DESCRIPTOR)
    with reader.section("groups") as section:
        reader.listed(section, reader.place.domain, (GROUP, FOREIGN), asked, take, descriptors=True)
        section.found(len(found))
        if not any(one.tier is not None and one.tier.level == "admin" for one in found):
            section.lost(Denied("none of the groups that administer the domain can be seen"))
        elif not any(one.above for one in found):
            section.lost(Denied("the attribute memberOf of groups cannot be read"))
    yield reader.done(section)
    return Groups(found)


def _read_containers(reader: DirectoryReader, acls: Acls) -> ReadSection[None]:
    domain = compared(reader.place.domain)
    template = f"cn=adminsdholder,cn=system,{domain}"
    number = 0

    def take(facts: LdapFacts) -> None:
        nonlocal number
        number += 1
        dn, descriptor = compared(facts.dn), facts.raw(a.DESCRIPTOR)
        if dn == domain:
            acls.domain(dn, descriptor)
            acls.level = facts.number(LEVEL)
        elif dn == template:
            acls.template(descriptor)
        else:
            acls.unit(dn, descriptor)

    with reader.section("containers") as section:
        reader.listed(
            section, reader.place.domain, CONTAINERS, ("objectClass", LEVEL, a.DESCRIPTOR), take, descriptors=True
        )
        section.found(number)
        if not number:
            section.lost(Denied("not even the domain can be seen"))
    yield reader.done(section)


def _read_accounts(reader: DirectoryReader, acls: Acls) -> ReadSection[list[a.LdapAccount]]:
    found: list[a.LdapAccount] = []
    place, scope = reader.place, reader.scope

    def take(facts: LdapFacts) -> None:
        account = a.parse_account(facts, place, scope.source, scope.id)
        number = len(found)
        found.append(account)
        acls.account(number, account.category, facts.raw(a.DESCRIPTOR))
        acls.listed(number, "AllowedToAct", facts.raw(a.ACTS_FOR))
        acls.listed(number, READS, facts.raw(a.READERS))
        acls.listed(number, "AdminTo", facts.raw(a.MACHINE_ADMINS))

    asked = (*a.ATTRIBUTES, a.DESCRIPTOR)
    with reader.section("accounts") as section:
        reader.listed(section, place.base, (a.USER,), asked, take, descriptors=True)
        section.found(len(found))
        unread = [one.identity.name for one in found if one.uac is None]
        if unread:
            section.lost(Denied(f"userAccountControl of {len(unread)} accounts cannot be read"), partial=True)
    yield reader.done(section)
    return found


def _lists_read(reader: DirectoryReader, acls: Acls) -> Coverage:
    """How many of the security descriptors could be read."""
    with reader.section("acls") as section:
        section.found(acls.read)
        if acls.unread:
            of = f"{acls.unread} of {acls.read + acls.unread} objects"
            section.lost(Denied(f"security descriptors of {of} cannot be read"), partial=acls.read > 0)
    return reader.done(section)


def _logon_rights_read(reader: DirectoryReader) -> Coverage:
    rights, name = reader.directory.logon_rights, "logon_rights"
    if rights is None:
        return reader.scope.coverage(name, "off", detail=reader.directory.lacks.get(name, _NOT_IN_DIRECTORY))
    with reader.section(name) as section:
        section.found(len(rights))
    return reader.done(section)


# --- Other directories ---


def _read_entries(reader: DirectoryReader) -> Iterator[DiscoveredRecord]:
    by_dn, by_name = yield from _read_members(reader)
    place, scope, classes = reader.place, reader.scope, reader.settings.classes
    found: dict[str, Identity] = {}

    def take(facts: LdapFacts) -> None:
        made = e.parse_entry(facts, place, scope.source, scope.id, classes)
        name = facts.text("uid")
        groups = (*by_dn.get(compared(facts.dn), ()), *(by_name.get(name, ()) if name else ()))
        found[made.key] = made if not groups else _with_links(made, e.member_of(groups))

    with reader.section("accounts") as section:
        reader.listed(section, place.base, classes, e.ATTRIBUTES, take)
        section.found(len(found))
    yield reader.done(section)
    yield reader.scope.coverage("acls", "not_offered", detail=_NO_DESCRIPTORS)
    yield from e.with_use_tracked(found.values(), reader.directory.as_of)


def _with_links(identity: Identity, links: tuple[Link, ...]) -> Identity:
    return replace(identity, links=links)


Members = tuple[dict[str, list[tuple[str, str]]], dict[str, list[tuple[str, str]]]]


def _read_members(reader: DirectoryReader) -> ReadSection[Members]:
    """The groups of each DN, and of each user name: key and name."""
    by_dn: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    by_name: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)

    def take(facts: LdapFacts) -> None:
        name = facts.text("cn") or facts.dn
        key = reader.place.key(GROUP, e.unique_of(facts) or compared(facts.dn))
        dns, names = e.members_of(facts)
        for dn in dns:
            by_dn[dn].append((key, name))
        for one in names:
            by_name[one].append((key, name))

    with reader.section("groups") as section:
        reader.listed(section, reader.place.domain, e.GROUP_CLASSES, e.GROUP_ATTRIBUTES, take)
    yield reader.done(section)
    return by_dn, by_name
