"""Accounts of Active Directory with what groups, delegation and security descriptors add. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from msgspec.structs import replace

from connectors.core.reading import unread_facts
from connectors.ldap.accounts import COMPUTER, KRBTGT, LdapAccount
from connectors.ldap.acls import CONTROLS_ALL, Acls, Expanded, Fact, LdapTarget
from connectors.ldap.groups import Groups, LdapGroup
from connectors.ldap.values import Uac
from scanner.model import PRIVILEGES, Grant, Identity, Link, Privilege, Way
from scanner.model.attributes import ADMIN_COUNT_LEFT, OWNERS, UNCONSTRAINED_DELEGATION

Held: TypeAlias = Mapping[str, tuple[str, ...]]
"""The SIDs of groups that an account is in, with the names on the path to each."""
_OF_EVERYBODY = ("513", "515")
"""Domain Users and Domain Computers: a right of theirs distinguishes nobody."""
_MOST_OWNERS = 5
_LEVEL_2025 = 10
"""The functional level of a domain whose controllers all run Windows Server 2025 (MS-ADTS, 6.1.4.2)."""
_RELEASE = re.compile(r"Windows Server (\d{4})")
_FIRST_WITH_DELEGATED = 2025


def _knows_delegated(account: LdapAccount) -> bool:
    """Whether an account is a domain controller that gives delegated managed service accounts their tickets."""
    if not account.is_controller:
        return False
    release = _RELEASE.search(account.identity.attributes.get("operating_system", ""))
    return release is not None and int(release[1]) >= _FIRST_WITH_DELEGATED


class _Domain:
    """All accounts of a scope, and what follows from all of them together."""

    def __init__(self, accounts: Sequence[LdapAccount], groups: Groups, acls: Acls) -> None:
        self.accounts, self.groups = accounts, groups
        self.owners = {account.dn: account for account in accounts}
        self._acls = acls
        self._trustees = acls.trustees
        targets = [
            LdapTarget(one.identity.key, one.sid, one.identity.name, one.identity.enabled is False) for one in accounts
        ]
        has_delegated = (acls.level or 0) >= _LEVEL_2025 or any(map(_knows_delegated, accounts))
        self.rights = Expanded(acls, groups, targets, self._below(), self._leads, has_delegated=has_delegated)
        self._hosts: dict[str, str] | None = None
        self._links: dict[str, Link] = {}
        self._grants: dict[tuple[str, str], Grant] = {}
        self.controllers = tuple(sorted(one.identity.key for one in accounts if one.is_controller))

    def _below(self) -> dict[str, list[int]]:
        """The accounts below each unit that anybody controls."""
        held = (one for rights in self._acls.on_units.values() for one in rights.items())
        units = {dn for right, dns in held if right.name in CONTROLS_ALL for dn in dns}
        found: dict[str, list[int]] = {dn: [] for dn in units}
        for number, account in enumerate(self.accounts if units else ()):
            dn = account.dn
            while dn:
                _, _, dn = dn.partition(",")
                if dn in found:
                    found[dn].append(number)
        return found

    def sids(self, account: LdapAccount) -> list[str]:
        """The SIDs of the groups that it is a direct member of."""
        own = [group.sid for group in self.groups.direct(account.groups)]
        return [*own, account.primary] if account.primary else own

    def _leads(self, number: int) -> bool:
        """Whether an account has rights that not everybody has."""
        account = self.accounts[number]
        if account.sid in self._trustees or account.delegates_to or account.is_controller:
            return True
        special = (sid for sid in self.sids(account) if sid.rpartition("-")[2] not in _OF_EVERYBODY)
        held = self.groups.above(special)
        return any(
            sid in self._trustees or ((group := self.groups.by_sid.get(sid)) is not None and group.tier is not None)
            for sid in held
        )

    def link(self, group: LdapGroup) -> Link:
        """The membership in a group. All members share it: a large domain has a million memberships."""
        if group.sid not in self._links:
            evidence = f"member of {group.name}"
            self._links[group.sid] = Link(relation="member_of", target=group.key, evidence=evidence)
        return self._links[group.sid]

    def grant(self, group: LdapGroup, via: str) -> Grant:
        """What membership in a group gives, direct or through another group. All who have it the same way share it."""
        if (group.sid, via) not in self._grants:
            is_admin = group.tier is not None and group.tier.level == "admin"
            self._grants[group.sid, via] = Grant(name=group.name, via=via, admin=is_admin)
        return self._grants[group.sid, via]

    def host(self, service: str) -> str | None:
        """The key of the account that a service name stands for: one with that name, else the computer it names."""
        if self._hosts is None:
            hosts: dict[str, str] = {}
            for account in self.accounts:
                if account.kind == COMPUTER:
                    hosts.setdefault(account.identity.name.removesuffix("$").lower(), account.identity.key)
                    hosts.setdefault(account.host or "", account.identity.key)
            for account in self.accounts:
                for spn in account.spns:
                    hosts.setdefault(spn, account.identity.key)
            self._hosts = hosts
        name = service.partition("/")[2].partition("/")[0].partition(":")[0]
        return self._hosts.get(service) or (self._hosts.get(name) if name else None)


def identities(
    accounts: Sequence[LdapAccount], groups: Groups, acls: Acls, *, all_computers: bool, rights_unread: bool,
    logon_rights: Mapping[str, Sequence[str]],
) -> Iterator[Identity]:  # fmt: skip
    """The identities. Computers that neither serve others nor have rights of their own are left out, unless all count.

    ``rights_unread``: what groups and security descriptors allow could not all be read. ``logon_rights``: by SID.
    """
    domain = _Domain(accounts, groups, acls)
    for account in accounts:
        own = groups.direct(account.groups)
        held = groups.above((*domain.sids(account), *groups.everybody))
        facts = list(_facts(account, groups, held))
        ways: tuple[Way, ...] = ()
        is_admin = any(level == "admin" for level, _ in facts)
        of_its_own = False
        if not is_admin:
            profile = domain.rights.profile((account.sid, *held))
            ways = (*profile.ways, *_by_delegation(account, domain))
            facts += profile.facts
            of_its_own = bool(account.sid in acls.trustees)
        privilege = _privilege(facts)
        more = _more(account, domain.owners, groups, held)
        if logon_rights:
            more |= _logon_rights(account, held, logon_rights)
        if account.kind == COMPUTER and not (all_computers or _acts(account, privilege, of_its_own=of_its_own)):
            continue
        yield replace(
            account.identity,
            privilege=privilege,
            reach=ways,
            grants=tuple(_grants(own, domain, held)),
            links=tuple(domain.link(group) for group in sorted(own, key=lambda one: one.key)),
            attributes={**account.identity.attributes, **more} if more else account.identity.attributes,
            unread=unread_facts(
                permissions=(rights_unread or account.uac is None) and privilege.level != "admin",
                credentials=account.uac is None,
                use=account.uac is None,
            ),
        )


def _acts(account: LdapAccount, privilege: Privilege, *, of_its_own: bool) -> bool:
    return (
        privilege.level != "normal"
        or account.serves
        or of_its_own
        or account.is_controller
        or account.has(Uac.UNCONSTRAINED)
    )


def _facts(account: LdapAccount, groups: Groups, held: Held) -> Iterator[Fact]:
    """What its groups, its flags and its delegation make of it."""
    for sid, path in held.items():
        group = groups.by_sid.get(sid)
        if group is not None and group.tier is not None:
            through = f" through {', '.join(path[:-1])}" if len(path) > 1 else ""
            yield group.tier.level, f"member of {group.name}{through}: {group.tier.why}"
    if account.is_controller:
        yield "admin", "a domain controller: it holds the directory"
    if account.sid.rpartition("-")[2] == KRBTGT:
        yield "admin", "the account with whose key every ticket is made"
    if account.has(Uac.UNCONSTRAINED) and not account.is_controller:
        yield "high", "unconstrained delegation: it keeps the tickets of everybody who signs in to it"
    if account.delegates_to:
        how = "for anybody, who need not sign in" if account.has(Uac.ANY_PROTOCOL) else "for who signs in to it"
        yield "high", f"constrained delegation to {account.delegates_to[0]}, {how}"


def _by_delegation(account: LdapAccount, domain: _Domain) -> Iterator[Way]:
    """Whom it becomes by delegation: the accounts of the services, or whoever can be made to sign in to it."""
    if account.delegates_to:
        hosts = {host: spn for spn in reversed(account.delegates_to) if (host := domain.host(spn)) is not None}
        is_any = account.has(Uac.ANY_PROTOCOL)
        how = "for anybody" if is_any else "for who signs in to it"
        for host, spn in sorted(hosts.items()):
            yield Way(kind="become", on=(host,), by=f"constrained delegation to {spn}, {how}", conditional=not is_any)
    if account.has(Uac.UNCONSTRAINED) and not account.is_controller and domain.controllers:
        yield Way(
            kind="become",
            on=domain.controllers,
            by="unconstrained delegation, if a domain controller can be made to sign in to it",
            conditional=True,
        )


def _privilege(facts: list[Fact]) -> Privilege:
    if not facts:
        return Privilege(level="normal")
    facts.sort(key=lambda one: (PRIVILEGES.index(one[0]), one[1]))
    return Privilege(level=facts[0][0], evidence=tuple(dict.fromkeys(text for _, text in facts)))


def _grants(own: Sequence[LdapGroup], domain: _Domain, held: Held) -> Iterator[Grant]:
    direct = {group.sid for group in own}
    named = [group for group in (domain.groups.by_sid.get(sid) for sid in held) if group is not None]
    for group in sorted(named, key=lambda one: one.sid):
        if group.sid in direct or group.tier is not None:
            path = held[group.sid]
            yield domain.grant(group, "direct" if len(path) == 1 else f"group:{path[0]}")


def _more(account: LdapAccount, owners: Mapping[str, LdapAccount], groups: Groups, held: Held) -> dict[str, Any]:
    found: dict[str, Any] = {}
    managers = []
    for dn in account.managers[:_MOST_OWNERS]:
        other = owners.get(dn)
        if other is not None:
            shown = other.identity.shown_name
            managers.append({"id": other.identity.unique_id, "name": shown, "email": other.mail})
    if managers:
        found[OWNERS] = managers
    if account.has(Uac.UNCONSTRAINED) and not account.is_controller:
        found[UNCONSTRAINED_DELEGATION] = True
    if account.admin_count:
        found["admin_count"] = 1
        is_built_in = int(account.sid.rpartition("-")[2]) < _FIRST_OF_ITS_OWN
        in_protected = any(
            (group := groups.by_sid.get(sid)) is not None and (group.admin_count or group.tier is not None)
            for sid in held
        )
        if not (is_built_in or in_protected or account.is_controller):
            found[ADMIN_COUNT_LEFT] = True
    return found


def _logon_rights(account: LdapAccount, held: Held, rights: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    found = sorted({right for sid in (account.sid, *held) for right in rights.get(sid, ())})
    more = [f"and {len(found) - _MOST_RIGHTS} more"] if len(found) > _MOST_RIGHTS else []
    return {"logon_rights": found[:_MOST_RIGHTS] + more} if found else {}


_MOST_RIGHTS = 50
_FIRST_OF_ITS_OWN = 1000
"""The first RID of accounts that a domain makes after its own."""
