"""Links between accounts up to a limit: what they lead to in the end is the same without the rest."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connectors.kubernetes.rights.bindings import Bound
from connectors.kubernetes.rights.evaluation import Authority
from connectors.kubernetes.rights.links import Links, links_of
from connectors.kubernetes.rights.rules import rules_of
from connectors.kubernetes.rights.targets import Account, KubernetesAccounts, Surroundings
from scanner.access.raised_privileges import raise_by_paths
from scanner.model import Edge, PrivilegeLevel
from tests.connectors.kubernetes.manifests import rule

SPACES = ("shop", "ops", "data")
NAMES = ("a", "b", "c")
ACCOUNTS = tuple((space, name) for space in SPACES for name in NAMES)
CLOUD = ("data", "c")
"""An account that opens something elsewhere."""
ROLES = {
    "boss": [rule("*", "*", "*")],
    "runs": [rule("create", "", "pods")],
    "enters": [rule("create", "", "pods/exec")],
    "asks for one": [rule("create", "", "serviceaccounts/token", "b")],
    "reads": [rule("get", "", "secrets")],
}
bindings = st.lists(
    st.tuples(st.sampled_from(sorted(ROLES)), st.sampled_from(("", *SPACES)), st.sampled_from(ACCOUNTS)), max_size=8
)


def levels_and_clouds(given_: list[Any], most: int) -> tuple[dict[Account, PrivilegeLevel], set[Account]]:
    """The level of each account after all paths, and who gets to the cloud."""
    # Where a level is enforced, running pods leads to accounts alone.
    authority = Authority({}, Surroundings(enforced=dict.fromkeys(SPACES, "restricted")))
    for number, (name, space, (of, account)) in enumerate(given_):
        bound = Bound(binding=str(number), role=name, namespace=space, rules=rules_of({"rules": ROLES[name]}))
        authority.bind(bound, [("User", f"system:serviceaccount:{of}:{account}")])
    rights = {account: authority.of_account(account) for account in ACCOUNTS}
    accounts = KubernetesAccounts(
        every=dict.fromkeys(SPACES, NAMES),
        pods={"shop": {"one": "a"}, "ops": {"two": "c"}},
        tokens={"ops": {"key": "a"}, "data": {"key": "b"}},
    )
    links = links_of(Links(rights, accounts, [CLOUD]), most)
    edges = [Edge("/".join(one), "/".join(other), "link") for one, its in links.items() for other in its.links]
    raised = raise_by_paths({"/".join(one): its.privilege for one, its in rights.items()}, edges)
    levels = {one: raised["/".join(one)].level for one in ACCOUNTS}
    reached, before = {CLOUD}, set[Account]()
    while reached != before:
        before = set(reached)
        reached |= {one for one, its in links.items() if not reached.isdisjoint(its.links)}
    return levels, reached


@given(bindings)
def test_the_limit_changes_no_level(given_: list[Any]) -> None:
    """Nor who opens a cloud in the end."""
    assert levels_and_clouds(given_, 0) == levels_and_clouds(given_, 1_000)
