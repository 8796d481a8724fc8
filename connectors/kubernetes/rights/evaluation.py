"""The rights of each subject: the union of all its bindings, in each namespace and in the cluster.

Accounts with the same bindings are evaluated once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from connectors.kubernetes.rights.bindings import (
    ALL_CALLERS,
    Bindings,
    Bound,
    RoleKey,
    Subject,
    subjects_of,
)
from connectors.kubernetes.rights.impersonation import acting, impersonates
from connectors.kubernetes.rights.levels import Reason, highest, privilege_of, weigh
from connectors.kubernetes.rights.methods import need
from connectors.kubernetes.rights.powers import Powers, powers_of
from connectors.kubernetes.rights.rules import KubernetesRule, Scoped, scoped
from connectors.kubernetes.rights.targets import Account, Lead, Surroundings
from scanner.model import POWERFUL, Consequence, ConsequenceKind, Grant, Privilege

_CONSEQUENCES: Final[Mapping[ConsequenceKind, frozenset[str]]] = {
    "change_rights": frozenset({"escalate", "sign_certificates", "node_certificates"}),
    "read_secrets": frozenset({"read_secrets", "make_tokens"}),
    "delete": frozenset({"destroy"}),
}
_MAP_USERS: Final = need("update patch", "configmaps", "aws-auth")


class KubernetesRights(Struct, frozen=True, kw_only=True):
    """The rights of a set of bindings. ``bound``: the bindings. ``rules``: their rules, by namespace.

    ``leads``: the methods that lead to other accounts. ``held`` and ``rewrites``: the roles that it has or can take,
    and others into which it may write any rights, see ``Powers``. ``chains``: it may impersonate others, so that it
    can do more by its own token than whoever impersonates it.
    """

    privilege: Privilege
    bound: tuple[Bound, ...] = ()
    rules: Scoped = {}
    grants: tuple[Grant, ...] = ()
    leads: tuple[Lead, ...] = ()
    consequences: tuple[Consequence, ...] = ()
    held: frozenset[RoleKey] = frozenset()
    rewrites: Mapping[RoleKey, str] = {}
    chains: bool = False


class Authority:
    """The rights of all subjects of a cluster. ``roles``: by kind, namespace and name."""

    def __init__(self, roles: Mapping[RoleKey, tuple[KubernetesRule, ...] | None], around: Surroundings) -> None:
        self._bindings = Bindings(roles)
        self._around = around
        self._known: dict[tuple[int, ...], KubernetesRights] = {}
        self._roles_known: dict[tuple[tuple[KubernetesRule, ...], bool], Privilege] = {}

    def bind(self, bound: Bound, subjects: Iterable[Subject]) -> None:
        """Add a binding. ``subjects``: kind and name; a service account is the user with its full name."""
        self._bindings.bind(bound, subjects)

    def of_account(self, account: Account) -> KubernetesRights:
        """The rights of a service account, its own and those of its groups."""
        return self._rights([*subjects_of(account), ("Group", ALL_CALLERS[0])])

    def of_subject(self, kind: str, name: str) -> KubernetesRights:
        """The rights that bindings give a user or a group directly."""
        return self._rights([(kind, name)])

    def is_bound(self, account: Account) -> bool:
        """Whether any binding names the account itself."""
        return self._bindings.is_bound(account)

    def names(self, kind: str) -> tuple[str, ...]:
        """The users or groups that bindings name; service accounts are users, too."""
        return self._bindings.names(kind)

    def _rights(self, subjects: Sequence[Subject]) -> KubernetesRights:
        numbers = self._bindings.numbers(subjects)
        known = self._known.get(numbers)
        if known is None:
            known = self._known[numbers] = self._evaluated(self._bindings.numbered(numbers))
        return known

    def _evaluated(self, bound: tuple[Bound, ...]) -> KubernetesRights:
        own = scoped((one.namespace, one.rules or ()) for one in bound)
        first = weigh(own, self._around)
        reasons = [*first.reasons, *self._mapping(own)]
        leads, powers = first.leads, Powers(rules=own, held=frozenset(one.key for one in bound))
        if all(level != "admin" for level, _ in reasons):
            powers = powers_of(bound, self._bindings)
            more, leads = self._added(own, powers, leads)
            reasons += (one for one in more if one not in reasons)
        privilege = highest(reasons)
        if any(one.rules is None for one in bound) and privilege.level not in POWERFUL:
            privilege = Privilege(level="unknown", evidence=("rules of a role could not be read",))
        return KubernetesRights(
            privilege=privilege,
            bound=bound,
            rules=own,
            grants=tuple(self._grant(one) for one in bound if not one.missing),
            leads=tuple(one for one in leads if one.found.method.targets != "none"),
            consequences=tuple(_consequences(leads)),
            held=powers.held,
            rewrites=powers.rewrites,
            chains=impersonates(own) and not any(rule.allows_everything for rule in own.get("", ())),
        )

    def _added(self, own: Scoped, powers: Powers, leads: tuple[Lead, ...]) -> tuple[list[Reason], tuple[Lead, ...]]:
        """Return the reasons that follow from what rights add to themselves, and the leads with them."""
        found: list[Reason] = []
        if powers.by:
            found.append(("escalation", powers.by))
            borrowed = Powers(rules=own, acting=tuple(acting(own, self._bindings)))
            return found, weigh(borrowed.all_rules, self._around).leads if borrowed.acting else leads
        for kind, _, name in list(powers.rewrites)[:1]:
            found.append(("high", f"may write any rights into {kind} {name}"))
        if not powers.acting and powers.rules == own:
            return found, leads
        more = weigh(powers.all_rules, self._around)
        for level, why in (*more.reasons, *self._mapping(powers.all_rules)):
            if level == "admin":
                found.append(("escalation", f"rights of others, or of roles that it can bind: it {why}"))
            else:
                found.append((level, why))
        return found, more.leads

    def _mapping(self, own: Scoped) -> Iterator[Reason]:
        """Yield the right to change which AWS identities are admins, where the config map exists."""
        rules = (*own.get("", ()), *own.get("kube-system", ()))
        if self._around.maps_cloud_identities and any(map(_MAP_USERS.met_by, rules)):
            yield "admin", "may change aws-auth, which says which AWS identities are admins"

    def _grant(self, bound: Bound) -> Grant:
        level = self.of_role(bound.rules or (), everywhere=not bound.namespace).level
        return Grant(name=bound.role, via=bound.binding, resource=bound.where, admin=level == "admin")

    def of_role(self, rules: tuple[KubernetesRule, ...], *, everywhere: bool) -> Privilege:
        """The privilege of a role alone, evaluated once for all of its bindings."""
        known = self._roles_known.get((rules, everywhere))
        if known is None:
            known = privilege_of(rules, everywhere=everywhere, kind=self._around.kind)
            self._roles_known[rules, everywhere] = known
        return known


def _consequences(leads: Iterable[Lead]) -> Iterator[Consequence]:
    by_kind: defaultdict[ConsequenceKind, list[Lead]] = defaultdict(list)
    for lead in leads:
        for kind, ids in _CONSEQUENCES.items():
            if lead.found.method.id in ids:
                by_kind[kind].append(lead)
    for kind, some in by_kind.items():
        verbs = sorted({verb for lead in some for rule in lead.found.rules for verb in rule.verbs})
        narrow = all(lead.namespace or lead.found.names for lead in some)
        yield Consequence(kind=kind, actions=tuple(verbs[:3]), by=some[0].evidence, narrow=narrow)
