"""Access control in a domain: the rights of each trustee, and what they amount to for an account. Pure.

Rights are collected by trustee while entries arrive, and expanded for an account by the groups that it is in, and those
that it can add itself to. Accounts with the same groups share the result.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple, TypeVar

from msgspec import Struct

from connectors.ldap.descriptors import Descriptors
from connectors.ldap.groups import SYSTEM, Groups
from connectors.ldap.rights import (
    ALL_CHANGES,
    CHANGES,
    COUNTS,
    CREATE,
    ONLY_IF,
    Category,
    LdapRight,
    granted,
    trustees,
)
from scanner.model import PrivilegeLevel, Way

T = TypeVar("T")

_MOST_TARGETS = 500
"""With more targets than this, a right's way has those that have rights themselves: paths need no others."""
_EVERY_LIST = 0xFFFFFFFF
CONTROLS_ALL = frozenset({"GenericAll", "WriteDacl", "WriteOwner", "Owns"})
"""Rights on the domain or a unit by which its holder gives itself rights on what lies below."""
_ENABLES = frozenset({*CONTROLS_ALL, "GenericWrite"})
"""Rights by which its holder can enable a disabled account; by others it becomes none."""
_CREATES = frozenset({*CONTROLS_ALL, CREATE})
"""Rights on a unit by which its holder creates accounts in it."""
_REPLICATES = frozenset({"AllExtendedRights"})
_GIVES = "so it can give itself the right to replicate all passwords"

Fact = tuple[PrivilegeLevel, str]


class Profile(Struct, frozen=True, gc=False):
    """What the security descriptors of a domain allow an account: ways to become others, and levels with evidence."""

    ways: tuple[Way, ...] = ()
    facts: tuple[Fact, ...] = ()


NOTHING = Profile()


class Acls:
    """Collects the rights of trustees. Targets are numbers of accounts, SIDs of groups, and DNs of units.

    ``level``: the functional level of the domain, if it was read.
    """

    def __init__(self) -> None:
        self._descriptors = Descriptors(COUNTS)
        self._lists = Descriptors(_EVERY_LIST)
        self.on_accounts: dict[str, dict[LdapRight, list[int]]] = {}
        self.on_groups: dict[str, dict[LdapRight, list[str]]] = {}
        self.on_units: dict[str, dict[LdapRight, list[str]]] = {}
        self.on_domain: dict[str, dict[LdapRight, None]] = {}
        self.on_template: dict[str, dict[LdapRight, None]] = {}
        self.level: int | None = None
        self.protected: set[int] = set()
        self.unread = 0
        self.read = 0

    def account(self, number: int, category: Category, descriptor: bytes | None) -> None:
        """Add what an account's descriptor allows."""
        for trustee, right in self._rights(descriptor, category, number):
            self.on_accounts.setdefault(trustee, {}).setdefault(right, []).append(number)

    def group(self, its: str, descriptor: bytes | None) -> None:
        """Add what a group's descriptor allows."""
        for trustee, right in self._rights(descriptor, "group"):
            self.on_groups.setdefault(trustee, {}).setdefault(right, []).append(its)

    def unit(self, dn: str, descriptor: bytes | None) -> None:
        """Add what the descriptor of an organizational unit or container allows."""
        for trustee, right in self._rights(descriptor, "unit"):
            if right.name in _CREATES:
                self.on_units.setdefault(trustee, {}).setdefault(right, []).append(dn)

    def domain(self, dn: str, descriptor: bytes | None) -> None:
        """Add what the descriptor of the domain allows."""
        for trustee, right in self._rights(descriptor, "domain"):
            if right.name == CREATE:
                self.on_units.setdefault(trustee, {}).setdefault(right, []).append(dn)
                continue
            self.on_domain.setdefault(trustee, {})[right] = None

    def template(self, descriptor: bytes | None) -> None:
        """Add what AdminSDHolder's descriptor allows."""
        for trustee, right in self._rights(descriptor, "template"):
            self.on_template.setdefault(trustee, {})[right] = None

    def listed(self, number: int, name: str, descriptor: bytes | None) -> None:
        """Add the trustees that an attribute of the account grants the right ``name``."""
        found = None if descriptor is None else self._lists.parse(descriptor)
        if descriptor is not None and found is None:
            self.unread += 1
        for trustee in trustees(found) if found is not None else ():
            self.on_accounts.setdefault(trustee, {}).setdefault(LdapRight(name), []).append(number)

    def _rights(
        self, descriptor: bytes | None, category: Category, number: int | None = None
    ) -> Iterator[tuple[str, LdapRight]]:
        found = None if descriptor is None else self._descriptors.parse(descriptor)
        if found is None:
            self.unread += 1
            return
        self.read += 1
        if found.protected and number is not None:
            self.protected.add(number)
        for trustee, right in dict.fromkeys(granted(found, category)):
            if trustee not in SYSTEM:
                yield trustee, right

    @property
    def trustees(self) -> Collection[str]:
        """Everybody with a right on anything."""
        return {*self.on_accounts, *self.on_groups, *self.on_units, *self.on_domain, *self.on_template}


class LdapTarget(NamedTuple):
    """An account as a target of rights, and as a trustee."""

    key: str
    sid: str
    name: str
    is_disabled: bool


class Expanded:
    """The rights of a domain, once all is read.

    ``accounts``: by number. ``below``: the numbers of the accounts below a unit. ``leads``: whether an
    account has rights of its own. ``has_delegated``: whether the domain knows delegated managed service accounts.
    """

    def __init__(
        self, acls: Acls, groups: Groups, accounts: Sequence[LdapTarget], below: Mapping[str, Sequence[int]],
        leads: Callable[[int], bool], *, has_delegated: bool,
    ) -> None:  # fmt: skip
        self._has_delegated = has_delegated
        self._acls, self._groups, self._accounts, self._below, self._leads = acls, groups, accounts, below, leads
        self._trustees = frozenset(acls.trustees)
        self._names = {one.sid: one.name for one in accounts if one.sid in self._trustees}
        self._profiles: dict[frozenset[str], Profile] = {}
        self._ways: dict[tuple[str, LdapRight, str], Way] = {}

    def profile(self, sids: Iterable[str]) -> Profile:
        """What an account with these SIDs, its own, those of its groups, and everybody's, is allowed."""
        every = frozenset(sids)
        held = every & self._trustees
        if not held:
            return NOTHING
        # Denials name groups that may be no trustee of a right.
        known = frozenset((*held, *(every & self._denied)))
        if known not in self._profiles:
            self._profiles[known] = self._expand(known)
        return self._profiles[known]

    @cached_property
    def _denied(self) -> frozenset[str]:
        """Everybody to whom an entry denies what a later one allows."""
        acls = self._acls
        found: set[str] = set()
        for by_trustee in (acls.on_accounts, acls.on_groups, acls.on_units, acls.on_domain, acls.on_template):
            for rights in by_trustee.values():
                found.update(who for right in rights for who in right.unless)
        return frozenset(found)

    def _expand(self, sids: frozenset[str]) -> Profile:
        reached, joined = self._reached(sids)
        ways: list[Way] = []
        for trustee in reached:
            if trustee in self._groups.admins:
                continue
            said = self._granted(trustee, reached)
            for right, numbers in self._applying(self._acls.on_accounts, trustee, sids):
                ways.append(self._way(trustee, right, numbers, said))
            for right, dns in self._applying(self._acls.on_units, trustee, sids):
                if right.name in CONTROLS_ALL:
                    ways += self._under(trustee, right, dns, said)
                if self._has_delegated:
                    ways.append(self._by_creating(trustee, right, dns[0], said))
        facts = dict.fromkeys((*joined, *self._over_domain(reached, sids)))
        return Profile(tuple(dict.fromkeys(way for way in ways if way.on)), tuple(facts))

    def _reached(self, sids: frozenset[str]) -> tuple[dict[str, str], list[Fact]]:
        """The SIDs that act for an account, with how it joins those of groups, and what joining them amounts to."""
        facts: list[Fact] = []
        reached: dict[str, str] = dict.fromkeys(sorted(sids), "")
        ahead = list(reached)
        while ahead:
            trustee = ahead.pop(0)
            if trustee in self._groups.admins:
                continue  # that it can join these is said, and says all
            for right, targets in self._applying(self._acls.on_groups, trustee, sids):
                for target in () if right.conditional else targets:
                    how = f"{right.name} on the group {self._groups.name(target)}, {self._granted(trustee, reached)}"
                    facts += self._joining(target, how)
                    joined = [other for other in self._groups.above((target,)) if other not in reached]
                    reached.update(dict.fromkeys(joined, how))
                    ahead += joined
        return reached, facts

    def _over_domain(self, reached: Mapping[str, str], sids: frozenset[str]) -> Iterator[Fact]:
        """What rights on the domain itself, and on AdminSDHolder, amount to."""
        replication: set[str] = set()
        for trustee in reached:
            if trustee in self._groups.admins:
                continue
            said = self._granted(trustee, reached)
            for right in self._acls.on_domain.get(trustee, ()):
                if sids.isdisjoint(right.unless) and not right.conditional:
                    replication.add(right.name)
                    if right.name in CONTROLS_ALL:
                        yield "escalation", f"{right.name} on the domain, {said}, {_GIVES}"
            for right in self._acls.on_template.get(trustee, ()):
                if sids.isdisjoint(right.unless) and not right.conditional:
                    how = "which is copied to every protected account and group"
                    yield "escalation", f"{right.name} on AdminSDHolder, {said}, {how}"
        if replication & _REPLICATES or {CHANGES, ALL_CHANGES} <= replication:
            yield "escalation", "may replicate all passwords of the domain (DCSync)"

    @staticmethod
    def _applying(
        by_trustee: Mapping[str, Mapping[LdapRight, list[T]]], trustee: str, sids: frozenset[str]
    ) -> Iterator[tuple[LdapRight, list[T]]]:
        for right, targets in by_trustee.get(trustee, {}).items():
            if sids.isdisjoint(right.unless):
                yield right, targets

    def _joining(self, target: str, how: str) -> Iterator[Fact]:
        """What adding itself to a group amounts to."""
        for tier in self._groups.tiers(target):
            if tier.level == "high":
                yield "high", f"may add itself to {tier.title} ({how}), whose members {tier.why}"
            else:
                yield "escalation", f"may add itself to {tier.title}: {how}"

    def _granted(self, trustee: str, reached: Mapping[str, str]) -> str:
        to = f"granted to {self._names.get(trustee) or self._groups.name(trustee)}"
        return f"{to}, which it can join by {reached[trustee]}" if reached[trustee] else to

    def _way(self, trustee: str, right: LdapRight, numbers: Sequence[int] | None, said: str) -> Way:
        """How a right leads to accounts; None: to any account of the domain."""
        key = (trustee, right, said)
        if key not in self._ways:
            on, more = self._whole_domain if numbers is None else self._targets(right.name, numbers)
            only_if = f", {ONLY_IF[right.name]}" if right.name in ONLY_IF else ""
            by = f"{right.name}, {said}{more}{only_if}"
            self._ways[key] = Way(kind="become", on=on, by=by, conditional=right.conditional)
        return self._ways[key]

    def _targets(self, right: str, numbers: Sequence[int]) -> tuple[tuple[str, ...], str]:
        """The keys of the accounts to which a right leads, and how many others it leads to, in words."""
        kept, more = list(dict.fromkeys(numbers)), ""
        if right not in _ENABLES:
            kept = [number for number in kept if not self._accounts[number].is_disabled]
        if (every := len(kept)) > _MOST_TARGETS:
            kept = [number for number in kept if self._leads(number)]
            more = f" (and {every - len(kept)} accounts without rights)"
        return tuple(sorted(self._accounts[number].key for number in kept)), more

    @cached_property
    def _whole_domain(self) -> tuple[tuple[str, ...], str]:
        """As ``_targets``, of whoever creates delegated accounts. With 100,000 accounts, each time takes 13 ms."""
        return self._targets(CREATE, range(len(self._accounts)))

    def _under(self, trustee: str, right: LdapRight, dns: Sequence[str], said: str) -> Iterator[Way]:
        numbers = [number for dn in dns for number in self._below.get(dn, ()) if number not in self._acls.protected]
        if numbers:
            yield self._way(trustee, right, numbers, f"{said} on the unit above")

    def _by_creating(self, trustee: str, right: LdapRight, dn: str, said: str) -> Way:
        """A delegated managed service account takes over any account that it names as its predecessor."""
        how = said if right.name == CREATE else f"by {right.name}, {said}"
        creates = right._replace(name=CREATE, conditional=True)
        return self._way(trustee, creates, None, f"{how}, below {dn}")
