"""Levels and edges in random clusters, held against a simulated attacker: who becomes an admin, and who does not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from scanner.model import POWERFUL, Identity
from tests.connectors.kubernetes.conftest import read_listed
from tests.connectors.kubernetes.manifests import (
    RBAC,
    Manifest,
    account,
    binding,
    deployment,
    group,
    namespace,
    pod,
    role,
    rule,
    token,
    user,
)
from tests.connectors.kubernetes.rights.simulated import Attacker

ENFORCE = "pod-security.kubernetes.io/enforce"
ACCOUNTS = (("shop", "ci"), ("shop", "web"), ("ops", "robot"), ("ops", "boss"))
FIXED: tuple[Manifest, ...] = (
    *(namespace(name, **{ENFORCE: "restricted"}) for name in ("shop", "ops", "default", "kube-system")),
    *(account(*one) for one in ACCOUNTS),
    pod("shop", "web-1", "web"),
    pod("ops", "robot-1", "robot"),
    token("ops", "boss-token", "boss"),
    deployment("shop", "web", "web"),
    role("cluster-admin", rule("*", "*", "*")),
)
ROLES = tuple(f"r{number}" for number in range(4))
MAYBE = (
    *(rule("create", "", resource) for resource in ("pods", "pods/exec", "serviceaccounts/token")),
    rule("create", "", "pods/exec", "web-1"),
    rule("create", "", "serviceaccounts/token", "robot"),
    rule("get", "", "secrets"),
    rule("get", "", "secrets", "boss-token"),
    rule("patch", "apps", "deployments"),
    rule("patch", "apps", "deployments", "web"),
    rule("patch", "apps", "deployments", "gone"),
    rule("patch", "", "namespaces"),
    rule("patch", "", "namespaces", "ops"),
    rule("impersonate", "", "users", "anne"),
    rule("impersonate", "", "users groups"),
    rule("impersonate", "", "groups", "staff"),
    rule("impersonate", "", "serviceaccounts"),
    *(rule("impersonate", "", "serviceaccounts", name) for _, name in ACCOUNTS),
    *(rule("bind", RBAC, "clusterroles", name) for name in (*ROLES, "cluster-admin")),
    rule("bind", RBAC, "roles"),
    rule("create", RBAC, "rolebindings"),
    rule("create", RBAC, "clusterrolebindings"),
    rule("create", RBAC, "rolebindings clusterrolebindings"),
    rule("patch", RBAC, "rolebindings", "b1"),
    rule("update", RBAC, "rolebindings clusterrolebindings"),
    *(rule("escalate patch", RBAC, "clusterroles", name) for name in ROLES),
    rule("escalate update", RBAC, "roles"),
    rule("get list watch", "apps", "*"),
    rule("*", "", "*"),
    rule("*", "*", "*"),
)
SUBJECTS: tuple[Any, ...] = (*ACCOUNTS, *ACCOUNTS, user("anne"), group("staff"), group("system:serviceaccounts:ops"))
rules = st.lists(st.sampled_from(MAYBE), min_size=1, max_size=3)
roles = st.lists(st.tuples(rules, st.sampled_from(("", "", "shop", "ops"))), min_size=1, max_size=len(ROLES))
bindings = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(("", "shop", "ops")), st.sampled_from(SUBJECTS)),
    min_size=1,
    max_size=5,
)


def cluster(given_roles: list[Any], given_bindings: list[Any], *more: Manifest) -> list[Manifest]:
    """The manifests of a cluster."""
    made = [*FIXED, *more]
    made += [role(ROLES[number], *some, within=space) for number, (some, space) in enumerate(given_roles)]
    for number, (which, space, subject) in enumerate(given_bindings):
        its_space = given_roles[which % len(given_roles)][1]
        name = ROLES[which % len(given_roles)]
        to = f"Role/{name}" if its_space else f"ClusterRole/{name}"
        made.append(binding(f"b{number}", to, subject, within=its_space or space))
    return made


def admins(identities: Iterable[Identity]) -> set[str]:
    """The keys of those who control an admin, or both sides of a method, to a fixed point."""
    known = {one.key: one for one in identities}
    strong = {key for key, one in known.items() if one.privilege.level in POWERFUL}
    controls: dict[str, set[str]] = {}
    for key in known:
        reached, left = {key}, [key]
        while left:
            more = _next(known[left.pop()], known) - reached
            reached |= more
            left += more
        controls[key] = reached
    while more := {key for key, those in controls.items() if key not in strong and _wins(those, strong, known)}:
        strong |= more
    return strong


def _next(one: Identity, known: Mapping[str, Identity]) -> set[str]:
    linked = {link.target for link in one.links if link.relation == "can_assume"}
    return (linked | {key for way in one.reach if way.kind == "become" for key in _meant(way, known)}) & known.keys()


def _meant(way: Any, known: Iterable[str]) -> set[str]:
    return {key for key in known if _fits(key, way.on) and not _fits(key, way.but)}


def _fits(key: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(key, pattern) for pattern in patterns)


def _wins(those: set[str], strong: set[str], known: Mapping[str, Identity]) -> bool:
    methods = (way for key in those for way in known[key].reach if way.kind == "make_admin")
    return not those.isdisjoint(strong) or any(not those.isdisjoint(_meant(way, known)) for way in methods)


def differences(objects: list[Manifest]) -> dict[str, bool]:
    """The accounts of which scanner and attacker do not agree, with what the attacker says."""
    identities = [one for one in read_listed(*objects).accounts.values() if one.kind == "service_account"]
    found = {f"{one.attributes['namespace']}/{one.name}": one.key in admins(identities) for one in identities}
    attacker = Attacker(objects, ("anne",), ("staff", "system:masters"))
    true = {"/".join(one): attacker.becomes_admin(one) for one in ACCOUNTS}
    return {name: won for name, won in true.items() if found[name] != won}


@given(roles, bindings, st.booleans())
def test_who_becomes_an_admin(given_roles: list[Any], given_bindings: list[Any], is_open: bool) -> None:
    """Each account that an attacker leads to an admin, and no other."""
    more = (namespace("wild"),) if is_open else ()

    assert differences(cluster(given_roles, given_bindings, *more)) == {}
