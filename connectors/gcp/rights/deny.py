"""Deny policies: the permissions that they deny, and to which principals (pure).

They override allow policies, and apply to everything below the container that they are attached to. Source: the IAM
documentation of deny policies, and of the permissions supported there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, TypeAlias
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from connectors.gcp.rights.conditions import Expression, outlook
from connectors.gcp.rights.members import AGENTS, GcpMember, account_of, parse_member
from connectors.gcp.rights.tree import Tree
from connectors.gcp.rights.vocabulary import canonical

Answer: TypeAlias = Literal["yes", "maybe", "no"]

_EVERYBODY = "principalSet://goog/public:all"
_ACCOUNT = re.compile(r"principal://iam\.googleapis\.com/projects/[^/]+/serviceAccounts/(.+)")
# Sets whose members cannot be listed with read-only permissions on Google Cloud.
_OPAQUE = ("principalSet://goog/group/", "principalSet://goog/cloudIdentityCustomerId/")
_ATTACHMENT = re.compile(
    r"policies/cloudresourcemanager\.googleapis\.com/((?:organizations|folders|projects)/[^/]+)/.+"
)


class _RulePayload(Struct, frozen=True, kw_only=True, rename="camel"):
    denied_principals: tuple[str, ...] = ()
    exception_principals: tuple[str, ...] = ()
    denied_permissions: tuple[str, ...] = ()
    exception_permissions: tuple[str, ...] = ()
    denial_condition: Expression | None = None


class _RuleOfKind(Struct, frozen=True, kw_only=True, rename="camel"):
    deny_rule: _RulePayload | None = None


class DenyPolicyPayload(Struct, frozen=True, kw_only=True):
    """A deny policy of IAM v2; in a listing it has no rules."""

    name: str
    rules: tuple[_RuleOfKind, ...] = ()


class Rule(Struct, frozen=True, kw_only=True, gc=False):
    """A rule of a deny policy. Its permissions have the names that they have in roles."""

    principals: tuple[str, ...]
    exceptions: tuple[str, ...]
    permissions: tuple[str, ...]
    spared: tuple[str, ...]
    condition: Expression | None = None

    def takes(self, permission: str) -> bool:
        """Whether the rule denies this permission."""
        return _fits(permission, self.permissions) and not _fits(permission, self.spared)


def parse_deny_policy(payload: Any) -> tuple[str, tuple[Rule, ...]]:
    """The container that a deny policy is attached to, as named there, and the rules. Raises ValueError."""
    policy = msgspec.convert(payload, DenyPolicyPayload)
    attached = _ATTACHMENT.fullmatch(unquote(policy.name))
    if attached is None:
        raise ValueError(f"no deny policy of an organisation, folder or project: {policy.name}")
    return attached[1], rules_of(policy)


def rules_of(policy: DenyPolicyPayload) -> tuple[Rule, ...]:
    """The rules of a deny policy."""
    return tuple(
        Rule(
            principals=rule.denied_principals,
            exceptions=rule.exception_principals,
            permissions=tuple(map(canonical, rule.denied_permissions)),
            spared=tuple(map(canonical, rule.exception_permissions)),
            condition=rule.denial_condition,
        )
        for each in policy.rules
        if (rule := each.deny_rule) is not None
    )


class Denials:
    """The rules of deny policies, by container. ``now``: the time at which conditions are evaluated."""

    def __init__(self, rules: Mapping[str, Iterable[Rule]], tree: Tree, now: datetime) -> None:
        self._rules = {place: tuple(each) for place, each in rules.items()}
        self._tree = tree
        self._now = now

    def __bool__(self) -> bool:
        return any(self._rules.values())

    def denied(self, member: GcpMember, permissions: Iterable[str], place: str) -> dict[str, Answer]:
        """Those of these permissions that are denied to the member in a container, certainly or possibly."""
        found: dict[str, Answer] = {}
        rules = [rule for each in self._tree.path(place) for rule in self._rules.get(each, ())]
        for rule in rules:
            answer = self._about(rule, member)
            if answer != "no":
                for permission in permissions:
                    if rule.takes(permission):
                        found[permission] = "yes" if "yes" in (answer, found.get(permission)) else "maybe"
        return found

    def _about(self, rule: Rule, member: GcpMember) -> Answer:
        named = self._any_covers(rule.principals, member)
        spared = self._any_covers(rule.exceptions, member)
        standing = outlook(rule.condition, self._now).standing
        if named == "no" or spared == "yes" or standing == "never":
            return "no"
        return "yes" if (named, spared, standing) == ("yes", "no", "always") else "maybe"

    def _any_covers(self, principals: Iterable[str], member: GcpMember) -> Answer:
        answers = {covers(principal, member, self._tree) for principal in principals}
        return "yes" if "yes" in answers else "maybe" if "maybe" in answers else "no"


def covers(principal: str, member: GcpMember, tree: Tree) -> Answer:
    """Whether a principal of a deny policy is, or includes, a member of a binding."""
    if principal in (_EVERYBODY, member.text):
        return "yes"
    account = _ACCOUNT.fullmatch(principal)
    if account:
        return "yes" if member.kind == "service_account" and member.id == account[1] else "no"
    if principal.startswith(_OPAQUE):
        return "maybe"
    group = parse_member(principal)
    if group.kind == "resource_set":
        return _within(group, member, tree)
    if group.kind == "pool_set" and group.pool == member.pool:
        return "yes" if group.selector == "*" else "maybe"
    return "no"


def _within(group: GcpMember, member: GcpMember, tree: Tree) -> Answer:
    """Whether a member is among the accounts (or all principals) of a resource."""
    if member.kind != "service_account":
        return "maybe" if group.selector is None or member.kind == "resource_set" else "no"
    is_agent = account_of(member.id).kind in AGENTS
    if group.selector is not None and is_agent != (group.selector == "ServiceAgent"):
        return "no"
    kind, _, named = (group.pool or "").partition("/")
    wanted = f"projects/{tree.project_id(named)}" if kind == "projects" else group.pool
    project = tree.project_of(member.id)
    if project is None or not tree.knows(project):
        return "maybe"
    return "yes" if wanted in tree.path(f"projects/{project}") else "no"


def _fits(permission: str, patterns: Iterable[str]) -> bool:
    return any(_compiled(pattern).fullmatch(permission) for pattern in patterns)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern for permissions; ``*`` matches any resource or verb: ``iam.roles.*``, ``iam.*.*``."""
    return re.compile("[^.]+".join(map(re.escape, pattern.split("*"))))
