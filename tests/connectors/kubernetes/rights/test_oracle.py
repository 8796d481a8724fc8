"""Rights in random clusters, held against the stand-in's authorizer, which is written apart: request by request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connectors.kubernetes.rights.bindings import Bindings, Bound, subjects_of
from connectors.kubernetes.rights.impersonation import acting
from connectors.kubernetes.rights.rules import KubernetesRule, Scoped, rules_of, scoped
from scanner.demo.fakes.kubernetes.authorizer import Ask, User, allowed, service_account
from scanner.demo.fakes.kubernetes.cluster import Cluster
from tests.connectors.kubernetes.manifests import binding, group, role, user

AS = "authentication.k8s.io"
ACCOUNTS = (("shop", "ci"), ("ops", "robot"))
SUBJECTS: tuple[Any, ...] = (*ACCOUNTS, user("anne"), user("system:serviceaccount:ops:robot"), group("staff"))
VERBS = ("get", "create", "*")
RESOURCES = ("secrets", "pods", "pods/exec", "*", "*/exec")
NAMED = (("users", "anne"), ("groups", "staff"), ("serviceaccounts", "robot"))
MODES = ("user-info", "serviceaccount")


def rule(verbs: Iterable[str], group_: str, resource: str, names: Iterable[str]) -> dict[str, Any]:
    """A rule as manifests have it."""
    found = {"verbs": sorted(verbs), "apiGroups": [group_], "resources": [resource]}
    return found | ({"resourceNames": sorted(names)} if names else {})


plain = st.builds(
    rule,
    st.frozensets(st.sampled_from(VERBS), min_size=1),
    st.sampled_from(("", "*", "apps")),
    st.sampled_from(RESOURCES),
    st.frozensets(st.sampled_from(("one", "two"))),
)
on_behalf = st.builds(
    lambda mode, verb, resource, names: rule([f"impersonate-on:{mode}:{verb}"], "", resource, names),
    st.sampled_from(MODES),
    st.sampled_from(VERBS[:2]),
    st.sampled_from(RESOURCES),
    st.frozensets(st.sampled_from(("one", "two"))),
)
whom = st.sampled_from(
    [
        *(rule(["impersonate"], "", what, [name]) for what, name in NAMED),
        *(rule([f"impersonate:{mode}"], AS, what, [name]) for mode in MODES for what, name in NAMED),
    ]
)
places = st.sampled_from(("", "shop", "ops"))


def clusters(rules: st.SearchStrategy[Any], subjects: Sequence[Any] = SUBJECTS) -> st.SearchStrategy[list[Any]]:
    """Lists of a role's rules, where it is bound, and to whom."""
    return st.lists(
        st.tuples(st.lists(rules, min_size=1, max_size=3), places, st.sampled_from(subjects)), min_size=1, max_size=4
    )


def built(given_: list[Any]) -> tuple[Cluster, Bindings]:
    """As manifests for the authorizer, and as it is evaluated."""
    manifests: list[Any] = []
    bindings = Bindings({})
    for number, (rules, place, subject) in enumerate(given_):
        name = f"r{number}"
        manifests += [role(name, *rules), binding(name, f"ClusterRole/{name}", subject, within=place)]
        parsed = rules_of({"rules": rules}, name)
        named = ("User", f"system:serviceaccount:{subject[0]}:{subject[1]}") if isinstance(subject, tuple) else (
            subject["kind"], subject["name"])  # fmt: skip
        bindings.bind(Bound(binding=name, role=name, namespace=place, rules=parsed), [named])
    return Cluster(manifests), bindings


def rules_held(bindings: Bindings, account: tuple[str, str]) -> Scoped:
    """The rules of an account's bindings."""
    return scoped((one.namespace, one.rules or ()) for one in bindings.of(subjects_of(account)))


def asks() -> Iterator[Ask]:
    """Requests about a kind of objects, and about one of them by its name."""
    for verb, resource, namespace, name in product(VERBS[:2], ("secrets", "pods"), ("", "shop", "ops"), ("", "one")):
        if not (verb == "create" and name):  # only server-side apply names what it creates
            yield Ask(verb=verb, resource=resource, namespace=namespace, name=name)
    for namespace, name in product(("shop", "ops"), ("one", "two")):
        yield Ask(verb="create", resource="pods", subresource="exec", namespace=namespace, name=name)


def allows(rules: Scoped, ask: Ask) -> bool:
    """Whether rules allow a request."""
    resource = f"{ask.resource}/{ask.subresource}" if ask.subresource else ask.resource
    held: list[KubernetesRule] = [*rules.get("", ()), *(rules.get(ask.namespace, ()) if ask.namespace else ())]
    return any(one.covers({ask.verb}, ask.group, resource) and (not one.names or ask.name in one.names) for one in held)


@given(clusters(plain))
def test_rules_of_an_account(cluster_: list[Any]) -> None:
    """The union of its bindings allows what the authorizer allows."""
    cluster, bindings = built(cluster_)

    for account in ACCOUNTS:
        rules = rules_held(bindings, account)
        wrong = [ask for ask in asks() if allows(rules, ask) != allowed(cluster, service_account(*account), ask)]
        assert wrong == []


def may_as_others(cluster: Cluster, actor: User, ask: Ask) -> bool:
    """Whether the request is allowed in the name of a user, a group or an account, with constraints or without.

    Each request is checked as the API server does: may the actor impersonate whom it names, and may that one do it.
    """

    def may(verb: str, group_: str, what: str, name: str, namespace: str = "") -> bool:
        return allowed(cluster, actor, Ask(verb=verb, group=group_, resource=what, name=name, namespace=namespace))

    def on(mode: str) -> bool:
        verb = f"impersonate-on:{mode}:{ask.verb}"
        return allowed(cluster, actor, Ask(verb=verb, resource=ask.resource, subresource=ask.subresource, name=ask.name,
                                           namespace=ask.namespace))  # fmt: skip

    anne, staff = User("anne", ()), User("nobody", ("staff",))
    robot = service_account("ops", "robot")
    as_robot = any(may("impersonate", "", "serviceaccounts", "robot", space) for space in ("shop", "ops"))
    as_anne = may("impersonate", "", "users", "anne")
    if as_anne and allowed(cluster, anne, ask):
        return True
    if any(
        may("impersonate", "", "serviceaccounts", "robot", space)
        and allowed(cluster, service_account(space, "robot"), ask)
        for space in ("shop", "ops")
    ):
        return True
    if (as_anne or as_robot) and may("impersonate", "", "groups", "staff") and allowed(cluster, staff, ask):
        return True
    if on("user-info") and may("impersonate:user-info", AS, "users", "anne"):
        with_staff = may("impersonate:user-info", AS, "groups", "staff")
        if allowed(cluster, anne, ask) or (with_staff and allowed(cluster, staff, ask)):
            return True
    as_account = may("impersonate:serviceaccount", AS, "serviceaccounts", "robot", "ops")
    return on("serviceaccount") and as_account and allowed(cluster, robot, ask)


def wrong_in(given_: list[Any]) -> list[Ask]:
    """Requests that impersonation by shop/ci allows in one of both views alone."""
    cluster, bindings = built(given_)
    actor = service_account(*ACCOUNTS[0])
    found = acting(rules_held(bindings, ACCOUNTS[0]), bindings)
    more = scoped((space, rules) for one in found for space, rules in one.rules.items())
    return [ask for ask in asks() if allows(more, ask) != may_as_others(cluster, actor, ask)]


@given(clusters(st.one_of(whom, on_behalf), ACCOUNTS[:1]), clusters(plain, SUBJECTS[1:]))
def test_what_impersonation_adds(actor: list[Any], others: list[Any]) -> None:
    """It allows what can be done in the name of others, with one right or with two, and nothing else."""
    assert wrong_in([*actor, *others]) == []


@given(clusters(on_behalf, ACCOUNTS[:1]), clusters(plain, SUBJECTS[1:4]))
def test_what_may_be_done_in_the_name_of_others(actor: list[Any], others: list[Any]) -> None:
    """With the first right given, all depends on the second one and on what the others may do."""
    first = [
        ([rule(["impersonate:user-info"], AS, "users", ["anne"])], "", ACCOUNTS[0]),
        ([rule(["impersonate:serviceaccount"], AS, "serviceaccounts", ["robot"])], "ops", ACCOUNTS[0]),
    ]
    assert wrong_in([*first, *actor, *others]) == []
