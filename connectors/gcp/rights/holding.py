"""What each member holds where, of all the bindings that were read together: conditions and denials counted (pure)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from itertools import chain
from types import MappingProxyType

from msgspec import Struct, structs

from connectors.gcp.keys import account_key
from connectors.gcp.rights.bindings import Binding
from connectors.gcp.rights.conditions import Outlook, outlook
from connectors.gcp.rights.deny import Answer, Denials
from connectors.gcp.rights.roles import Roles
from connectors.gcp.rights.tree import Resource, Tree
from connectors.gcp.rights.vocabulary import MAKE_TOKENS, vocabulary

_NOTHING: frozenset[str] = frozenset()
_BUCKET = re.compile(r"//storage\.googleapis\.com/(?:projects/[^/]+/buckets/)?([^/]+)")


class Held(Struct, frozen=True, kw_only=True, gc=False):
    """What a binding gives, of what counts: for ``certain``, and ``possible`` where a condition or a denial decides.

    ``denied``: what the role allows and a deny policy takes away. ``outlook``: what the binding's condition comes to.
    ``is_known``: whether the role could be read.
    """

    certain: frozenset[str] = _NOTHING
    possible: frozenset[str] = _NOTHING
    denied: frozenset[str] = _NOTHING
    outlook: Outlook
    is_known: bool = True


class Holdings:
    """The bindings that were read together, and what follows from several of them.

    ``unread``: containers whose own policy is not among them, so that more may be held there. ``code_in``: project id
    and key of what runs the code in a bucket, by its name.
    """

    def __init__(
        self,
        bindings: Iterable[Binding],
        roles: Roles,
        tree: Tree,
        denials: Denials,
        now: datetime,
        unread: Collection[str] = (),
        code_in: Mapping[str, Collection[tuple[str, str]]] = MappingProxyType({}),
    ) -> None:
        self.tree = tree
        self._roles = roles
        self._denials = denials
        self._now = now
        self._unread = frozenset(unread)
        self._code_in = code_in
        self._runs_code: defaultdict[str, set[str]] = defaultdict(set)
        for project, key in chain.from_iterable(code_in.values()):
            self._runs_code[f"projects/{project}"].add(key)
        self._running: defaultdict[str, dict[str, Answer]] = defaultdict(dict)
        self._tokens: defaultdict[str, dict[str, bool]] = defaultdict(dict)
        self._accounts: defaultdict[str, set[str]] = defaultdict(set)
        for binding in bindings:
            self._add(binding)

    def held(self, binding: Binding) -> Held:
        """What that binding gives."""
        permissions = self._roles[binding.role].permissions
        met = outlook(binding.condition, self._now)
        if binding.entitlement and met.standing == "always":
            met = structs.replace(met, standing="maybe")
        if permissions is None:
            return Held(outlook=met, is_known=met.standing == "never")
        if met.standing == "never":
            return Held(outlook=met)
        denied = self._denials.denied(binding.member, permissions, binding.resource.place) if self._denials else {}
        possible = permissions.difference(name for name, answer in denied.items() if answer == "yes")
        certain = permissions.difference(denied) if met.standing == "always" else _NOTHING
        return Held(certain=certain, possible=possible, denied=permissions - possible, outlook=met)

    def may_run(self, member: str, project: str) -> Answer:
        """Whether a member can make something run in a project, by any of its bindings."""
        path = self.tree.path(f"projects/{project}")
        answers = {self._running[member].get(place, "no") for place in path} if member in self._running else set()
        if "yes" in answers:
            return "yes"
        return "maybe" if "maybe" in answers or not self._unread.isdisjoint(path) else "no"

    def tokens_of(self, resource: Resource) -> Mapping[str, bool]:
        """Whom the service accounts there can make tokens for, as patterns of keys; False: under a condition."""
        accounts = [resource.account] if resource.account else self._within(resource)
        found: dict[str, bool] = {}
        for email in accounts:
            for pattern, certain in self._tokens.get(email, {}).items():
                found[pattern] = certain or found.get(pattern, False)
        return found

    def run_from(self, resource: Resource) -> tuple[str, ...]:
        """Keys of what runs the code in a bucket, or in the buckets of a project."""
        bucket = _BUCKET.fullmatch(resource.name)
        if bucket is not None:
            return tuple(sorted(key for _, key in self._code_in.get(bucket[1], ())))
        return tuple(sorted(self._runs_code.get(resource.place, ()))) if resource.container is not None else ()

    def denied_below(self, binding: Binding, permissions: Iterable[str], project: str) -> dict[str, Answer]:
        """Of these permissions, what is denied to the member in a project below the resource."""
        return self._denials.denied(binding.member, permissions, f"projects/{project}") if self._denials else {}

    def _within(self, resource: Resource) -> list[str]:
        return sorted({email for project in self.tree.projects(resource.place) for email in self._accounts[project]})

    def _add(self, binding: Binding) -> None:
        held = self.held(binding)
        running = vocabulary().running
        place = binding.resource.place
        if binding.resource.container is not None and not held.possible.isdisjoint(running):
            known = self._running[binding.member.id]
            if known.get(place) != "yes":
                known[place] = "maybe" if held.certain.isdisjoint(running) else "yes"
        if binding.member.kind == "service_account" and MAKE_TOKENS in held.possible:
            self._accounts[self.tree.project_of(binding.member.id) or ""].add(binding.member.id)
            tokens = self._tokens[binding.member.id]
            for pattern in accounts_on(binding.resource, self.tree):
                tokens[pattern] = MAKE_TOKENS in held.certain or tokens.get(pattern, False)


def accounts_on(resource: Resource, tree: Tree) -> tuple[str, ...]:
    """Patterns of keys of the service accounts that a right there reaches."""
    if resource.account is not None:
        return (resource.name,)
    if resource.container is None:
        return ()
    return tuple(account_key(project, "*") for project in tree.projects(resource.place))
