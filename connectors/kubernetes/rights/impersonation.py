"""The subjects that impersonation lets an account act as, with their rights within the limits of the impersonation.

Source: https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/. The verb ``impersonate`` gives all
rights of the subject. Constrained impersonation takes two rights: ``impersonate:MODE`` on the subject, and
``impersonate-on:MODE:VERB`` on resources; it gives the subject's rights on these. The user name of a service account is
checked as a service account, so a rule about users never matches it. User ids and extra fields alone give nothing.
The subject's own rights to impersonate do not count: the API server checks the original caller. Nor do the tokens of an
impersonated account: it is a name in a request, and no credential of that account.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple, Protocol

from msgspec import Struct
from msgspec.structs import replace

from connectors.kubernetes.rights.bindings import (
    ACCOUNT_PREFIX,
    ALL_ACCOUNTS,
    Bound,
    Subject,
    account_user,
    subjects_of,
)
from connectors.kubernetes.rights.rules import IMPERSONATE, KubernetesRule, Names, Scoped, named, scoped
from connectors.kubernetes.rights.targets import Account
from scanner.text import few

_CONSTRAINED: Final = "authentication.k8s.io"
_MASTERS: Final = "system:masters"
_ANY: Final = frozenset({"*"})
_EVERYTHING: Final[Scoped] = {"": (KubernetesRule(_ANY, _ANY, _ANY, role=_MASTERS),)}
_NODES: Final = ("arbitrary-node", "associated-node")
_OF_NODES: Final = (
    KubernetesRule(frozenset({"get", "list", "watch"}), frozenset({""}), frozenset({"secrets"})),
    KubernetesRule(frozenset({"create"}), frozenset({""}), frozenset({"serviceaccounts/token"})),
)
"""Rights of a node for its pods, which the Node authorizer gives and no role."""


class Others(Protocol):
    """The subjects of a cluster and their bindings."""

    def users(self) -> list[str]:
        """Users other than service accounts."""
        ...

    def accounts(self, namespace: str) -> list[Account]:
        """Service accounts of a namespace; empty: of all namespaces."""
        ...

    def spaces(self) -> list[str]:
        """Namespaces whose accounts have rights as a group."""
        ...

    def of(self, subjects: Iterable[Subject]) -> tuple[Bound, ...]:
        """The bindings of subjects together."""
        ...


class Acting(NamedTuple):
    """Subjects that one request may name together, in words, their borrowed rules, and their bindings.

    ``who``: empty for the account itself, whose rules are its own.
    """

    who: str
    rules: Scoped
    bound: tuple[Bound, ...]


class Impersonable(Struct, frozen=True):
    """The subjects that rules name. ``accounts``: by namespace; the empty one is the whole cluster."""

    users: Names
    groups: Names
    accounts: Mapping[str, Names]

    @property
    def anyone(self) -> bool:
        """Whether there is a user or an account: groups take one beside them."""
        return self.users != frozenset() or bool(self.accounts)

    @property
    def masters(self) -> bool:
        """Whether it includes a member of the group of administrators."""
        return self.anyone and (self.groups is None or _MASTERS in self.groups)


def impersonable(own: Scoped, verb: str = IMPERSONATE, group: str = "") -> Impersonable:
    """Return the subjects that a verb of impersonation names. Rules in a namespace name its accounts alone."""
    wide = own.get("", ())
    found = {space: named(rules, {verb}, group, "serviceaccounts") for space, rules in own.items()}
    users = named(wide, {verb}, group, "users")
    return Impersonable(
        users=users and frozenset(name for name in users if not name.startswith(ACCOUNT_PREFIX)),
        groups=named(wide, {verb}, group, "groups"),
        accounts={space: names for space, names in found.items() if names != frozenset()},
    )


def acting(own: Scoped, others: Others) -> Iterator[Acting]:
    """Yield what an account may act as, beside itself. Subjects without bindings are left out.

    Members of ``system:masters`` are left out for the verb ``impersonate``: that is a method of its own.
    """
    if not any(_impersonates(rule) for rules in own.values() for rule in rules):
        return
    seen: set[tuple[Bound, ...]] = set()
    for who, subjects in _named_together(impersonable(own), others):
        bound = others.of(subjects)
        if bound and bound not in seen:
            seen.add(bound)
            yield Acting(who, _borrowed(bound, who), bound)
    yield from _limited(own, others)


def limits(own: Scoped) -> dict[str, list[KubernetesRule]]:
    """Return the rules that constrained impersonation adds at most, by namespace, whoever it is that they name."""
    found: defaultdict[str, list[KubernetesRule]] = defaultdict(list)
    for mode in ("user-info", "serviceaccount"):
        whom = impersonable(own, f"{IMPERSONATE}:{mode}", _CONSTRAINED)
        if whom.users != frozenset() if mode == "user-info" else whom.accounts:
            for namespace, rules in _limit(own, mode).items():
                found[namespace] += (replace(rule, borrowed=True) for rule in rules)
    return dict(found)


def acts_as_node(own: Scoped) -> bool:
    """Whether it may act as a node, which may read the secrets of its pods and request tokens of their accounts."""
    for mode in _NODES:
        limit = [rule for rules in _limit(own, mode).values() for rule in rules]
        names = named(own.get("", ()), {f"{IMPERSONATE}:{mode}"}, _CONSTRAINED, "nodes")
        who = names is None or (bool(names) and mode == _NODES[0])
        if who and any(rule.within(allowed, "") for rule in limit for allowed in _OF_NODES):
            return True
    whom = impersonable(own)
    as_node = whom.users is None or any(name.startswith("system:node:") for name in whom.users)
    return as_node and whom.groups is not None and "system:nodes" in whom.groups


def impersonates(own: Scoped) -> bool:
    """Whether rules that allow less than everything name anyone to impersonate."""
    less = {space: [rule for rule in rules if not rule.allows_everything] for space, rules in own.items()}
    if not any(_impersonates(rule) for rules in less.values() for rule in rules):
        return False
    wide = (f"{IMPERSONATE}:{mode}" for mode in ("user-info", "serviceaccount", *_NODES))
    return impersonable(less).anyone or any(
        impersonable(less, verb, _CONSTRAINED).anyone
        or named(less.get("", ()), {verb}, _CONSTRAINED, "nodes") != frozenset()
        for verb in wide
    )


def _impersonates(rule: KubernetesRule) -> bool:
    return not rule.borrowed and any(verb == "*" or verb.startswith(IMPERSONATE) for verb in rule.verbs)


def _named_together(whom: Impersonable, others: Others) -> Iterator[tuple[str, tuple[Subject, ...]]]:
    """Yield the subjects that one request may name together: one user or account, and any groups.

    An account has its groups unless the request names others.
    """
    if whom.masters or not whom.anyone:
        return
    groups = tuple(("Group", name) for name in sorted(whom.groups or ()))
    also = f", {_words('group', whom.groups)}" if groups else ""
    if groups:
        yield also.removeprefix(", "), groups
    for user in others.users() if whom.users is None else sorted(whom.users):
        yield f"user {user}{also}", (("User", user), *groups)
    for account in _accounts(whom, others):
        who = f"account {account[0]}/{account[1]}"
        yield who, subjects_of(account)
        if groups:
            yield f"{who}{also}", (("User", account_user(account)), *groups)
    if whom.accounts:
        yield "any account", (("Group", ALL_ACCOUNTS),)


def _accounts(whom: Impersonable, others: Others) -> Iterator[Account]:
    """Yield accounts, those that no binding names only where a rule names them: their groups have rights."""
    for namespace, names in whom.accounts.items():
        bound = others.accounts(namespace)
        yield from (one for one in bound if names is None or one[1] in names)
        for space in (namespace,) if namespace else others.spaces():
            yield from ((space, name) for name in sorted(names or {""}) if (space, name) not in bound)


def _limited(own: Scoped, others: Others) -> Iterator[Acting]:
    for mode in ("user-info", "serviceaccount"):
        if not (limit := _limit(own, mode)):
            continue
        whom = impersonable(own, f"{IMPERSONATE}:{mode}", _CONSTRAINED)
        whom = (
            replace(whom, accounts={}) if mode == "user-info" else replace(whom, users=frozenset(), groups=frozenset())
        )
        if whom.masters:
            yield Acting(f"group {_MASTERS}", _both(limit, _EVERYTHING, f"group {_MASTERS}"), ())
        for who, subjects in _named_together(whom, others):
            bound = others.of(subjects)
            if rules := _both(limit, scoped((one.namespace, one.rules or ()) for one in bound), who):
                yield Acting(who, rules, bound)


def _limit(own: Scoped, mode: str) -> Mapping[str, list[KubernetesRule]]:
    """The limits of constrained impersonation, as rules with plain verbs. The verb ``*`` is not one of its verbs."""
    prefix = f"{IMPERSONATE}-on:{mode}:"
    found: dict[str, list[KubernetesRule]] = {}
    for namespace, rules in own.items():
        for rule in rules:
            verbs = frozenset(verb.removeprefix(prefix) for verb in rule.verbs if verb.startswith(prefix))
            if verbs and not rule.borrowed:
                found.setdefault(namespace, []).append(replace(rule, verbs=verbs))
    return found


def _borrowed(bound: Iterable[Bound], who: str) -> Scoped:
    return scoped(
        (one.namespace, [replace(rule, role=f"{rule.role} as {who}", borrowed=True) for rule in one.rules or ()])
        for one in bound
    )


def _both(limit: Scoped, theirs: Scoped, who: str) -> dict[str, list[KubernetesRule]]:
    """Return what the limit and the subject's rules both allow, in the namespaces of both."""
    found: defaultdict[str, list[KubernetesRule]] = defaultdict(list)
    for namespace, rules in limit.items():
        for place, others in theirs.items():
            if namespace and place and namespace != place:
                continue
            both = (other.within(rule, f"{other.role} as {who}") for rule in rules for other in others)
            found[namespace or place] += (rule for rule in both if rule is not None)
    return {space: rules for space, rules in found.items() if rules}


def _words(kind: str, names: Names) -> str:
    return f"any {kind}" if names is None else f"{kind} {few(sorted(names), 1)}"
