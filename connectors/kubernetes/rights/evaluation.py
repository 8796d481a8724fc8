"""The rights of each subject: the union of all its bindings, in each namespace and in the cluster.

A binding to a role that does not exist grants nothing. Accounts with the same bindings are evaluated once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

from msgspec import Struct

from connectors.kubernetes.rights.impersonation import Names, gained
from connectors.kubernetes.rights.levels import BIND_ROLES, WRITE_BINDINGS, highest, levels_of, privilege_of, where
from connectors.kubernetes.rights.methods import UNKNOWN_KIND, Found, Kind, methods_of, need
from connectors.kubernetes.rights.rules import RBAC, Rule, Scoped
from connectors.kubernetes.rights.targets import Account, Lead
from scanner.model import POWERFUL, Consequence, ConsequenceKind, Grant, Privilege, PrivilegeLevel

ACCOUNT_PREFIX: Final = "system:serviceaccount:"
ALL_ACCOUNTS: Final = "system:serviceaccounts"
ALL_CALLERS: Final = ("system:authenticated", "system:unauthenticated")
"""Groups of all callers; the second one includes anyone on the network."""
_ENFORCED: Final = frozenset({"baseline", "restricted"})
_CONSEQUENCES: Final[Mapping[ConsequenceKind, frozenset[str]]] = {
    "change_rights": frozenset({"escalate", "sign_certificates"}),
    "read_secrets": frozenset({"read_secrets", "make_tokens"}),
    "delete": frozenset({"destroy"}),
}
_NAMED_CONSEQUENCES: Final = frozenset().union(*_CONSEQUENCES.values())
_MAP_USERS: Final = need("update patch", "configmaps", "aws-auth")
_ESCALATE: Final = tuple(
    (kind, need("escalate", f"{RBAC}/{plural}"), need("update patch", f"{RBAC}/{plural}"))
    for kind, plural in (("Role", "roles"), ("ClusterRole", "clusterroles"))
)
_Reason = tuple[PrivilegeLevel, str]


class Bound(Struct, frozen=True, kw_only=True):
    """A binding with the rules it grants. ``namespace``: empty for the whole cluster. ``rules``: None if malformed.

    ``missing``: the role does not exist. ``usual``: the binding is built in. ``users``: the users that it names.
    """

    binding: str
    role: str
    namespace: str
    rules: tuple[Rule, ...] | None
    missing: bool = False
    usual: bool = False
    users: frozenset[str] = frozenset()

    @property
    def where(self) -> str:
        """The place where it grants, in words."""
        return f"namespace {self.namespace}" if self.namespace else "the cluster"


class Rights(Struct, frozen=True, kw_only=True):
    """The rights of a set of bindings. ``bound``: the bindings. ``rules``: their rules, by namespace."""

    privilege: Privilege
    bound: tuple[Bound, ...] = ()
    rules: Scoped = {}
    grants: tuple[Grant, ...] = ()
    leads: tuple[Lead, ...] = ()
    consequences: tuple[Consequence, ...] = ()


class Surroundings(Struct, frozen=True, kw_only=True):
    """Facts of the cluster that rights depend on.

    ``enforced``: by namespace, the enforced level of Pod Security. ``privileged``: by namespace, a workload with a
    privileged container. ``maps_cloud_identities``: the config map ``aws-auth`` decides who is an admin.
    """

    enforced: Mapping[str, str] = {}
    privileged: Mapping[str, str] = {}
    kind: Kind = UNKNOWN_KIND
    maps_cloud_identities: bool = False

    def is_open(self, namespace: str) -> bool:
        """Whether a pod in the namespace may take over its node."""
        return self.enforced.get(namespace) not in _ENFORCED


class Authority:
    """All bindings of a cluster, by subject. ``roles``: by kind, namespace and name."""

    def __init__(self, roles: Mapping[tuple[str, str, str], tuple[Rule, ...] | None], around: Surroundings) -> None:
        self._roles = roles
        self._around = around
        self._bound: list[Bound] = []
        self._of: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self._known: dict[tuple[int, ...], Rights] = {}

    def bind(self, bound: Bound, subjects: Iterable[tuple[str, str]]) -> None:
        """Add a binding. ``subjects``: kind and name; a service account is the user with its full name."""
        number = len(self._bound)
        self._bound.append(bound)
        for subject in subjects:
            self._of[subject].append(number)

    def of_account(self, account: Account) -> Rights:
        """The rights of a service account, its own and those of its groups."""
        namespace, name = account
        groups = (ALL_ACCOUNTS, f"{ALL_ACCOUNTS}:{namespace}", ALL_CALLERS[0])
        return self._rights([("User", f"{ACCOUNT_PREFIX}{namespace}:{name}"), *(("Group", one) for one in groups)])

    def of_subject(self, kind: str, name: str) -> Rights:
        """The rights that bindings give a user or a group directly."""
        return self._rights([(kind, name)])

    def is_bound(self, account: Account) -> bool:
        """Whether any binding names the account itself."""
        return ("User", f"{ACCOUNT_PREFIX}{account[0]}:{account[1]}") in self._of

    def names(self, kind: str) -> tuple[str, ...]:
        """The users or groups that bindings name; service accounts are users, too."""
        return tuple(name for of, name in self._of if of == kind)

    # --- Rights of subjects that can be impersonated, see ``impersonation.Others`` ---

    def users(self, names: Names) -> Scoped:
        """The rules of users other than service accounts."""
        found = (name for kind, name in self._of if kind == "User" and (names is None or name in names))
        return self._union(("User", name) for name in found if not name.startswith(ACCOUNT_PREFIX))

    def groups(self, names: frozenset[str]) -> Scoped:
        """The rules of groups."""
        return self._union(("Group", name) for name in sorted(names))

    def accounts(self, namespace: str, names: Names) -> Scoped:
        """The rules of service accounts of a namespace; empty: of all namespaces."""
        found: dict[tuple[str, str], None] = {}
        for kind, user in self._of:
            space, _, name = user.removeprefix(ACCOUNT_PREFIX).partition(":")
            is_meant = kind == "User" and user.startswith(ACCOUNT_PREFIX) and namespace in ("", space)
            if is_meant and (names is None or name in names):
                found |= dict.fromkeys((("User", user), ("Group", f"{ALL_ACCOUNTS}:{space}")))
        return self._union(
            (*found, ("Group", ALL_ACCOUNTS), *((("Group", f"{ALL_ACCOUNTS}:{namespace}"),) if namespace else ()))
        )

    def _union(self, subjects: Iterable[tuple[str, str]]) -> Scoped:
        numbers = {number: None for subject in subjects for number in self._of.get(subject, ())}
        return _scoped(self._bound[number] for number in numbers)

    # --- Rights ---

    def _rights(self, subjects: Sequence[tuple[str, str]]) -> Rights:
        numbers = tuple(sorted({number for subject in subjects for number in self._of.get(subject, ())}))
        known = self._known.get(numbers)
        if known is None:
            known = self._known[numbers] = self._evaluated(tuple(self._bound[number] for number in numbers))
        return known

    def _evaluated(self, bound: tuple[Bound, ...]) -> Rights:
        own = _scoped(bound)
        reasons = list(dict.fromkeys(self._reasons(own, bound)))
        leads = list(self._leads(own))
        if more := gained(own, self):
            both = {space: (*own.get(space, ()), *more.get(space, ())) for space in own | more}
            whose = ", ".join(sorted({rule.role for rules in more.values() for rule in rules})[:3])
            for level, why in self._reasons(both, bound):
                if (level, why) not in reasons:
                    reasons.append(("escalation" if level == "admin" else level, f"{why}, by impersonation ({whose})"))
            leads = list(self._leads(both))
        privilege = highest(reasons)
        if any(one.rules is None for one in bound) and privilege.level not in POWERFUL:
            privilege = Privilege(level="unknown", evidence=("rules of a role could not be read",))
        return Rights(
            privilege=privilege,
            bound=bound,
            rules=own,
            grants=tuple(self._grant(one) for one in bound if not one.missing),
            leads=tuple(leads),
            consequences=tuple(_consequences(leads)),
        )

    @cached_property
    def _roles_known(self) -> dict[tuple[tuple[Rule, ...], bool], Privilege]:
        return {}

    def _grant(self, bound: Bound) -> Grant:
        level = self.of_role(bound.rules or (), everywhere=not bound.namespace).level
        return Grant(name=bound.role, via=bound.binding, resource=bound.where, admin=level == "admin")

    def of_role(self, rules: tuple[Rule, ...], *, everywhere: bool) -> Privilege:
        """The privilege of a role alone, evaluated once for all of its bindings."""
        known = self._roles_known.get((rules, everywhere))
        if known is None:
            known = privilege_of(rules, everywhere=everywhere, kind=self._around.kind)
            self._roles_known[rules, everywhere] = known
        return known

    # --- Levels ---

    def _reasons(self, own: Scoped, bound: Sequence[Bound]) -> Iterator[_Reason]:
        """Yield each level that rules reach, in the cluster and in each namespace."""
        for namespace in ("", *(space for space in own if space)):
            yield from levels_of(own, namespace, self._around.kind)
            here = own.get(namespace, ())
            rules = [*own.get("", ()), *here] if namespace else here
            yield from self._by_binding(rules, here, namespace)
            yield from _by_escalating(rules, namespace, bound)
            maps = self._around.maps_cloud_identities and namespace in ("", "kube-system")
            if maps and any(_MAP_USERS.met_by(rule) for rule in rules):
                yield "admin", "may change aws-auth, which says which AWS identities are admins"
            if namespace:
                yield from self._to_the_node(own, namespace)

    def _to_the_node(self, own: Scoped, namespace: str) -> Iterator[_Reason]:
        """Yield ways from pods of a namespace to their nodes, and so to everything that runs there."""
        found = self._methods(own, namespace)
        lowers = any(one.method.id == "label_namespaces" for one in (*found, *self._methods(own, "")))
        if any(one.method.runs for one in found) and (lowers or self._around.is_open(namespace)):
            why = "and may lower its Pod Security level" if lowers else "where no Pod Security level is enforced"
            yield "escalation", f"may run privileged pods in namespace {namespace}, {why}"
        entered = next((one for one in found if one.method.targets == "pods" and not one.names), None)
        if entered and (workload := self._around.privileged.get(namespace)):
            yield "escalation", f"may {entered.method.why} in namespace {namespace}, where {workload} is privileged"

    def _methods(self, own: Scoped, namespace: str) -> tuple[Found, ...]:
        local = tuple(own.get(namespace, ())) if namespace else None
        return methods_of(tuple(own.get("", ())), local, self._around.kind)

    def _by_binding(self, rules: Sequence[Rule], here: Sequence[Rule], namespace: str) -> Iterator[_Reason]:
        """Yield what the verb ``bind`` with the right to write bindings allows; one of the two must be ``here``."""
        for everywhere, writes in ((False, WRITE_BINDINGS[0]), (True, WRITE_BINDINGS[1])):
            if (everywhere and namespace) or not any(writes.met_by(rule) for rule in rules):
                continue
            written_here = any(writes.met_by(rule) for rule in here)
            for kind, bind in zip(("Role", "ClusterRole"), BIND_ROLES, strict=True):
                if everywhere and kind == "Role":
                    continue  # a cluster role binding refers to no role of a namespace
                for rule in rules:
                    if bind.covered_by(rule) and (written_here or rule in here):
                        yield self._bindable(rule, kind, namespace, everywhere=everywhere)

    def _bindable(self, rule: Rule, kind: str, namespace: str, *, everywhere: bool) -> _Reason:
        place = where(namespace)
        if not rule.names:
            return "escalation", f"may bind any {kind} {place}"
        of = namespace if kind == "Role" else ""
        found = [(name, self._roles.get((kind, of, name)) or ()) for name in sorted(rule.names)]
        levels = {name: self.of_role(rules, everywhere=everywhere).level for name, rules in found}
        strong = [name for name, level in levels.items() if level in POWERFUL]
        if strong:
            return "escalation", f"may bind {kind} {strong[0]} {place}"
        high = [name for name, level in levels.items() if level == "high"]
        return ("high", f"may bind {kind} {high[0]} {place}") if high else ("normal", "")

    # --- Leads to other accounts ---

    def _leads(self, own: Scoped) -> Iterator[Lead]:
        for namespace in ("", *(space for space in own if space)):
            for found in self._methods(own, namespace):
                if found.method.targets != "none" or found.method.id in _NAMED_CONSEQUENCES:
                    yield Lead(found, namespace)


def _scoped(bound: Iterable[Bound]) -> dict[str, list[Rule]]:
    found: defaultdict[str, list[Rule]] = defaultdict(list)
    for one in bound:
        found[one.namespace] += one.rules or ()
    return dict(found)


def _by_escalating(rules: Sequence[Rule], namespace: str, bound: Sequence[Bound]) -> Iterator[_Reason]:
    """Yield the effect of ``escalate`` on named roles: escalation for a subject that has the role, else high."""
    for kind, escalate, write in _ESCALATE:
        if escalate.in_cluster and namespace:
            continue
        names = frozenset(name for rule in rules if escalate.covered_by(rule) for name in rule.names)
        for name in sorted(names):
            may_write = any(write.covered_by(rule) and (not rule.names or name in rule.names) for rule in rules)
            if may_write:
                has_it = any(
                    one.role == f"{kind}/{name}" and (not namespace or one.namespace == namespace) for one in bound
                )
                whose = ", which it has" if has_it else ""
                yield ("escalation" if has_it else "high"), f"may write any rights into {kind} {name}{whose}"


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
