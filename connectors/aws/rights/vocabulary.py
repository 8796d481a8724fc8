"""Known actions of AWS, one bit each, and the escalation tables (``privilege.toml``).

``iam:PassRole`` has a bit of its own and one for each service that takes roles, so that a statement which allows
passing to one service only is a plain set of actions, too. A call that must be allowed on each of several things
has a bit for each of them.

The tables are checked against each other when they are loaded: a name that a table lacks is an error at
once, not a policy that is silently ignored.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from itertools import chain
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from connectors.aws.rights.patterns import arn_parts, compiled, has_wildcard, may_meet
from scanner.catalog import read_table
from scanner.model import ConsequenceKind

ASSUME_ROLE = "sts:AssumeRole"
PASS_ROLE = "iam:PassRole"  # noqa: S105  # no password: PASS is a word in the action's name
_TO = " to "
_ON = " on "

Target: TypeAlias = Literal["user", "role", "provider", "workload"]
HolderKind: TypeAlias = Literal["user", "role"]
Changed: TypeAlias = Literal["user", "group", "role", "policy"]


class Family(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A family of methods to become others; ``privilege.toml`` describes the fields."""

    name: str
    reach: Literal["all", "first"]
    methods: tuple[tuple[str, ...], ...] = ()
    target: Target | None = None
    service: str | None = None


class AwsChanges(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The actions that change the rights of users and roles, by what they act on.

    ``grant``: give it a policy with any rights. ``switch``: another version of a policy. ``join``: add to a group.
    ``unbind``: lift or replace its boundary. ``delete``, ``detach``, ``leave``: take away an inline policy, a managed
    one, or a membership, and with it what that denies.
    """

    grant: Mapping[Changed, tuple[str, ...]]
    switch: Mapping[Changed, tuple[str, ...]]
    join: Mapping[Changed, tuple[str, ...]]
    unbind: Mapping[Changed, tuple[str, ...]]
    delete: Mapping[Changed, tuple[str, ...]]
    detach: Mapping[Changed, tuple[str, ...]]
    leave: Mapping[Changed, tuple[str, ...]]

    @property
    def raising(self) -> tuple[str, ...]:
        """The actions that give more rights by themselves."""
        tables = (self.grant, self.switch, self.join)
        return tuple(action for table in tables for actions in table.values() for action in actions)

    @property
    def every(self) -> frozenset[str]:
        """All of these actions."""
        tables = (getattr(self, name) for name in self.__struct_fields__)
        return frozenset(action for table in tables for actions in table.values() for action in actions)


class OnEach(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Actions that must be allowed on each of several things; ``privilege.toml`` describes their names."""

    actions: tuple[str, ...]
    things: Mapping[str, tuple[str, ...]]


PASSING = Family(name="pass a role to something new", reach="first", target="role")
CHANGING = Family(name="give others the rights of an admin", reach="all")


class Tables(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``privilege.toml``."""

    iam_actions: tuple[str, ...]
    changes: AwsChanges
    family: tuple[Family, ...]
    workloads: Mapping[str, tuple[str, ...]]
    pass_role: Mapping[str, tuple[tuple[str, ...], ...]]
    high: Mapping[str, tuple[str, ...]]
    consequences: Mapping[ConsequenceKind, str]
    on_each: tuple[OnEach, ...]
    acts_on: Mapping[str, tuple[str, ...]]
    iam_targets: Mapping[str, tuple[str, ...]]
    aws_policies_that_deny: tuple[str, ...]
    harmless_sessions: tuple[str, ...]
    protected_roles: tuple[str, ...]
    shared_by_resource_policy: tuple[str, ...]

    @property
    def in_methods(self) -> tuple[str, ...]:
        """The actions of all methods."""
        methods = chain(*(family.methods for family in self.family), *self.pass_role.values())
        return (*chain.from_iterable(methods), *sorted(self.changes.every))


def _check(tables: Tables) -> None:
    """Raises ValueError if a table lacks what another names."""
    taking_over = (method[0] for one in tables.family if one.target == "workload" for method in one.methods)
    of_iam = (action for action in (*tables.in_methods, PASS_ROLE) if action.startswith("iam:"))
    lacking = {
        "workloads": set(taking_over) - tables.workloads.keys(),
        "iam_actions": set(of_iam) - {f"iam:{name}" for name in tables.iam_actions},
    }
    for table, names in lacking.items():
        if names:
            raise ValueError(f"privilege.toml: {table} lacks {', '.join(sorted(names))}")


class Method(Struct, frozen=True, kw_only=True):
    """A method to become others or make them admins: all actions that it needs, and the first of them.

    ``service``: the service that a role must trust; None: any role will do. ``patterns``: of workloads, what it takes
    over where it is allowed on everything, by service and resource of their ARNs.
    """

    text: str
    needed: int
    first: int
    service: str | None = None
    patterns: tuple[str, ...] = ()


class Vocabulary:
    """Sets of actions as bits of an integer."""

    def __init__(self, tables: Tables) -> None:
        iam = [f"iam:{name}" for name in tables.iam_actions]
        in_methods = tables.in_methods
        _check(tables)
        high = [action for actions in tables.high.values() for action in actions]
        passing = [f"{PASS_ROLE}{_TO}{service}" for service in sorted(tables.pass_role)]
        parts = {
            f"{action}{_ON}{thing}": names
            for each in tables.on_each
            for action in each.actions
            for thing, names in each.things.items()
        }
        whole = {
            action: [f"{action}{_ON}{thing}" for thing in each.things]
            for each in tables.on_each
            for action in each.actions
        }
        self.tables = tables
        self.actions = (*sorted({*iam, ASSUME_ROLE, *in_methods, *high} - set(whole)), *passing, *parts)
        self._bits = {action.lower(): 1 << place for place, action in enumerate(self.actions)}
        self._things = [(self.bits((part,)), names) for part, names in parts.items()]
        self._bits |= {action.lower(): self.bits(each) for action, each in whole.items()}
        self.enough_by_name = self.bits(part for part, names in parts.items() if not any(map(has_wildcard, names)))
        self.passing = {name.partition(_TO)[2]: self.bits((name,)) for name in passing}
        self.pass_anywhere = self.bits((PASS_ROLE,))
        self.pass_role = self.bits((PASS_ROLE, *passing))
        # The bits of a pattern that covers an action's name.
        self._meant = {name: bit for name, bit in self._bits.items() if " " not in name}
        self._meant[PASS_ROLE.lower()] = self.pass_role
        self._by_service: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for action, bits in self._meant.items():
            self._by_service[action.partition(":")[0]].append((action, bits))
        self.universe = (1 << len(self.actions)) - 1
        self.iam = self.bits(iam)
        self.dangerous_iam = self.bits((set(in_methods) | {PASS_ROLE}) & set(iam))
        self.methods = (
            (CHANGING, tuple(map(self._method, zip(tables.changes.raising)))),
            *(
                (family, tuple(self._method(actions, family.service) for actions in family.methods))
                for family in tables.family
            ),
            (PASSING, tuple(self._passing_methods())),
        )
        self.high = {consequence: self.bits(actions) for consequence, actions in tables.high.items()}
        self.consequences = {kind: self.high[what] for kind, what in tables.consequences.items()}
        self._targets = {
            kind: self._means(f"iam:{name}" for name in names) | self._of_service("sts") * (kind == "role")
            for kind, names in tables.iam_targets.items()
        }

    def _method(self, actions: tuple[str, ...], service: str | None = None) -> Method:
        return Method(
            text=" + ".join(actions),
            needed=self.bits(actions),
            first=self.bits(actions[:1]),
            service=service,
            patterns=self.tables.workloads.get(actions[0], ()),
        )

    def _passing_methods(self) -> Iterable[Method]:
        for service, methods in self.tables.pass_role.items():
            for actions in methods:
                text, first = " + ".join((PASS_ROLE, *actions)), self.passing[service]
                yield Method(text=text, needed=first | self.bits(actions), first=first, service=service)

    def _means(self, actions: Iterable[str]) -> int:
        total = 0
        for action in actions:
            total |= self._meant[action.lower()]
        return total

    def bits(self, actions: Iterable[str]) -> int:
        """The bits of these actions. Raises KeyError for one that is not known."""
        total = 0
        for action in actions:
            total |= self._bits[action.lower()]
        return total

    @lru_cache(maxsize=65536)  # noqa: B019  # there is one vocabulary a process, and it lives as long
    def mask(self, pattern: str) -> int:
        """The bits of the known actions that a policy's action pattern covers."""
        lowered = pattern.lower()
        if not has_wildcard(lowered):
            return self._meant.get(lowered, 0)
        service = lowered.partition(":")[0]
        matches = compiled(lowered).match
        total = 0
        for action, bits in self._meant.items() if has_wildcard(service) else self._by_service.get(service, ()):
            if matches(action):
                total |= bits
        return total

    @lru_cache(maxsize=4096)  # noqa: B019  # there is one vocabulary a process, and it lives as long
    def passed_to(self, services: tuple[str, ...]) -> int:
        """The bits of passing a role to the services that these patterns of ``iam:PassedToService`` cover."""
        total = 0
        for pattern in services:
            matches = compiled(pattern.removesuffix(".cn")).match
            for service, bit in self.passing.items():
                if matches(service):
                    total |= bit
        return total

    @lru_cache(maxsize=65536)  # noqa: B019  # there is one vocabulary a process, and it lives as long
    def acting_on(self, resource: str) -> int:
        """The bits of the known actions that could act on a resource that this pattern covers."""
        parts = arn_parts(resource)
        thing = f"{parts[2]}:{parts[5]}"
        total = self._acting_on_type(parts)
        for bit, names in self._things:
            if total & bit and not any(may_meet(thing, name) for name in names):
                total &= ~bit
        return total

    def _acting_on_type(self, parts: Sequence[str]) -> int:
        service, kind = parts[2], parts[5].partition("/")[0]
        if has_wildcard(service):
            return self.universe
        if service == "iam" and not has_wildcard(kind):
            spared = self.iam & ~self.pass_role if parts[5].startswith(self.tables.protected_roles) else 0
            return self._targets.get(kind, 0) & ~spared
        actors = self.tables.acts_on.get(service, (service,))
        total = 0
        for actor in actors:
            total |= self._of_service(actor)
        return total

    def is_protected(self, arn: str) -> bool:
        """Whether only AWS can change the policies of a role, or whom it trusts."""
        return arn_parts(arn)[5].startswith(self.tables.protected_roles)

    def _of_service(self, service: str) -> int:
        return self.mask(f"{service}:*")

    def names(self, bits: int) -> tuple[str, ...]:
        """The actions with these bits, in order."""
        if not bits:
            return ()
        return tuple(action for place, action in enumerate(self.actions) if bits >> place & 1)


class PublishedPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An AWS managed policy, reduced to the actions in the tables."""

    version: str
    statements: tuple[Mapping[str, Any], ...]


class PublishedPolicies(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``aws_policies.json``: the AWS managed policies that make an administrator, or lead to one.

    By name, as they were published on the day ``as_of``: only AWS can write under ``arn:…:iam::aws:policy/``.
    """

    as_of: str
    policies: Mapping[str, PublishedPolicy]


@cache
def published_policies() -> PublishedPolicies:
    """The shipped table of AWS managed policies, for listings that lack the documents."""
    data = files("connectors.aws.rights").joinpath("aws_policies.json").read_bytes()
    return msgspec.json.decode(data, type=PublishedPolicies)


@cache
def vocabulary() -> Vocabulary:
    """The vocabulary of the shipped tables."""
    return Vocabulary(read_table("connectors.aws.rights", "privilege.toml", Tables))
