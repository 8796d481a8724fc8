"""The rights that impersonation adds: those of the impersonated subject, within the limits of the impersonation.

Source: https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/. The verb ``impersonate`` gives all
rights of the subject. Constrained impersonation takes two rights: ``impersonate:MODE`` on the subject, and
``impersonate-on:MODE:VERB`` on resources; it gives the subject's rights on these. The user name of a service account is
checked as a service account, so a rule about users never matches it. User ids and extra fields alone give nothing.
The subject's own rights to impersonate do not count: the API server checks the original caller.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple, Protocol, TypeAlias

from connectors.kubernetes.rights.rules import Rule, Scoped
from scanner.text import few

Names: TypeAlias = frozenset[str] | None
"""Names in rules; None: all."""
_CONSTRAINED: Final = "authentication.k8s.io"
_MASTERS: Final = "system:masters"
_ANY: Final = frozenset({"*"})
_EVERYTHING: Final[Scoped] = {"": (Rule(_ANY, _ANY, _ANY, role=_MASTERS),)}
_NODES: Final = ("arbitrary-node", "associated-node")
_OF_NODES: Final = (
    Rule(frozenset({"get", "list", "watch"}), frozenset({""}), frozenset({"secrets"})),
    Rule(frozenset({"create"}), frozenset({""}), frozenset({"serviceaccounts/token"})),
)
"""Rights of a node for its pods, which the Node authorizer gives and no role."""


class Others(Protocol):
    """The rules of other subjects. ``names``: their names; None: all."""

    def users(self, names: Names) -> Scoped:
        """The rules of users other than service accounts."""
        ...

    def groups(self, names: frozenset[str]) -> Scoped:
        """The rules of groups."""
        ...

    def accounts(self, namespace: str, names: Names) -> Scoped:
        """The rules of service accounts of a namespace; empty: of all namespaces."""
        ...


class Anyone:
    """Other subjects when they are unknown: they count as allowed everything."""

    def users(self, names: Names) -> Scoped:
        """See ``Others``."""
        del names
        return _EVERYTHING

    def groups(self, names: frozenset[str]) -> Scoped:
        """See ``Others``."""
        del names
        return _EVERYTHING

    def accounts(self, namespace: str, names: Names) -> Scoped:
        """See ``Others``."""
        del namespace, names
        return _EVERYTHING


class Acting(NamedTuple):
    """A subject that an account may act as, in words, and the rules of that subject."""

    who: str
    rules: Scoped


def gained(own: Scoped, others: Others) -> dict[str, list[Rule]]:
    """Return the rules that impersonation adds, by namespace. Their roles name the impersonated subject.

    The verb ``impersonate`` on accounts and on ``system:masters`` is left out: it is a method of its own.
    """
    found: defaultdict[str, list[Rule]] = defaultdict(list)
    for one in freely(own, others):
        _add(found, one, _EVERYTHING)
    for namespace, rules in limited(own, others).items():
        found[namespace] += rules
    return dict(found)


def limited(own: Scoped, others: Others) -> dict[str, list[Rule]]:
    """Return the rules that constrained impersonation adds, by namespace."""
    found: defaultdict[str, list[Rule]] = defaultdict(list)
    for mode, acting in (("user-info", _users), ("serviceaccount", _accounts)):
        if limit := _limit(own, mode):
            for one in acting(own, others, f"impersonate:{mode}", _CONSTRAINED):
                _add(found, one, limit)
    return dict(found)


def acts_as_node(own: Scoped) -> bool:
    """Whether it may act as a node, which may read the secrets of its pods and request tokens of their accounts."""
    for mode in _NODES:
        limit = [rule for rules in _limit(own, mode).values() for rule in rules]
        names = _named(own.get("", ()), f"impersonate:{mode}", _CONSTRAINED, "nodes")
        who = names is None or (bool(names) and mode == _NODES[0])
        if who and any(rule.within(allowed, "") for rule in limit for allowed in _OF_NODES):
            return True
    users = _named(own.get("", ()), "impersonate", "", "users")
    groups = _named(own.get("", ()), "impersonate", "", "groups")
    as_node = users is None or any(name.startswith("system:node:") for name in users)
    return as_node and groups is not None and "system:nodes" in groups


def freely(own: Scoped, others: Others) -> Iterator[Acting]:
    """Yield the subjects that the verb ``impersonate`` names. Groups need a user or an account as well."""
    wide = own.get("", ())
    users = _named(wide, "impersonate", "", "users")
    groups = _named(wide, "impersonate", "", "groups")
    for user in sorted(users or ()):
        yield Acting(f"user {user}", others.users(frozenset({user})))
    if users is None:
        yield Acting("any user", others.users(None))
    anyone = users != frozenset() or any(
        _named(rules, "impersonate", "", "serviceaccounts") != frozenset() for rules in own.values()
    )
    if not anyone:
        return
    for group in sorted(groups or ()):
        if group != _MASTERS:
            yield Acting(f"group {group}", others.groups(frozenset({group})))


def _users(own: Scoped, others: Others, verb: str, group: str) -> Iterator[Acting]:
    wide = own.get("", ())
    users, groups = _named(wide, verb, group, "users"), _named(wide, verb, group, "groups")
    if users == frozenset():
        return
    if groups is None or _MASTERS in groups:
        yield Acting(f"group {_MASTERS}", _EVERYTHING)
        return
    yield Acting(_words("user", users), others.users(users))
    if groups:
        yield Acting(_words("group", groups), others.groups(groups))


def _accounts(own: Scoped, others: Others, verb: str, group: str) -> Iterator[Acting]:
    for namespace, rules in own.items():
        names = _named(rules, verb, group, "serviceaccounts")
        if names != frozenset():
            where = f" of {namespace}" if namespace else ""
            yield Acting(f"{_words('account', names)}{where}", others.accounts(namespace, names))


def _named(rules: Iterable[Rule], verb: str, group: str, resource: str) -> Names:
    found: set[str] = set()
    for rule in rules:
        if rule.covers({verb}, group, resource):
            if not rule.names:
                return None
            found |= rule.names
    return frozenset(found)


def _limit(own: Scoped, mode: str) -> Mapping[str, list[Rule]]:
    """The limits of constrained impersonation, as rules with plain verbs. The verb ``*`` is not one of its verbs."""
    prefix = f"impersonate-on:{mode}:"
    found: dict[str, list[Rule]] = {}
    for namespace, rules in own.items():
        for rule in rules:
            verbs = frozenset(verb.removeprefix(prefix) for verb in rule.verbs if verb.startswith(prefix))
            if verbs and not rule.borrowed:
                plain = Rule(verbs, rule.groups, rule.resources, rule.names, rule.role)
                found.setdefault(namespace, []).append(plain)
    return found


def _add(found: defaultdict[str, list[Rule]], acting: Acting, limit: Scoped) -> None:
    """Add what the subject's rules and the limit both allow, in the namespaces of both."""
    for namespace, rules in limit.items():
        for place, theirs in acting.rules.items():
            if namespace and place and namespace != place:
                continue
            both = (other.within(rule, f"{other.role} as {acting.who}") for rule in rules for other in theirs)
            found[namespace or place] += (rule for rule in both if rule is not None)


def _words(kind: str, names: Names) -> str:
    return f"any {kind}" if names is None else f"{kind} {few(sorted(names), 1)}"
