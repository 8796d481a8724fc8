"""The blast radius: of one identity with its evidence, of all at once, and both against ``networkx``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import networkx as nx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from scanner.access.blast_radius.counts import Radii
from scanner.access.blast_radius.walk import (
    ELSEWHERE,
    SINGLE_SECRETS,
    UNREAD,
    UNSAID,
    WholeScan,
    administered,
    blast_radius_of,
    consequences_of,
)
from scanner.access.blast_radius.words import rows, sentence
from scanner.access.closures import Closures
from scanner.model import (
    BlastRadius,
    Consequence,
    Count,
    EntryAssessment,
    Identity,
    Link,
    Privilege,
    RegistryVerdict,
    ScanResult,
    StoredSecret,
    Workload,
)
from tests.examples import examples
from tests.factories import make_assessment, make_entry, make_identity, make_result

NORMAL = Privilege(level="normal")
ADMIN = Consequence(kind="administer", by="policy Admin")


def identity(key: str, *targets: str, scope: str = "a", **facts: Any) -> Identity:
    """One that can become these."""
    links = tuple(Link(relation="can_assume", target=target, evidence="trusted") for target in targets)
    defaults = {"privilege": NORMAL, "consequences": (), "links": links}
    return make_identity(key, key=key, scope=scope, **(defaults | facts))


def secret(key: str, scope: str = "a") -> StoredSecret:
    """A stored secret."""
    return StoredSecret(key=key, provider="aws", source="prod", scope=scope, name=key)


def estate(*identities: Identity, **facts: Any) -> ScanResult:
    """A scan of these identities."""
    runs: Mapping[str, tuple[str, ...]] = facts.pop("runs", {})
    assessed = (make_assessment(one, privilege=one.privilege, consumers=runs.get(one.key, ())) for one in identities)
    return make_result(*assessed, **facts)


def radius_of(result: ScanResult, key: str) -> BlastRadius:
    """With its evidence; the numbers are those that all identities together give."""
    found = blast_radius_of(WholeScan(result), key)
    assert found is not None
    numbers = Radii(result).of(key)
    assert numbers is not None
    assert (numbers.administers, numbers.administered) == (found.administers, found.administered)
    assert (numbers.identities, numbers.secrets, numbers.scopes, numbers.kinds) == (
        found.identities, found.secrets, found.scopes, found.kinds,
    )  # fmt: skip
    assert (numbers.unknown, numbers.human_in_the_loop) == (found.unknown, found.human_in_the_loop)
    return found


def test_what_others_may_do_is_within_reach() -> None:
    """Of each kind of action the nearest holder is the evidence; certain ones count more than conditional ones."""
    send = Consequence(kind="send", actions=("ses:SendEmail",), by="policy Mail")
    maybe = Consequence(kind="delete", actions=("s3:DeleteObject",), by="policy Clean", conditional=True)
    result = estate(
        identity("ci", "deploy", consequences=(maybe,)),
        identity("deploy", "mailer"),
        identity("mailer", scope="b", consequences=(send, Consequence(kind="delete", by="policy All", narrow=True))),
    )

    found = radius_of(result, "ci")

    assert (found.identities, found.scopes) == (Count(number=2), Count(number=2))
    assert found.paths == (("ci", "deploy"), ("ci", "deploy", "mailer"))
    assert list(rows(found)) == [
        ("can become", "ci → deploy"),
        ("can become", "ci → deploy → mailer"),
        ("send messages", "ses:SendEmail by policy Mail in b, held by mailer"),
        ("destroy data", "policy All on some resources in b, held by mailer"),
    ]
    assert sentence(found) == (
        "At worst it can send messages and destroy data; within its reach are 2 other identities, 0 stored secrets and "
        "2 scopes."
    )


def test_a_method_on_an_identity_that_one_controls_administers_its_scope() -> None:
    """As the level says: it makes itself an admin there, by the identity that it controls."""
    able = Privilege(level="escalation", evidence=("ops can make deploy an admin: iam:PutRolePolicy",), goal="deploy")
    result = estate(
        identity("ci", "deploy", "ops"), identity("deploy", scope="b"), identity("ops"), identity("x", scope="b")
    )
    judged = tuple(replace(one, privilege=able) if one.identity.key == "ci" else one for one in result.identities)

    found = radius_of(replace(result, identities=judged), "ci")

    assert (found.administers, found.kinds) == (("aws b",), ("administer",))
    assert found.identities == Count(number=3)
    assert "can do everything in aws b" in sentence(found)


def test_an_admin_reaches_everything_in_its_scope_and_what_that_reaches() -> None:
    """Itself or through others; scopes that no one lives in count, too."""
    result = estate(
        identity("ci", "admin"),
        identity("admin", consequences=(ADMIN,)),
        identity("sleeper", "far", scope="a"),
        identity("far", scope="b", consequences=(Consequence(kind="administer", by="role Owner", scope="c"),)),
        secrets=(secret("s1"), secret("s2"), secret("s3", "c"), secret("other", "b")),
    )

    found = radius_of(result, "ci")

    assert found.administers == ("aws a", "aws c")
    assert (found.identities, found.secrets, found.scopes) == (Count(number=3), Count(number=3), Count(number=3))
    assert found.admin_path == ("ci", "admin")
    assert ("as an admin", "ci → admin") in list(rows(found))
    assert "can do everything in aws a and aws c, as admin; within" in sentence(found)
    assert radius_of(result, "admin").admin_path == ("admin",)
    assert radius_of(result, "far").identities == Count(number=0)


@pytest.mark.parametrize(
    ("facts", "secrets", "unknown"),
    [
        ({"consequences": (Consequence(kind="read_secrets"),)}, Count(number=2), ()),
        ({"consequences": (Consequence(kind="read_secrets", on=("db/*",)),)}, Count(number=1), ()),
        ({"consequences": (Consequence(kind="read_secrets", conditional=True),)}, Count(), ()),
        ({"consequences": (Consequence(kind="read_secrets", narrow=True),)}, Count(at_least=True), (SINGLE_SECRETS,)),
        ({"consequences": None}, Count(at_least=True), (UNSAID,)),
        ({"privilege": Privilege(level="unknown")}, Count(at_least=True), (UNREAD,)),
        ({"links": (Link(relation="can_assume", target="x", evidence=""),)}, Count(at_least=True), (ELSEWHERE,)),
        ({"consequences": None, "privilege": Privilege(level="admin")}, Count(number=2), ()),
    ],
)
def test_what_is_not_known_makes_a_lower_bound(facts: dict[str, Any], secrets: Count, unknown: tuple[str, ...]) -> None:
    """An admin of a list reaches all, though the list does not say which actions its permissions allow."""
    found = radius_of(estate(identity("it", **facts), secrets=(secret("db/1"), secret("web/2"))), "it")

    assert (found.secrets, found.unknown) == (secrets, unknown)
    assert sentence(found).startswith("At worst, as far as is known, it" if unknown else "At worst it")


def test_secrets_that_workloads_read_are_within_reach_of_what_they_run_as() -> None:
    """And an agent that only runs as a role has no rights of its own that could be unknown."""
    runs_as = Link(relation="runs_as", target="role", evidence="it says so")
    result = estate(
        identity("agent", links=(runs_as,), consequences=None, privilege=Privilege(level="unknown")),
        identity("role"),
        runs={"role": ("fn",)},
        workloads=(
            Workload(key="fn", provider="aws", source="prod", scope="a", kind="function", name="fn", uses=("s1",)),
        ),
        secrets=(secret("s1"),),
    )

    found = radius_of(result, "agent")

    assert (found.identities, found.secrets, found.unknown) == (Count(number=1), Count(number=1), ())


@pytest.mark.parametrize(
    ("declared", "says"),
    [(True, "; a person is in the loop."), (False, "; no person is in the loop."), (None, "and 1 scope.")],
)
def test_a_person_in_the_loop_is_as_declared(declared: bool | None, says: str) -> None:
    """By the entry that the identity is registered by."""
    entry = make_entry("it", human_in_the_loop=declared)
    judged = make_assessment(identity("it"), registry=RegistryVerdict(state="registered", entry=entry.id))
    result = make_result(judged, entries=(EntryAssessment(entry=entry, state="found"),))

    assert says in sentence(radius_of(result, "it"))


def test_an_unknown_identity_has_none() -> None:
    """Rather than an empty one."""
    assert blast_radius_of(WholeScan(estate()), "x") is None
    assert Radii(estate()).of("x") is None


# --- against networkx, on random estates ---

KEYS = st.integers(0, 9).map(lambda number: f"k{number}")
IDENTITIES = st.dictionaries(
    KEYS,
    st.tuples(st.sampled_from("abc"), st.sets(KEYS, max_size=3), st.sampled_from(("", "a", "b")), st.booleans()),
    min_size=1,
    max_size=10,
)
_Drawn = dict[str, tuple[str, set[str], str, bool]]
RING: _Drawn = {"k0": ("a", {"k1"}, "", False), "k1": ("a", {"k0", "k2"}, "b", True), "k2": ("b", {"k0"}, "", False)}


def drawn(identities: _Drawn) -> ScanResult:
    """Some administer a scope, some read the secrets of theirs."""
    return estate(
        *(
            identity(
                key,
                *sorted(targets),
                scope=scope,
                consequences=(
                    *((Consequence(kind="administer", scope=admin),) if admin else ()),
                    *((Consequence(kind="read_secrets"),) if reads else ()),
                ),
            )
            for key, (scope, targets, admin, reads) in sorted(identities.items())
        ),
        secrets=(secret("s1"), secret("s2", "b"), secret("s3", "b")),
    )


@examples(20, smoke=20)
@given(IDENTITIES)
@example(RING)
def test_the_numbers_are_those_of_networkx(identities: _Drawn) -> None:
    """One expands every scope to its identities there; here, each is a node."""
    result = drawn(identities)
    graph = nx.DiGraph()
    for one in result.identities:
        held = consequences_of(one.identity)
        reads = {one.identity.scope} if any(each.kind == "read_secrets" for each in held) else set()
        own = {scope for _, scope in administered(one.identity)}
        graph.add_node(one.identity.key)
        graph.add_edges_from((one.identity.key, link.target) for link in one.identity.links)
        graph.add_edges_from((one.identity.key, each.key) for each in result.secrets if each.scope in own | reads)
        graph.add_edges_from(
            (one.identity.key, other.identity.key) for other in result.identities if other.identity.scope in own
        )

    for one in result.identities:
        beyond = nx.descendants(graph, one.identity.key) - {one.identity.key}
        found = radius_of(result, one.identity.key)
        assert found.identities.number == sum(key.startswith("k") for key in beyond)
        assert found.secrets.number == sum(key.startswith("s") for key in beyond)


@examples(20, smoke=20)
@given(st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14)), max_size=60), st.integers(0, 12))
def test_sums_are_exact_or_marked_as_lower_bounds(edges: list[tuple[int, int]], most_steps: int) -> None:
    """Bits are always exact, whatever the work is limited to."""
    graph = nx.DiGraph(edges)
    graph.add_nodes_from(range(15))
    targets = {node: list(graph[node]) for node in graph if graph[node]}

    for limit in (most_steps, 10_000):
        found = Closures(15, targets, [[1] * 15], [1 << node for node in range(15)], limit)
        for node in graph:
            reached = nx.descendants(graph, node) | {node}
            (number,) = found.sums(node)
            assert number == len(reached) if found.is_exact(node) else number <= len(reached)
            assert found.marks(node) == sum(1 << one for one in reached)
    assert all(found.is_exact(node) for node in graph)


@pytest.mark.parametrize(
    "result",
    [
        estate(*(identity(f"k{n}", f"k{n + 1}") for n in range(9))),
        estate(*(identity(f"k{n}", consequences=() if n else (ADMIN,)) for n in range(9))),
    ],
    ids=["chain", "scope"],
)
def test_a_walk_ends_at_its_limit_and_says_so(result: ScanResult) -> None:
    """The nearest are counted; of a scope no more are read than can be."""
    found = blast_radius_of(WholeScan(result), "k0", most=3)

    assert found is not None
    assert found.identities == Count(number=3, at_least=True)
    assert any("nearest" in reason for reason in found.unknown)
