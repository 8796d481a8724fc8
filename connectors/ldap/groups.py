"""Groups of Active Directory: who is in which, through which, and what that amounts to. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property

from msgspec import Struct

from connectors.ldap.values import LdapFacts, compared, relative_name, sid
from scanner.catalog import read_table
from scanner.model import PrivilegeLevel

BUILTIN = "S-1-5-32"
EVERYBODY = ("S-1-1-0", "S-1-5-11", "S-1-5-15")
"""Everyone, Authenticated Users and This Organization: in the token of every account."""
SYSTEM = frozenset({"S-1-5-18", "S-1-5-9", "S-1-3-0", "S-1-5-10", "S-1-3-4"})
"""The system, enterprise domain controllers, and what stands for an object's creator, itself or its owner."""
ATTRIBUTES = ("objectClass", "objectGUID", "objectSid", "sAMAccountName", "cn", "memberOf", "adminCount")


class TierZero(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of ``tier0.toml``."""

    title: str
    level: PrivilegeLevel
    rid: int | None = None
    name: str | None = None
    builtin: bool = False
    why: str = "administers the domain"


class _GroupTable(Struct, frozen=True, forbid_unknown_fields=True):
    group: tuple[TierZero, ...]


TIER_ZERO = read_table("connectors.ldap", "tier0.toml", _GroupTable).group


class LdapGroup(Struct, frozen=True, kw_only=True, gc=False):
    """A group. ``dn`` and ``above``, the groups that it is a member of, are in the form for comparison."""

    sid: str
    dn: str
    name: str
    key: str
    above: tuple[str, ...] = ()
    tier: TierZero | None = None
    admin_count: bool = False


def parse_group(facts: LdapFacts, key: str) -> LdapGroup | None:
    """A group, or what stands for a foreign account or a well-known one; None without a SID."""
    its = sid(facts.raw("objectSid"))
    if its is None:
        return None
    name = facts.text("sAMAccountName") or facts.text("cn") or relative_name(facts.dn)
    return LdapGroup(
        sid=its,
        dn=compared(facts.dn),
        name=name,
        key=key,
        above=tuple(map(compared, facts.texts("memberOf"))),
        tier=tier_of(its, name) if "group" in facts.texts("objectClass") else None,
        admin_count=facts.number("adminCount") == 1,
    )


def tier_of(its: str, name: str) -> TierZero | None:
    """What a group amounts to by itself; None for an ordinary one."""
    domain, _, rid = its.rpartition("-")
    for one in TIER_ZERO:
        if one.name is not None:
            if name.lower() == one.name.lower():
                return one
        elif rid == str(one.rid) and (domain == BUILTIN) == one.builtin:
            return one
    return None


class Groups:
    """All groups of a domain."""

    def __init__(self, groups: Iterable[LdapGroup]) -> None:
        every = tuple(groups)
        self.by_sid: Mapping[str, LdapGroup] = {group.sid: group for group in every}
        self._by_dn: Mapping[str, LdapGroup] = {group.dn: group for group in every}
        self._closed: dict[str, Mapping[str, tuple[str, ...]]] = {}

    def direct(self, names: Iterable[str]) -> list[LdapGroup]:
        """The groups with these names (DNs, in the form for comparison) that were read."""
        return [self._by_dn[name] for name in names if name in self._by_dn]

    def above(self, sids: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
        """The SIDs of these groups and of all that they are members of, nested ones, with the path of names to each."""
        found: dict[str, tuple[str, ...]] = {}
        for one in sids:
            for other, path in self._closure(one).items():
                if other not in found or len(path) < len(found[other]):
                    found[other] = path
        return found

    def _closure(self, start: str) -> Mapping[str, tuple[str, ...]]:
        if start not in self._closed:
            first = self.by_sid.get(start)
            found: dict[str, tuple[str, ...]] = {start: (start if first is None else first.name,)}
            ahead = [] if first is None else [first]
            while ahead:
                group = ahead.pop(0)
                for above in self.direct(group.above):
                    if above.sid not in found:
                        found[above.sid] = (*found[group.sid], above.name)
                        ahead.append(above)
            self._closed[start] = found
        return self._closed[start]

    def name(self, its: str) -> str:
        """The name of a group, or its SID."""
        found = self.by_sid.get(its)
        return its if found is None else found.name

    @cached_property
    def everybody(self) -> tuple[str, ...]:
        """The SIDs in every account's token: the well-known ones, and the groups that those are members of."""
        return tuple(self.above(EVERYBODY))

    @cached_property
    def admins(self) -> Collection[str]:
        """The SIDs of what administers the domain anyway."""
        return SYSTEM | {
            one.sid for one in self.by_sid.values() if any(tier.level == "admin" for tier in self.tiers(one.sid))
        }

    def tiers(self, its: str) -> Iterator[TierZero]:
        """What a member of a group is, by it and the groups above it."""
        for other in self._closure(its):
            group = self.by_sid.get(other)
            if group is not None and group.tier is not None:
                yield group.tier
