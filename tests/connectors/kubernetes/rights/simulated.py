"""An attacker in a cluster, simulated request by request: what an account becomes by the tokens that it gets.

It asks the stand-in's authorizer alone, as the API server does, and changes the cluster's objects. It shares nothing
with the connector. What it adds by one token, such as a binding or a lower level of Pod Security, it uses by that
token: two accounts only act together where one rewrites a role that the other one has. Sources: the documentation of
RBAC, of impersonation, and the RBAC good practices of kubernetes.io.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from scanner.demo.fakes.kubernetes.authorizer import Ask, User, allowed, rules_of, service_account
from scanner.demo.fakes.kubernetes.cluster import Cluster, Manifest
from tests.connectors.kubernetes.manifests import RBAC, binding

_TEMPLATES = (("apps", "deployments"), ("batch", "cronjobs"))
_ALL = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
_LEVELS = ("baseline", "restricted")
_ANYTHING = Ask(verb="anything", group="any.example", resource="anything")
_ACCOUNT = tuple[str, str]


class Attacker:
    """Starts with the token of one account. ``users`` and ``groups``: those whom it may try to impersonate."""

    def __init__(self, objects: list[Manifest], users: tuple[str, ...], groups: tuple[str, ...]) -> None:
        self._objects, self._users, self._groups = objects, users, groups

    def becomes_admin(self, start: _ACCOUNT) -> bool:
        """Whether it gets all rights, or the node of a pod."""
        self._cluster = Cluster(self._objects)
        self._tokens = {start}
        self._lowered: set[tuple[_ACCOUNT, str]] = set()
        self._won = False
        before = None
        while not self._won and before != (before := self._state()):
            for token in sorted(self._tokens):
                for who in list(self._names(token)):
                    self._act(token, who)
        return self._won

    def _state(self) -> Any:
        kinds = ("roles", "clusterroles", "rolebindings", "clusterrolebindings")
        return sorted(self._tokens), len(self._lowered), str([self._cluster.of(kind) for kind in kinds])

    def _may(self, who: User, verb: str, resource: str, namespace: str = "", name: str = "", group: str = "") -> bool:
        plural, _, sub = resource.partition("/")
        return allowed(self._cluster, who, Ask(verb=verb, group=group, resource=plural, subresource=sub, name=name,
                                               namespace=namespace))  # fmt: skip

    def _names(self, token: _ACCOUNT) -> Iterator[User]:
        """The account itself, and all in whose name it may send a request. The token's own rights decide."""
        caller = service_account(*token)
        yield caller
        groups = tuple(name for name in self._groups if self._may(caller, "impersonate", "groups", name=name))
        for name in self._users:
            if self._may(caller, "impersonate", "users", name=name):
                yield User(name, (*groups, "system:authenticated"))
        for namespace, name in self._accounts():
            if self._may(caller, "impersonate", "serviceaccounts", namespace, name):
                yield service_account(namespace, name)
                yield User(service_account(namespace, name).name, (*groups, "system:authenticated"))

    def _accounts(self) -> list[_ACCOUNT]:
        return [_place(one) for one in self._cluster.of("serviceaccounts")]

    def _act(self, token: _ACCOUNT, who: User) -> None:
        """Everything that one request in that name does, or two about a secret."""
        if "system:masters" in who.groups or allowed(self._cluster, who, _ANYTHING):
            self._won = True
        for one in self._cluster.of("namespaces"):
            name = one["metadata"]["name"]
            if any(self._may(who, verb, "namespaces", name, name) for verb in ("update", "patch")):
                self._lowered.add((token, name))
            level = one["metadata"].get("labels", {}).get(_LEVEL)
            self._run(who, name, is_open=level not in _LEVELS or (token, name) in self._lowered)
        for pod in self._cluster.of("pods"):
            namespace, name = _place(pod)
            if self._may(who, "create", "pods/exec", namespace, name):
                self._tokens.add((namespace, pod["spec"]["serviceAccountName"]))
        for namespace, name in self._accounts():
            if self._may(who, "create", "serviceaccounts/token", namespace, name):
                self._tokens.add((namespace, name))
        for secret in self._cluster.of("secrets"):
            namespace, name = _place(secret)
            if any(self._may(who, verb, "secrets", namespace, name) for verb in ("get", "patch")):
                self._tokens.add((namespace, secret["metadata"]["annotations"]["kubernetes.io/service-account.name"]))
        self._bind(token, who)
        self._rewrite(who)

    def _run(self, who: User, namespace: str, *, is_open: bool) -> None:
        runs = self._may(who, "create", "pods", namespace)
        for group, plural in _TEMPLATES:
            runs |= self._may(who, "create", plural, namespace, group=group)
            for one in self._cluster.of(plural):
                there, name = _place(one)
                changes = any(self._may(who, verb, plural, there, name, group) for verb in ("update", "patch"))
                runs |= there == namespace and changes
        if runs:
            self._won |= is_open
            self._tokens |= {one for one in self._accounts() if one[0] == namespace}

    def _bind(self, token: _ACCOUNT, who: User) -> None:
        """Bind each role to the account of the token, by a new binding or by one that exists."""
        roles = [*self._cluster.of("clusterroles"), *self._cluster.of("roles")]
        spaces = ("", *(one["metadata"]["name"] for one in self._cluster.of("namespaces")))
        for role, space in product(roles, spaces):
            its_space = role["metadata"].get("namespace", "")
            if (its_space and its_space != space) or not self._may_bind(who, role, space):
                continue
            to = f"{role['kind']}/{role['metadata']['name']}"
            plural = "rolebindings" if space else "clusterrolebindings"
            if self._may(who, "create", plural, space, group=RBAC):
                self._add(plural, binding(f"by-{token[1]}-{to.replace('/', '-')}", to, token, within=space))
            for one in self._cluster.of(plural):
                refers = f"{one['roleRef']['kind']}/{one['roleRef']['name']}" == to
                if not refers or one["metadata"].get("namespace", "") != space:
                    continue
                if any(
                    self._may(who, verb, plural, space, one["metadata"]["name"], RBAC) for verb in ("update", "patch")
                ):
                    subject = {"kind": "ServiceAccount", "namespace": token[0], "name": token[1]}
                    one["subjects"] = [*one["subjects"], *([] if subject in one["subjects"] else [subject])]

    def _add(self, plural: str, made: Manifest) -> None:
        known = self._cluster.of(plural)
        if all((_place(one), one["roleRef"]) != (_place(made), made["roleRef"]) for one in known):
            known.append(made)

    def _may_bind(self, who: User, role: Manifest, space: str) -> bool:
        plural = f"{role['kind'].lower()}s"
        if self._may(who, "bind", plural, space, role["metadata"]["name"], RBAC):
            return True
        return all(self._covers(who, rule, space) for rule in role["rules"])

    def _covers(self, who: User, rule: Manifest, space: str) -> bool:
        """Whether the user has all rights of a rule."""
        theirs = list(rules_of(self._cluster, who, space))
        parts = product(rule["verbs"], rule["apiGroups"], rule["resources"], rule.get("resourceNames") or [None])
        return all(any(_has(one, *part) for one in theirs) for part in parts)

    def _rewrite(self, who: User) -> None:
        for role in (*self._cluster.of("clusterroles"), *self._cluster.of("roles")):
            plural, (space, name) = f"{role['kind'].lower()}s", _place(role)
            writes = any(self._may(who, verb, plural, space, name, RBAC) for verb in ("update", "patch"))
            if writes and self._may(who, "escalate", plural, space, name, RBAC):
                role["rules"] = [_ALL]


_LEVEL = "pod-security.kubernetes.io/enforce"


def _place(one: Manifest) -> _ACCOUNT:
    return one["metadata"].get("namespace", ""), one["metadata"]["name"]


def _has(rule: Mapping[str, Any], verb: str, group: str, resource: str, name: str | None) -> bool:
    named = rule.get("resourceNames")
    sub = resource.partition("/")[2]
    fits = {"*", resource, *((f"*/{sub}",) if sub else ())}
    return (
        not {"*", verb}.isdisjoint(rule["verbs"])
        and not {"*", group}.isdisjoint(rule["apiGroups"])
        and not fits.isdisjoint(rule["resources"])
        and (not named or name in named)
    )
