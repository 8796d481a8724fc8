"""What an account can add to its own rights: roles that it may bind, and roles into which it may write any rights.

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping.
To bind a role takes the verb ``bind`` on it, or all of its rights, and a write to a binding; to write rights into a
role that one does not have takes the verb ``escalate`` on it. Both may happen in the name of others. What an account
binds to itself is its own: rights to impersonate among these count, though those of an impersonated subject do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from connectors.kubernetes.rights.bindings import Bindings, Bound, RoleKey
from connectors.kubernetes.rights.impersonation import Acting, acting
from connectors.kubernetes.rights.levels import where
from connectors.kubernetes.rights.rules import RBAC, KubernetesRule, Names, Scoped, include, named, scoped

_ANY: Final = frozenset({"*"})
_ALL: Final = KubernetesRule(_ANY, _ANY, _ANY)
_CHANGE: Final = ("update", "patch")
_PLURALS: Final = {"Role": "roles", "ClusterRole": "clusterroles"}
_VERBS: Final = frozenset({"bind", "escalate", "*"})
_WHOLE: Final = ("ClusterRole", "", "cluster-admin")
"""The role that every cluster has: whoever may bind any ClusterRole may bind it."""
_ANYTHING: Final = ("", "", "*")
"""The key of rights that one writes into a role."""


_Placed: TypeAlias = tuple[RoleKey, str, bool]


class Powers(Struct, frozen=True, kw_only=True):
    """What an account can do with its rights. ``rules``: its own, with those that it can add.

    ``acting``: the others in whose name it can act. ``held``: the roles that it and these others have, or can bind.
    ``rewrites``: roles into which it may write any rights, each with the reason. ``by``: how it becomes an admin; empty
    if it does not by this alone.
    """

    rules: Scoped
    acting: tuple[Acting, ...] = ()
    held: frozenset[RoleKey] = frozenset()
    rewrites: Mapping[RoleKey, str] = {}
    by: str = ""

    @property
    def all_rules(self) -> Scoped:
        """Its own rules and those that it borrows."""
        if not self.acting:
            return self.rules
        return scoped(
            (space, rules) for one in (self.rules, *(it.rules for it in self.acting)) for space, rules in one.items()
        )


class _Step(NamedTuple):
    """A role that it can bind to itself, or rewrite. ``namespaced``: in each namespace, by RoleBindings there."""

    key: RoleKey
    namespace: str
    namespaced: bool
    rules: tuple[KubernetesRule, ...]
    how: str

    @property
    def place(self) -> _Placed:
        """The role, and where it is added."""
        return self.key, self.namespace, self.namespaced


def powers_of(bound: Sequence[Bound], bindings: Bindings) -> Powers:
    """Return what an account can do with its bindings, to a fixed point."""
    rules = scoped((one.namespace, one.rules or ()) for one in bound)
    keys = frozenset(one.key for one in bound)
    if not any(_leads_on(rule) for some in rules.values() for rule in some):
        return Powers(rules=rules, held=keys)
    held = {(one.key, one.namespace, False) for one in bound}
    by = ""
    while True:
        others = tuple(acting(rules, bindings))
        actors = (Acting("", rules, tuple(bound)), *others)
        by = by or next((f"acting as {one.who}, who may do everything" for one in others if _is_admin(one.rules)), "")
        steps = {} if by or _is_admin(rules) else {one.place: one for one in _steps(actors, held, bindings)}
        if not (steps.keys() - held):
            break
        for place in sorted(steps.keys() - held):
            step = steps[place]
            rules.setdefault(step.namespace, []).extend(step.rules)
            if not step.namespace and any(rule.allows_everything for rule in step.rules):
                by = by or step.how
        held |= steps.keys()
    roles = keys | {key for key, _, _ in held} | {one.key for other in others for one in other.bound}
    return Powers(rules=rules, acting=others, held=roles, rewrites=dict(_rewritable(actors, roles, bindings)), by=by)


def _leads_on(rule: KubernetesRule) -> bool:
    return not rule.verbs.isdisjoint(_VERBS) or any(verb.startswith("impersonate") for verb in rule.verbs)


def _is_admin(rules: Scoped) -> bool:
    return any(rule.allows_everything for rule in rules.get("", ()))


def _steps(actors: Sequence[Acting], held: Iterable[_Placed], bindings: Bindings) -> Iterator[_Step]:
    """Yield what can be added in one step. Each step is one request, in the name of one actor."""
    placed = set(held)
    writing = [actor for actor in actors if _escalates(actor)]
    rewritable = [key for key in bindings.roles if any(_rewrites(actor, key, bindings) for actor in writing)]
    theirs = {(one.key, one.namespace, False) for actor in actors for one in actor.bound}
    for actor in actors:
        for space in {"": None, **dict.fromkeys(actor.rules)}:
            yield from _bound_in(actor, space, bindings, rewritable)
        for key, space, namespaced in sorted(placed | theirs):
            if key != _ANYTHING and (why := _rewrites(actor, key, bindings)):
                whose = "it has" if (key, space, namespaced) in placed else "one whom it impersonates has"
                how = f"{why}, which {whose} {where(space)}"
                yield _Step(_ANYTHING, space, namespaced, (_as(_ALL, "rights that it writes", namespaced),), how)


def _bound_in(actor: Acting, space: str, bindings: Bindings, rewritable: Sequence[RoleKey]) -> Iterator[_Step]:
    """Yield the roles that an actor can bind in a namespace, in each one, and in the cluster (both: empty).

    Roles without any right that the actor does not have count where they are ``rewritable``.
    """
    here = (*actor.rules.get("", ()), *(actor.rules[space] if space else ()))
    covered = {key for key in rewritable if _covers(actor, space, key, bindings)}
    for title in ("RoleBinding", *(() if space else ("ClusterRoleBinding",))):
        rules = here if title == "RoleBinding" else tuple(rule for rule in here if not rule.namespaced)
        existing = list(_existing(title, space, bindings))
        by = _by(rules, ("create", *_CHANGE), f"{title.lower()}s", actor)
        if _creates(rules, f"{title.lower()}s", {one.name for one in existing}):
            yield from _newly(title, space, rules, covered, actor, bindings, by)
        changed = named(rules, _CHANGE, RBAC, f"{title.lower()}s")
        for one in existing:
            if changed is not None and one.name not in changed:
                continue
            kind, _, name = one.key
            names = named(rules, {"bind"}, RBAC, _PLURALS[kind]) if kind in _PLURALS else frozenset()
            if names is None or name in names or one.key in covered or (actor.who and one in actor.bound):
                yield from _step(one.key, one.namespace, False, one.rules, by)


def _newly(
    title: str,
    space: str,
    here: Sequence[KubernetesRule],
    covered: Iterable[RoleKey],
    actor: Acting,
    bindings: Bindings,
    by: str,
) -> Iterator[_Step]:
    """Yield the roles that an actor can bind by a new binding: by the verb, or with all of their rights."""
    each = not space and title == "RoleBinding"
    kinds = ("ClusterRole",) if title == "ClusterRoleBinding" else ("ClusterRole", "Role")
    for kind in kinds:
        names = named(here, {"bind"}, RBAC, _PLURALS[kind])
        for key, rules in _bindable(kind, space, names, bindings):
            yield from _step(key, key[1] or space, each and not key[1], rules, by)
    for key in sorted(covered):
        if key[0] in kinds and (not key[1] or each or key[1] == space):
            yield from _step(key, key[1] or space, each and not key[1], bindings.roles[key], by)
    for one in actor.bound if actor.who else ():
        if one.key[0] in kinds and (one.namespace in ("", space) or each):
            yield from _step(one.key, one.namespace if each else space, each and not one.namespace, one.rules, by)


def _covers(actor: Acting, space: str, key: RoleKey, bindings: Bindings) -> bool:
    """Whether an actor has all rights of a role in a namespace, so that it may bind the role without the verb."""
    kept = actor.bound if actor.who else ()
    theirs = [rule for one in kept if one.namespace in ("", space) for rule in one.rules or ()]
    own = () if actor.who else (*actor.rules.get("", ()), *(actor.rules.get(space, ()) if space else ()))
    return include((*theirs, *own), bindings.roles[key] or ())


def _existing(title: str, space: str, bindings: Bindings) -> Iterator[Bound]:
    if title == "ClusterRoleBinding":
        yield from bindings.within("")
    else:
        for one in (space,) if space else bindings.namespaces():
            yield from bindings.within(one)


def _creates(rules: Iterable[KubernetesRule], plural: str, taken: Iterable[str]) -> bool:
    """Whether rules allow to create a binding, of any name or of one that is free."""
    making = [rule for rule in rules if rule.creates and rule.covers({"create"}, RBAC, plural)]
    return any(not rule.names or rule.names.difference(taken) for rule in making)


def _bindable(
    kind: str, space: str, names: Names, bindings: Bindings
) -> Iterator[tuple[RoleKey, tuple[KubernetesRule, ...]]]:
    """Yield roles that may be bound, with their rules; a role that does not exist has none."""
    if kind == "ClusterRole":
        if names is None:
            yield _WHOLE, (_ALL,)
        else:
            yield from (((kind, "", name), bindings.roles.get((kind, "", name)) or ()) for name in sorted(names))
        return
    for key, rules in bindings.roles.items():
        if key[0] == kind and space in ("", key[1]) and (names is None or key[2] in names):
            yield key, rules or ()
    if space and names is not None:
        missing = ((kind, space, name) for name in sorted(names))
        yield from ((key, ()) for key in missing if key not in bindings.roles)


def _step(
    key: RoleKey, space: str, namespaced: bool, rules: Iterable[KubernetesRule] | None, by: str
) -> Iterator[_Step]:
    title = f"{key[0]}/{key[2]}"
    place = "in each namespace" if namespaced else where(space)
    added = tuple(_as(rule, f"{title} that it may bind", namespaced) for rule in rules or ())
    yield _Step(key, space, namespaced, added, f"binding {title} to itself {place}{by}")


def _as(rule: KubernetesRule, role: str, namespaced: bool) -> KubernetesRule:
    return replace(rule, role=role, borrowed=False, namespaced=namespaced or rule.namespaced)


def _by(rules: Iterable[KubernetesRule], verbs: Iterable[str], plural: str, actor: Acting) -> str:
    roles = dict.fromkeys(rule.role for rule in rules if rule.role and rule.covers(tuple(verbs), RBAC, plural))
    text = ", ".join([*roles][:3])
    return f" ({text})" if text else f" (as {actor.who})" if actor.who else ""


def _rewrites(actor: Acting, key: RoleKey, bindings: Bindings) -> str:
    """Return why an actor may write any rights into a role; empty if it may not."""
    kind, namespace, name = key
    if (plural := _PLURALS.get(kind)) is None:
        return ""
    here = (*actor.rules.get("", ()), *(actor.rules.get(namespace, ()) if namespace else ()))
    exists = key in bindings.roles
    if exists:
        written = named(here, _CHANGE, RBAC, plural)
        may_write = written is None or name in written
    else:
        may_write = any(
            rule.creates and rule.covers({"create"}, RBAC, plural) and (not rule.names or name in rule.names)
            for rule in here
        )
    escalated = named(here, {"escalate"}, RBAC, plural)
    if not may_write or not (escalated is None or name in escalated):
        return ""
    return f"writing any rights into {kind}/{name}{_by(here, ('escalate',), plural, actor)}"


def _rewritable(
    actors: Iterable[Acting], held: frozenset[RoleKey], bindings: Bindings
) -> Iterator[tuple[RoleKey, str]]:
    """Yield roles into which one of the actors may write any rights, and that none of them has."""
    for actor in actors:
        if _escalates(actor):
            for key in bindings.roles:
                if key not in held and (why := _rewrites(actor, key, bindings)):
                    yield key, why


def _escalates(actor: Acting) -> bool:
    covered = (rule.covers({"escalate"}, RBAC, plural) for rules in actor.rules.values() for rule in rules
               for plural in _PLURALS.values())  # fmt: skip
    return any(covered)
