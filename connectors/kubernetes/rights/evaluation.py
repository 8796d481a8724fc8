"""What each service account may do and become: the union of all its bindings, in each namespace and in the cluster.

A binding to a role that does not exist gives nothing. Accounts with the same bindings are evaluated once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final, NamedTuple, TypeAlias

from msgspec import Struct

from connectors.kubernetes.rights.methods import (
    BIND_ROLES,
    WRITE_BINDINGS,
    Found,
    highest,
    levels_of,
    methods_of,
    privilege_of,
)
from connectors.kubernetes.rights.rules import Rule
from scanner.model import POWERFUL, Consequence, ConsequenceKind, Grant, Privilege, PrivilegeLevel

ACCOUNT_PREFIX: Final = "system:serviceaccount:"
ALL_ACCOUNTS: Final = "system:serviceaccounts"
EVERYBODY: Final = ("system:authenticated", "system:unauthenticated")
"""Groups whose members have what all callers have; the second one is also everybody on the network."""
_ENFORCED: Final = frozenset({"baseline", "restricted"})
_RUNS: Final = frozenset({"run_pods", "run_workloads"})
_CONSEQUENCES: Final[Mapping[ConsequenceKind, frozenset[str]]] = {
    "change_rights": frozenset({"escalate", "sign_certificates"}),
    "read_secrets": frozenset({"read_secrets", "make_tokens"}),
}

Account: TypeAlias = tuple[str, str]
"""Namespace and name."""


class Bound(Struct, frozen=True, kw_only=True):
    """What a binding gives. ``namespace``: empty for the whole cluster. ``rules``: None for a role that is missing."""

    binding: str
    role: str
    namespace: str
    rules: tuple[Rule, ...] | None

    @property
    def where(self) -> str:
        """In words."""
        return f"namespace {self.namespace}" if self.namespace else "the cluster"


class Lead(NamedTuple):
    """A way to other accounts. ``namespace``: empty for all. ``names``: of accounts, empty for all."""

    found: Found
    namespace: str

    @property
    def evidence(self) -> str:
        """Why, for a link."""
        roles = ", ".join(dict.fromkeys(rule.role for rule in self.found.rules))
        where = f"namespace {self.namespace}" if self.namespace else "the cluster"
        return f"may {self.found.method.why} in {where} ({roles})"


class Rights(Struct, frozen=True, kw_only=True):
    """What a set of bindings amounts to."""

    privilege: Privilege
    grants: tuple[Grant, ...] = ()
    leads: tuple[Lead, ...] = ()
    consequences: tuple[Consequence, ...] = ()


class Surroundings(Struct, frozen=True, kw_only=True):
    """What rights depend on besides rules.

    ``enforced``: by namespace, the level of Pod Security that is enforced. ``minor``: of Kubernetes 1.x.
    ``maps_cloud_identities``: the config map ``aws-auth`` decides who is an admin.
    """

    enforced: Mapping[str, str] = {}
    minor: int | None = None
    maps_cloud_identities: bool = False

    def is_open(self, namespace: str) -> bool:
        """Whether a pod there may take over its node."""
        return self.enforced.get(namespace) not in _ENFORCED


class Authority:
    """All bindings of a cluster, by who has them. ``roles``: by kind, namespace and name."""

    def __init__(self, roles: Mapping[tuple[str, str, str], tuple[Rule, ...] | None], around: Surroundings) -> None:
        self._roles = roles
        self._around = around
        self._bound: list[Bound] = []
        self._of: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self._known: dict[tuple[int, ...], Rights] = {}

    def bind(self, bound: Bound, subjects: Iterable[tuple[str, str]]) -> None:
        """Give what a binding gives. ``subjects``: kind and name; an account is a user of its full name."""
        number = len(self._bound)
        self._bound.append(bound)
        for subject in subjects:
            self._of[subject].append(number)

    def of_account(self, account: Account) -> Rights:
        """What a service account has, by itself and by its groups."""
        namespace, name = account
        groups = (ALL_ACCOUNTS, f"{ALL_ACCOUNTS}:{namespace}", EVERYBODY[0])
        return self._rights([("User", f"{ACCOUNT_PREFIX}{namespace}:{name}"), *(("Group", one) for one in groups)])

    def of_subject(self, kind: str, name: str) -> Rights:
        """What a user or a group has by itself."""
        return self._rights([(kind, name)])

    def is_bound(self, account: Account) -> bool:
        """Whether any binding names the account itself."""
        return ("User", f"{ACCOUNT_PREFIX}{account[0]}:{account[1]}") in self._of

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups that any binding names."""
        return tuple(name for kind, name in self._of if kind == "Group")

    def _rights(self, subjects: Sequence[tuple[str, str]]) -> Rights:
        numbers = tuple(sorted({number for subject in subjects for number in self._of.get(subject, ())}))
        known = self._known.get(numbers)
        if known is None:
            known = self._known[numbers] = self._evaluated([self._bound[number] for number in numbers])
        return known

    def _evaluated(self, bound: Sequence[Bound]) -> Rights:
        everywhere = [rule for one in bound if not one.namespace for rule in one.rules or ()]
        within: defaultdict[str, list[Rule]] = defaultdict(list)
        for one in bound:
            if one.namespace:
                within[one.namespace] += one.rules or ()
        reasons = list(self._levels(everywhere, ""))
        leads = list(self._leads(everywhere, ""))
        for namespace, rules in within.items():
            # What holds in the cluster holds here, too: only together do some rules make a way.
            union = [*everywhere, *rules]
            reasons += [reason for reason in self._levels(union, namespace) if reason not in reasons]
            leads += self._leads(union, namespace)
        privilege = highest(reasons)
        unknown = any(one.rules is None and (one.role, one.namespace) in self._unreadable for one in bound)
        if unknown and privilege.level not in POWERFUL:
            privilege = Privilege(level="unknown", evidence=("rules of a role could not be read",))
        return Rights(
            privilege=privilege,
            grants=tuple(self._grant(one) for one in bound),
            leads=tuple(leads),
            consequences=tuple(_consequences(leads)),
        )

    @cached_property
    def _unreadable(self) -> frozenset[tuple[str, str]]:
        """Roles that exist, with rules of another shape."""
        return frozenset(
            (f"{kind}/{name}", namespace) for (kind, namespace, name), rules in self._roles.items() if rules is None
        )

    def _grant(self, bound: Bound) -> Grant:
        level = privilege_of(bound.rules or (), everywhere=not bound.namespace).level
        return Grant(name=bound.role, via=bound.binding, resource=bound.where, admin=level == "admin")

    # --- Levels ---

    def _levels(self, rules: Sequence[Rule], namespace: str) -> Iterator[tuple[PrivilegeLevel, str]]:
        """Yield each level that rules give in a namespace, or in the cluster."""
        yield from (
            (level, why.replace("in its namespace", f"in namespace {namespace}"))
            for level, why in levels_of(rules, everywhere=not namespace, minor=self._around.minor)
            if not why.startswith("may bind roles")
        )
        yield from self._by_binding(rules, namespace)
        if self._around.maps_cloud_identities and namespace in ("", "kube-system") and _may_map_users(rules):
            yield "admin", "may change aws-auth, which says which AWS identities are admins"
        if namespace:
            ids = {found.method.id for found in methods_of(rules, everywhere=False, minor=self._around.minor)}
            lowers = "label_namespaces" in ids
            if ids & _RUNS and (lowers or self._around.is_open(namespace)):
                why = "and may lower its Pod Security level" if lowers else "where no Pod Security level is enforced"
                yield "escalation", f"may run privileged pods in namespace {namespace}, {why}"

    def _by_binding(self, rules: Sequence[Rule], namespace: str) -> Iterator[tuple[PrivilegeLevel, str]]:
        """What may be bound: the verb ``bind`` on a role, and the right to write a binding."""
        for everywhere, writes in ((False, WRITE_BINDINGS[0]), (True, WRITE_BINDINGS[1])):
            if (everywhere and namespace) or not any(writes.met_by(rule) for rule in rules):
                continue
            where = "in the cluster" if everywhere or not namespace else f"in namespace {namespace}"
            for kind, need in zip(("Role", "ClusterRole"), BIND_ROLES, strict=True):
                if everywhere and kind == "Role":
                    continue
                for rule in rules:
                    if need.covered_by(rule):
                        yield self._bindable(rule, kind, namespace, where, everywhere=everywhere)

    def _bindable(
        self, rule: Rule, kind: str, namespace: str, where: str, *, everywhere: bool
    ) -> tuple[PrivilegeLevel, str]:
        if not rule.names:
            return "escalation", f"may bind any {kind} {where}"
        place = namespace if kind == "Role" else ""
        found = [(name, self._roles.get((kind, place, name))) for name in sorted(rule.names)]
        levels = {name: privilege_of(rules or (), everywhere=everywhere).level for name, rules in found}
        strong = [name for name, level in levels.items() if level in POWERFUL]
        if strong:
            return "escalation", f"may bind {kind} {strong[0]} {where}"
        high = [name for name, level in levels.items() if level == "high"]
        return ("high", f"may bind {kind} {high[0]} {where}") if high else ("normal", "")

    # --- What it leads to ---

    def _leads(self, rules: Sequence[Rule], namespace: str) -> Iterator[Lead]:
        for found in methods_of(rules, everywhere=not namespace, minor=self._around.minor):
            if found.method.targets != "none" or found.method.id in _NAMED_CONSEQUENCES:
                yield Lead(found, namespace)


_NAMED_CONSEQUENCES: Final = frozenset().union(*_CONSEQUENCES.values())


def _may_map_users(rules: Iterable[Rule]) -> bool:
    return any(
        rule.covers(("update", "patch"), "", "configmaps") and (not rule.names or "aws-auth" in rule.names)
        for rule in rules
    )


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


class Accounts(Struct, frozen=True, kw_only=True):
    """Service accounts by namespace: all, those of running pods, and those with a token that never expires."""

    every: Mapping[str, frozenset[str]]
    running: Mapping[str, frozenset[str]] = {}
    tokens: Mapping[str, frozenset[str]] = {}

    def meant(self, lead: Lead) -> Iterator[Account]:
        """Yield the accounts that a lead leads to."""
        targets = lead.found.method.targets
        among = {"running": self.running, "tokens": self.tokens}.get(targets, self.every)
        spaces = (lead.namespace,) if lead.namespace else tuple(among)
        for namespace in spaces if targets != "none" else ():
            names = among.get(namespace, frozenset())
            wanted = names & lead.found.names if lead.found.names else names
            yield from ((namespace, name) for name in sorted(wanted))
