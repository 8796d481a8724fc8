"""What each subject can become: links to single accounts, and ways to all accounts of a place.

Impersonation gives the rights of an account: its methods are those of whoever impersonates it (``impersonation.py``).
It gives neither the account's tokens nor its right to impersonate others. So there is no link to an account that has
these, unless another method leads to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

from connectors.kubernetes.rights.bindings import RoleKey
from connectors.kubernetes.rights.evaluation import KubernetesRights
from connectors.kubernetes.rights.targets import Account, Aim, KubernetesAccounts, Lead
from scanner.model import POWERFUL, Link, Way

MOST_LINKS: Final = 100_000
"""The most links of one cluster. Beyond it, only those that lead further are kept, see :class:`_Onward`."""
MOST_OF_A_PLACE: Final = 100
"""The most accounts of a place, a namespace or the cluster, that a method on all of them is linked to one by one."""


class All(NamedTuple):
    """All accounts of a namespace (empty: of the cluster), without some, and the reason."""

    namespace: str
    without: tuple[Account, ...]
    why: str


class Rewriting(NamedTuple):
    """A role into which it may write any rights, the accounts that have the role, and the reason."""

    role: RoleKey
    accounts: tuple[Account, ...]
    why: str


class Becoming(NamedTuple):
    """What a subject can become: single accounts, each with the reason, and all accounts of places.

    ``rewrites``: what makes others an admin.
    """

    links: Mapping[Account, str]
    whole: tuple[All, ...]
    rewrites: tuple[Rewriting, ...]

    def leads_to(self, accounts: Collection[Account]) -> bool:
        """Whether it can become one of these accounts."""
        return any(account in accounts for account in self.links) or any(
            account not in one.without
            for one in self.whole
            for account in accounts
            if one.namespace in ("", account[0])
        )


NOWHERE: Final = Becoming({}, (), ())


class Links:
    """The links within a cluster. ``onward``: accounts whose tokens open other systems."""

    def __init__(
        self, rights: Mapping[Account, KubernetesRights], accounts: KubernetesAccounts, onward: Collection[Account]
    ) -> None:
        self.rights = rights
        self.onward = frozenset(onward)
        self._accounts = accounts
        self._known: dict[Aim, tuple[Account, ...]] = {}
        holders: defaultdict[RoleKey, list[Account]] = defaultdict(list)
        rewritten = {key for its in rights.values() for key in its.rewrites}
        for account, its in sorted(rights.items()):
            for key in its.held & rewritten:
                holders[key].append(account)
        self._holders = holders

    def becoming(self, its: KubernetesRights) -> Becoming:
        """Return what a subject with these rights can become. An admin needs no links."""
        if its.privilege.level == "admin":
            return NOWHERE
        links: dict[Account, str] = {}
        whole: list[All] = []
        # The first of several leads to an account, such as the many ways to run pods, is the reason.
        leads = {lead.aim: lead for lead in reversed(its.leads)}
        for lead in reversed(leads.values()):
            meant = self._meant(lead)
            if lead.takes_all and len(meant) > MOST_OF_A_PLACE:
                whole.append(All(lead.namespace, self._left_out(lead), lead.evidence))
            else:
                for account in meant:
                    links.setdefault(account, lead.evidence)
        return Becoming(dict(sorted(links.items())), tuple(whole), tuple(self._rewriting(its)))

    def _meant(self, lead: Lead) -> tuple[Account, ...]:
        if lead.aim not in self._known:
            left_out = frozenset(self._left_out(lead))
            self._known[lead.aim] = tuple(
                one for one in self._accounts.meant(lead) if one in self.rights and one not in left_out
            )
        return self._known[lead.aim]

    def _left_out(self, lead: Lead) -> tuple[Account, ...]:
        """The accounts that can do more than whoever impersonates them."""
        if not lead.impersonates:
            return ()
        return tuple(
            account
            for account, its in sorted(self.rights.items())
            if lead.namespace in ("", account[0]) and (its.chains or account in self.onward)
        )

    def _rewriting(self, its: KubernetesRights) -> Iterator[Rewriting]:
        for key, why in sorted(its.rewrites.items()):
            if holders := self._holders.get(key):
                yield Rewriting(key, tuple(holders), why)


def links_of(links: Links, most: int = MOST_LINKS) -> Mapping[Account, Becoming]:
    """Return, by account, what it can become, with at most so many links."""
    ends = _Onward(links)
    found: dict[Account, Becoming] = {}
    left = most
    for account, its in sorted(links.rights.items()):
        if its.privilege.level == "admin" or not (its.leads or its.rewrites):
            continue
        becoming = links.becoming(its)
        meant = {to: why for to, why in becoming.links.items() if to != account}
        if len(meant) > left:
            whole = {lead.namespace for lead in its.leads if lead.takes_all and not lead.impersonates}
            meant = {to: why for to, why in meant.items() if ends.need(to, whole)}
        left = max(0, left - len(meant))
        found[account] = becoming._replace(links=meant)
    return found


def edges_of(becoming: Becoming, uid: str) -> tuple[tuple[Link, ...], tuple[Way, ...]]:
    """Return what a subject can become as links, and as ways where these would be many. ``uid``: of the cluster."""
    links = (
        Link(relation="can_assume", target=account_key(uid, account), evidence=why)
        for account, why in becoming.links.items()
    )
    whole = (
        Way(
            kind="become",
            on=(account_key(uid, (one.namespace or "*", "*")),),
            but=tuple(account_key(uid, account) for account in one.without),
            by=one.why,
        )
        for one in becoming.whole
    )
    rewrites = (
        Way(kind="make_admin", on=tuple(account_key(uid, account) for account in one.accounts), by=one.why)
        for one in becoming.rewrites
    )
    return tuple(links), (*whole, *rewrites)


def account_key(uid: str, account: Account) -> str:
    """The key of an account, whether or not it exists."""
    return f"kubernetes://{uid}/{account[0]}/serviceaccount/{account[1]}"


def powerful(rights: Mapping[Account, KubernetesRights], becoming: Mapping[Account, Becoming]) -> frozenset[Account]:
    """Return the accounts that are admins, or become one or make themselves one by what is in the cluster."""
    strong = {account for account, its in rights.items() if its.privilege.level in POWERFUL}
    while more := {one for one, its in becoming.items() if one not in strong and its.leads_to(strong)}:
        strong |= more
    return frozenset(strong)


class _Onward:
    """Decides which links are kept so that levels and paths to admins and clouds stay exact."""

    def __init__(self, links: Links) -> None:
        self._rights = links.rights
        self._onward = links.onward
        self._rewritten = frozenset(key for its in links.rights.values() for key in its.rewrites)

    def need(self, target: Account, whole: Collection[str]) -> bool:
        """Whether a link to an account adds a path that other links do not have.

        ``whole``: namespaces whose accounts are all reached; ``""``: the whole cluster.
        """
        its = self._rights[target]
        in_a_method = its.rewrites or not self._rewritten.isdisjoint(its.held)
        if target in self._onward or its.privilege.level in POWERFUL or in_a_method:
            return True
        if "" in whole:  # The account reaches every admin and every cloud directly.
            return False
        return any(lead.namespace != target[0] or target[0] not in whole for lead in its.leads)
