"""The permissions of each member on each resource, from all bindings of a unit, with conditions and denials (pure)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from itertools import chain
from types import MappingProxyType

from msgspec import Struct, structs

from connectors.gcp.keys import account_key, service_agent_key, stored_key
from connectors.gcp.rights.bindings import Binding
from connectors.gcp.rights.conditions import Outlook, outlook
from connectors.gcp.rights.deny import Answer, Denials
from connectors.gcp.rights.members import AGENTS, account_of
from connectors.gcp.rights.roles import GcpRoles, parent_of
from connectors.gcp.rights.tree import GcpResource, Tree, full_name
from connectors.gcp.rights.vocabulary import MAKE_TOKENS, Family, Method, methods_met, vocabulary
from scanner.model import POTENTIAL, Consequence, Privilege, Takeover
from scanner.text import few

_NOTHING: frozenset[str] = frozenset()
_OF_POOLS = frozenset({"pool_principal", "pool_set"})
_OF_GOOGLE = ".svc.id.goog"
_BUCKET = re.compile(r"//storage\.googleapis\.com/(?:projects/[^/]+/buckets/)?([^/]+)")


class BindingRights(Struct, frozen=True, kw_only=True, gc=False):
    """The relevant permissions of a binding: ``certain``, and ``possible``, which includes what a condition decides.

    ``denied``: permissions of the role that a deny policy denies. ``outlook``: the state of the binding's condition.
    ``is_known``: whether the role could be read.
    """

    certain: frozenset[str] = _NOTHING
    possible: frozenset[str] = _NOTHING
    denied: frozenset[str] = _NOTHING
    outlook: Outlook
    is_known: bool = True


class Holdings:
    """The bindings of a unit, and what follows from several of them together.

    ``unread``: containers whose own policy was not read, so that members may have more roles there. ``code_in``:
    project id and key of what runs the code in a bucket, by the bucket's name. ``unlisted``: ids of projects whose
    service accounts could not all be listed.
    """

    def __init__(
        self,
        bindings: Iterable[Binding],
        roles: GcpRoles,
        tree: Tree,
        denials: Denials,
        now: datetime,
        unread: Collection[str] = (),
        code_in: Mapping[str, Collection[tuple[str, str]]] = MappingProxyType({}),
        unlisted: Collection[str] = (),
    ) -> None:
        self.tree = tree
        self._roles = roles
        self._denials = denials
        self._now = now
        self._unread = frozenset(unread)
        self._unlisted = frozenset(unlisted)
        self._code_in = code_in
        self._runs_code: defaultdict[str, set[str]] = defaultdict(set)
        for project, key in chain.from_iterable(code_in.values()):
            self._runs_code[f"projects/{project}"].add(key)
        self._running: defaultdict[str, dict[str, Answer]] = defaultdict(dict)
        self._tokens: defaultdict[str, dict[str, bool]] = defaultdict(dict)
        self._accounts: defaultdict[str, set[str]] = defaultdict(set)
        self._pools: defaultdict[str, set[str]] = defaultdict(set)
        self._own_roles: defaultdict[str, dict[str, bool]] = defaultdict(dict)
        for binding in bindings:
            self._add(binding)

    def held(self, binding: Binding) -> BindingRights:
        """The permissions of a binding."""
        permissions = self._roles[binding.role].permissions
        met = outlook(binding.condition, self._now)
        if binding.entitlement and met.standing == "always":
            met = structs.replace(met, standing="maybe")
        if permissions is None:
            return BindingRights(outlook=met, is_known=met.standing == "never")
        if met.standing == "never":
            return BindingRights(outlook=met)
        denied = self._denials.denied(binding.member, permissions, binding.resource.place) if self._denials else {}
        possible = permissions.difference(name for name, answer in denied.items() if answer == "yes")
        certain = permissions.difference(denied) if met.standing == "always" else _NOTHING
        return BindingRights(certain=certain, possible=possible, denied=permissions - possible, outlook=met)

    def lists_accounts(self, resource: GcpResource) -> bool:
        """Whether the service accounts in the resource were all listed."""
        return not self._unlisted or self._unlisted.isdisjoint(self.tree.projects(resource.place))

    def may_run(self, member: str, project: str) -> Answer:
        """Whether a member can start workloads in a project, by any of its bindings."""
        path = self.tree.path(f"projects/{project}")
        answers = {self._running[member].get(place, "no") for place in path} if member in self._running else set()
        if "yes" in answers:
            return "yes"
        return "maybe" if "maybe" in answers or not self._unread.isdisjoint(path) else "no"

    def changes_own(self, binding: Binding, permissions: Collection[str]) -> Answer:
        """Whether these permissions of a binding change a custom role that the member holds on a container.

        A custom role belongs to a project or an organization, and is changed there.
        """
        answer: Answer = "no"
        for parent, is_held in self._own_roles.get(binding.member.id, {}).items():
            if binding.resource.place in self.tree.path(parent):
                denied = self._denials.denied(binding.member, permissions, parent) if self._denials else {}
                if is_held and not denied:
                    return "yes"
                if not any(denied.get(name) == "yes" for name in permissions):
                    answer = "maybe"
        return answer

    def pools_in(self, project: str) -> tuple[str, ...]:
        """Patterns of the principals of a project's workload identity pools that bindings name, but Google's own."""
        number = self.tree.number(project)
        named = {*self._pools.get(project, ()), *self._pools.get(number or project, ())}
        return tuple(f"principal*://iam.googleapis.com/{pool}/*" for pool in sorted(named))

    def tokens_of(self, resource: GcpResource) -> Mapping[str, bool]:
        """Key patterns of accounts for which the service accounts there can create tokens; False: conditionally."""
        accounts = (
            [resource.account]
            if resource.account
            else sorted({email for project in self.tree.projects(resource.place) for email in self._accounts[project]})
        )
        found: dict[str, bool] = {}
        for email in accounts:
            for pattern, certain in self._tokens.get(email, {}).items():
                found[pattern] = certain or found.get(pattern, False)
        return found

    def run_from(self, resource: GcpResource) -> tuple[str, ...]:
        """The keys of what runs the code in a bucket, or in the buckets of a project."""
        bucket = _BUCKET.fullmatch(resource.name)
        if bucket is not None:
            return tuple(sorted(key for _, key in self._code_in.get(bucket[1], ())))
        return tuple(sorted(self._runs_code.get(resource.place, ()))) if resource.container is not None else ()

    def denied_below(self, binding: Binding, permissions: Iterable[str], project: str) -> dict[str, Answer]:
        """Those of these permissions that are denied to the member in a project below the resource."""
        return self._denials.denied(binding.member, permissions, f"projects/{project}") if self._denials else {}

    def _add(self, binding: Binding) -> None:
        held = self.held(binding)
        running = vocabulary().running
        place = binding.resource.place
        parent = parent_of(binding.role)
        if binding.resource.container is not None and parent and held.outlook.standing != "never":
            roles = self._own_roles[binding.member.id]
            roles[parent] = held.outlook.standing == "always" or roles.get(parent, False)
        if binding.member.kind in _OF_POOLS and binding.member.pool and not binding.member.pool.endswith(_OF_GOOGLE):
            self._pools[binding.member.pool.split("/")[1]].add(binding.member.pool)
        if binding.resource.container is not None and not held.possible.isdisjoint(running):
            known = self._running[binding.member.id]
            if known.get(place) != "yes":
                known[place] = "maybe" if held.certain.isdisjoint(running) else "yes"
        if binding.member.kind == "service_account" and MAKE_TOKENS in held.possible:
            self._accounts[self.tree.project_of(binding.member.id) or ""].add(binding.member.id)
            tokens = self._tokens[binding.member.id]
            for pattern in accounts_on(binding.resource, self.tree):
                tokens[pattern] = MAKE_TOKENS in held.certain or tokens.get(pattern, False)


def accounts_on(resource: GcpResource, tree: Tree) -> tuple[str, ...]:
    """Patterns for the keys of the service accounts on which permissions on this resource apply."""
    if resource.account is not None:
        return (resource.name,)
    if resource.container is None:
        return ()
    return tuple(account_key(project, "*") for project in tree.projects(resource.place))


# --- Escalation methods that a binding allows, and their targets (pure) ---


class GcpWay(Struct, frozen=True, kw_only=True):
    """Escalation methods of one family that a binding allows.

    ``targets``: patterns of keys. ``certain``: it does not depend on a condition, a deny policy or an unread policy.
    ``itself``: the holder raises its own privilege by it, for certain.
    """

    family: Family
    methods: tuple[str, ...]
    targets: tuple[str, ...]
    certain: bool
    itself: bool = False


def ways_of(binding: Binding, held: BindingRights, holdings: Holdings) -> tuple[GcpWay, ...]:
    """The escalation methods that a binding allows; of one family there may be certain and uncertain ones."""
    possible, certain = methods_met(held.possible), methods_met(held.certain)
    return tuple(
        way
        for family in (vocabulary().family if possible else ())
        if family.name in possible
        for way in _of_family(family, possible[family.name], certain.get(family.name, ()), binding, holdings)
    )


def _of_family(
    family: Family,
    possible: tuple[Method, ...],
    certain: tuple[Method, ...],
    binding: Binding,
    holdings: Holdings,
) -> Iterator[GcpWay]:
    if family.leads == "itself":
        names = {name for method in certain or possible for name in method}
        answer = holdings.changes_own(binding, names)
        yield GcpWay(
            family=family,
            methods=_words(certain or possible),
            targets=(),
            certain=bool(certain) and answer != "maybe",
            itself=bool(certain) and answer == "yes",
        )
        return
    reached = _targets(family, possible, binding, holdings)
    sure = tuple(target for target, is_sure in reached.items() if is_sure and certain)
    maybe = tuple(target for target in reached if target not in sure)
    no_one_yet = family.leads == "principals" and binding.resource.container is not None and not reached
    if sure or (no_one_yet and certain):
        yield GcpWay(family=family, methods=_words(certain), targets=sure, certain=True)
    if maybe or (no_one_yet and not certain):
        yield GcpWay(family=family, methods=_words(possible), targets=maybe, certain=False)


def _words(methods: Iterable[Method]) -> tuple[str, ...]:
    return tuple(" + ".join(method) for method in methods)


def _targets(family: Family, methods: tuple[Method, ...], binding: Binding, holdings: Holdings) -> Mapping[str, bool]:
    """The targets of these methods on a resource, and whether they are certain."""
    resource = binding.resource
    if family.chained:
        return holdings.tokens_of(resource)
    if resource.container is None:
        return dict(_on_account(family, binding, holdings))
    found: dict[str, bool] = {}
    for project in holdings.tree.projects(resource.place):
        open_there = _open_in(family, methods, binding, holdings, project)
        if open_there is not None:
            found |= dict.fromkeys(_patterns(family, holdings, project), open_there)
    return found


def _on_account(family: Family, binding: Binding, holdings: Holdings) -> Iterator[tuple[str, bool]]:
    resource = binding.resource
    if family.stored:
        yield from ((key, True) for key in holdings.run_from(resource))
    if resource.project is None or family.stored:
        return
    if family.leads == "accounts" and resource.account is not None:
        runs = holdings.may_run(binding.member.id, resource.project) if family.attaches else "yes"
        if runs != "no":
            yield resource.name, runs == "yes"
    elif family.leads == "workloads" and any(
        fnmatchcase(resource.name, pattern) for pattern in _patterns(family, holdings, resource.project)
    ):
        yield resource.name, True


def _patterns(family: Family, holdings: Holdings, project: str) -> tuple[str, ...]:
    if family.leads == "accounts":
        return (account_key(project, "*"),)
    if family.stored:
        return holdings.run_from(holdings.tree.resource(full_name(f"projects/{project}")))
    if family.leads == "workloads":
        return tuple(thing.format(project=project) for thing in family.things)
    if family.leads == "principals":
        return holdings.pools_in(project)
    number = holdings.tree.number(project)
    return () if number is None else tuple(_key_of(project, one.format(number=number)) for one in family.agents)


def _key_of(project: str, email: str) -> str:
    return service_agent_key(email) if account_of(email).kind in AGENTS else account_key(project, email)


def _open_in(
    family: Family, methods: tuple[Method, ...], binding: Binding, holdings: Holdings, project: str
) -> bool | None:
    """Whether one of the methods works in a project below: True, None for no, False if that is uncertain."""
    denied = holdings.denied_below(binding, {name for method in methods for name in method}, project)
    left = [method for method in methods if not any(denied.get(name) == "yes" for name in method)]
    runs = holdings.may_run(binding.member.id, project) if family.attaches else "yes"
    if not left or runs == "no":
        return None
    return runs == "yes" and any(denied.keys().isdisjoint(method) for method in left)


# --- Privilege of one binding: level, evidence and targets (pure) ---
#
# A permission on an organization, a folder or a project applies to everything in it, so it sets the privilege level.
# One that leads to others is potential, until everything has been read and one of them is an admin. On a single service
# account or workload it applies only there: that is a link, from which attack paths are made then.

NAMED = 3
"""Maximum number of permissions of one category that evidence names; the rest are counted."""
UNDER_A_CONDITION = "under a condition"
NOT_LISTED = "; the accounts there could not all be listed"
SOME_DENIED = "a deny policy takes part of the role away"

READ_SECRETS = "secretmanager.versions.access"

_OF_IDENTITIES = frozenset({"accounts", "agents", "principals"})


class Judgement(Struct, frozen=True, kw_only=True):
    """The verdict on a binding. ``becomes_if``: like ``becomes``, if a condition decides."""

    privilege: Privilege
    becomes: tuple[str, ...] = ()
    becomes_if: tuple[str, ...] = ()
    takes_over: tuple[Takeover, ...] = ()
    consequences: tuple[Consequence, ...] = ()


def judge(binding: Binding, holdings: Holdings) -> Judgement:
    """The verdict on one binding, among all those that were read with it."""
    held = holdings.held(binding)
    reaches = binding.resource.container is not None or binding.resource.account is not None
    if not held.is_known and reaches:
        unknown = f"the permissions of {binding.role} on {binding.resource.short} could not be read"
        return Judgement(privilege=Privilege(level="unknown", evidence=(unknown,)))
    ways = ways_of(binding, held, holdings)
    privilege = _privilege(binding, held, ways, all_listed=holdings.lists_accounts(binding.resource))
    if privilege.level == "admin":
        return Judgement(privilege=privilege)
    becomes = _judging_targets(way for way in ways if way.certain)
    return Judgement(
        privilege=privilege,
        becomes=becomes,
        becomes_if=tuple(
            one for one in _judging_targets(way for way in ways if not way.certain) if one not in set(becomes)
        ),
        takes_over=tuple(
            Takeover(by=f"{_some(way.methods)} by {binding.role}", on=way.targets, conditional=not way.certain)
            for way in ways
            if way.family.leads == "workloads"
        ),
        consequences=tuple(_consequences(binding, held, holdings.tree)),
    )


def _consequences(binding: Binding, held: BindingRights, tree: Tree) -> Iterator[Consequence]:
    """The consequences on any resource; those on a resource inside a project are narrow."""
    resource = binding.resource
    for kind, what in vocabulary().consequences.items():
        names = vocabulary().high[what]
        found = held.certain.intersection(names) or held.possible.intersection(names)
        if found:
            yield Consequence(
                kind=kind,
                actions=tuple(sorted(found)[:NAMED]),
                by=f"{binding.role} on {resource.short}",
                on=_secrets(resource, tree) if READ_SECRETS in found else (),
                narrow=resource.container is None or (kind == "read_secrets" and READ_SECRETS not in found),
                conditional=held.certain.isdisjoint(found),
            )


def _secrets(resource: GcpResource, tree: Tree) -> tuple[str, ...]:
    """Patterns for the keys of the stored secrets that a permission on this resource allows to read."""
    if resource.container is not None:
        return tuple(stored_key(project, "*") for project in tree.projects(resource.place))
    return (resource.name,) if resource.name.startswith(stored_key("", "").rstrip("/")) else ()


def _judging_targets(ways: Iterable[GcpWay]) -> tuple[str, ...]:
    of_identities = (way.targets for way in ways if way.family.leads in _OF_IDENTITIES)
    return tuple(dict.fromkeys(chain.from_iterable(of_identities)))


def _privilege(binding: Binding, held: BindingRights, ways: Sequence[GcpWay], *, all_listed: bool) -> Privilege:
    container = binding.resource.container
    if container is None:
        return Privilege(level="normal")
    where = f"on {binding.resource.short} ({binding.role})"
    hindered = (SOME_DENIED,) if held.denied else ()
    rule = frozenset(vocabulary().admin[container])
    if found := held.certain & rule:
        return Privilege(
            level="admin", evidence=(f"can grant itself any permission {where}: {_some(found)}", *hindered)
        )
    if sure := [f"{way.family.by} {where}: {_some(way.methods)}" for way in ways if way.itself]:
        return Privilege(level="escalation", evidence=(*sure, *hindered))
    reasons = [*(_potential(way, where, all_listed=all_listed) for way in ways), *_high(held, where)]
    if found := held.possible & rule:
        reasons.insert(0, _possible("grant itself any permission", where, found))
    return Privilege(level="high", evidence=(*reasons, *hindered)) if reasons else Privilege(level="normal")


def _potential(way: GcpWay, where: str, *, all_listed: bool) -> str:
    qualifier = "" if way.certain else f", {UNDER_A_CONDITION}"
    if way.family.leads == "accounts" and not all_listed:
        qualifier += NOT_LISTED
    return f"{POTENTIAL}could {way.family.name} {where}: {_some(way.methods)}{qualifier}"


def _high(held: BindingRights, where: str) -> Iterator[str]:
    for consequence, names in vocabulary().high.items():
        if found := held.certain.intersection(names):
            yield f"can {consequence} {where}: {_some(found)}"
        elif found := held.possible.intersection(names):
            yield _possible(consequence, where, found)


def _possible(what: str, where: str, names: Iterable[str]) -> str:
    return f"can {what} {where}: {_some(names)}, {UNDER_A_CONDITION}"


def _some(names: Iterable[str]) -> str:
    return few(sorted(names), NAMED)
