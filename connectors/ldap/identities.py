"""Accounts of Active Directory with what follows from groups and delegation. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from msgspec.structs import replace

from connectors.core.reading import unread_facts
from connectors.ldap import flags
from connectors.ldap.accounts import COMPUTER, Account
from connectors.ldap.groups import Group, Groups
from scanner.model import PRIVILEGES, Grant, Identity, Link, Privilege, PrivilegeLevel
from scanner.model.attributes import OWNERS

Held: TypeAlias = Mapping[str, tuple[str, ...]]
"""The SIDs of groups that an account is in, with the names on the path to each."""
_KRBTGT = "502"
_MOST_OWNERS = 5


def identities(
    accounts: Sequence[Account], groups: Groups, *, all_computers: bool, rights_unread: bool
) -> Iterator[Identity]:
    """The identities. Computers that neither serve others nor have rights of their own are left out, unless all count.

    ``rights_unread``: what groups and security descriptors allow could not all be read.
    """
    owners = {account.dn: account for account in accounts}
    for account in accounts:
        own = groups.direct(account.groups)
        sids = [one.sid for one in own] + ([account.primary] if account.primary else [])
        held = groups.above((*sids, *groups.everybody))
        privilege = _privilege(account, groups, held)
        if account.kind == COMPUTER and not (all_computers or _acts(account, privilege)):
            continue
        unread = unread_facts(
            permissions=(rights_unread or account.uac is None) and privilege.level != "admin",
            credentials=account.uac is None,
            use=account.uac is None,
        )
        yield replace(
            account.identity,
            privilege=privilege,
            grants=tuple(_grants(own, groups, held)),
            links=tuple(
                Link(relation="member_of", target=group.key, evidence=f"member of {group.name}")
                for group in sorted(own, key=lambda one: one.key)
            ),
            attributes={**account.identity.attributes, **_more(account, owners)},
            unread=unread,
        )


def _acts(account: Account, privilege: Privilege) -> bool:
    return (
        privilege.level != "normal"
        or account.serves
        or bool(account.delegates_to)
        or account.is_controller
        or account.has(flags.UNCONSTRAINED)
    )


def _privilege(account: Account, groups: Groups, held: Held) -> Privilege:
    found: list[tuple[PrivilegeLevel, str]] = []
    for sid, path in held.items():
        group = groups.by_sid.get(sid)
        if group is not None and group.tier is not None:
            through = f" through {', '.join(path[:-1])}" if len(path) > 1 else ""
            found.append((group.tier.level, f"member of {group.name}{through}: {group.tier.why}"))
    if account.is_controller:
        found.append(("admin", "a domain controller: it holds the directory"))
    if account.sid.rpartition("-")[2] == _KRBTGT:
        found.append(("admin", "the account with whose key every ticket is made"))
    if account.has(flags.UNCONSTRAINED) and not account.is_controller:
        found.append(("high", "unconstrained delegation: it keeps the tickets of everybody who signs in to it"))
    if account.delegates_to:
        how = "for anybody, who need not sign in" if account.has(flags.ANY_PROTOCOL) else "for who signs in to it"
        found.append(("high", f"constrained delegation to {account.delegates_to[0]}, {how}"))
    if not found:
        return Privilege(level="normal")
    found.sort(key=lambda one: (PRIVILEGES.index(one[0]), one[1]))
    return Privilege(level=found[0][0], evidence=tuple(dict.fromkeys(text for _, text in found)))


def _grants(own: Sequence[Group], groups: Groups, held: Held) -> Iterator[Grant]:
    direct = {group.sid for group in own}
    named = [group for group in (groups.by_sid.get(sid) for sid in held) if group is not None]
    for group in sorted(named, key=lambda one: one.sid):
        if group.sid in direct or group.tier is not None:
            path = held[group.sid]
            via = "direct" if len(path) == 1 else f"group:{path[0]}"
            yield Grant(name=group.name, via=via, admin=group.tier is not None and group.tier.level == "admin")


def _more(account: Account, owners: Mapping[str, Account]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    managers = []
    for dn in account.managers[:_MOST_OWNERS]:
        other = owners.get(dn)
        if other is not None:
            shown = other.identity.shown_name
            managers.append({"id": other.identity.unique_id, "name": shown, "email": other.mail})
    if managers:
        found[OWNERS] = managers
    if account.admin_count:
        found["admin_count"] = 1
    return found
