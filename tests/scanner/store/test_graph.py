"""The attack graph as it is streamed from a store, beside the one made of the loaded scan."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from scanner.access.attack_paths import Step, admins, graph_of, is_external, steps_of
from scanner.discovery.inventory import Inventory
from scanner.judging.last_known.remembered import Remembered
from scanner.judging.pipeline import Declared, judge
from scanner.model import (
    POWERFUL,
    Assessment,
    Assignment,
    Grant,
    Identity,
    Link,
    Privilege,
    ScanResult,
    Trust,
    Way,
    Workload,
)
from scanner.store.store import Store
from tests.databases import empty_stores
from tests.examples import examples
from tests.factories import make_assessment, make_identity, make_result

NAMES = "abcdef"
VENDOR = Trust(principal="arn:aws:iam::999999999999:root", kind="account", external=True, evidence="no condition")


@st.composite
def estates(draw: st.DrawFn) -> ScanResult:
    """Identities with links of several relations, ways under conditions, trusts and an assignment."""

    def link() -> st.SearchStrategy[Link]:
        relation = st.sampled_from(("can_assume", "acts_as", "member_of", "runs_as"))
        return st.builds(
            Link, relation=relation, target=st.sampled_from([*map(key, NAMES), "elsewhere"]), evidence=st.text()
        )

    def identity(name: str) -> Assessment:
        principal = Trust(principal=key(draw(st.sampled_from(NAMES))), kind="principal", evidence="trusted")
        ways = (Way(kind="assume", on=("acme:*",), conditional=True, by="sts"),)
        takes = (Way(kind="take_over", on=("*",), conditional=True, by="lambda:UpdateFunctionCode"),)
        makes = (Way(kind="make_admin", on=("acme:*",), by="iam:PutUserPolicy"),)
        becomes = (Way(kind="become", on=("acme:*",), conditional=True, by="iam:CreateAccessKey"),)
        own = make_identity(
            name,
            key=key(name),
            scope=draw(st.sampled_from("12")),
            links=tuple(draw(st.lists(link(), max_size=4, unique_by=lambda one: (one.relation, one.target)))),
            trusts=draw(st.sampled_from(((), (principal,), (VENDOR,)))),
            reach=draw(st.sampled_from(((), ways, takes, makes, becomes))),
        )
        level: Any = draw(st.sampled_from(("normal", "admin", "escalation")))
        return make_assessment(replace(own, privilege=Privilege(level=level)), privilege=Privilege(level=level))

    right = Assignment(
        key="right", provider="aws", source="aws", scope="1", holder=key("a"), conditional=True,
        grant=Grant(name="Owner", via="assignment"), privilege=Privilege(level="high"), becomes=("acme:b*",),
    )  # fmt: skip
    runner = Workload(
        key="function", provider="aws", source="aws", scope="1", kind="function", name="f", runs_as=(key("c"),)
    )
    return replace(
        make_result(*map(identity, NAMES)),
        assignments=draw(st.sampled_from(((), (right,)))),
        workloads=draw(st.sampled_from(((), (runner,)))),
    )


def methods_of(result: ScanResult) -> set[tuple[str, tuple[str, ...]]]:
    """Holders and targets: no admin is either."""
    admins = {one.identity.key for one in result.identities if one.privilege.level == "admin"}
    others = tuple(one.identity.key for one in result.identities if one.identity.key not in admins)
    return {
        (one.identity.key, targets)
        for one in result.identities
        if one.identity.key not in admins
        for targets in (
            *(((one.identity.key,),) if one.identity.privilege.level == "escalation" else ()),
            *((others,) if any(way.kind == "make_admin" for way in one.identity.reach) else ()),
        )
    }


def key(name: str) -> str:
    """The key of an identity."""
    return f"acme:{name}"


def steps_by_pair(store: Store) -> dict[tuple[str, str], Step]:
    """Every step of the stored graph, with its evidence."""
    graph = store.attack_graph()
    pairs = [(one, other) for one in graph.keys for other in graph.neighbours(one)]
    return dict(zip(pairs, graph.steps(pairs), strict=True))


@given(result=estates())
@examples(10)
def test_the_streamed_graph_is_that_of_the_loaded_scan(result: ScanResult) -> None:
    """Edges, evidence, admins and entrances, on each database."""
    expected = graph_of(steps_of(result))
    pairs = [(one, other) for one in expected.keys for other in expected.neighbours(one)]
    for store in empty_stores():
        store.save(result)
        graph = store.attack_graph()
        assert steps_by_pair(store) == dict(zip(pairs, expected.steps(pairs), strict=True))
        assert graph.admins == admins(result.identities)
        assert graph.entrances == {
            one.identity.key: one.identity.trusts
            for one in result.identities
            if any(map(is_external, one.identity.trusts))
        }
        assert {(one.holder, one.targets) for one in graph.methods} == methods_of(result)


def test_evidence_is_of_the_scan_that_the_graph_was_made_of() -> None:
    """Also while later scans are saved."""

    def scan(number: int, evidence: str) -> ScanResult:
        links = (Link(relation="can_assume", target=key("b"), evidence=evidence),)
        result = make_result(make_assessment(make_identity("a", key=key("a"), links=links)))
        return replace(result, scan=replace(result.scan, id=f"scan-{number}"))

    for store in empty_stores():
        store.save(scan(1, "before"))
        graph = store.attack_graph()
        store.save(scan(2, "after"))

        (path,) = graph.shortest(key("a"))
        assert [one.evidence for one in path.steps] == ["before"]
        (path,) = store.attack_graph().shortest(key("a"))
        assert [one.evidence for one in path.steps] == ["after"]


SERVICE = Trust(principal="lambda.amazonaws.com", kind="service", evidence="trusts Lambda")
WAYS = st.lists(
    st.builds(
        Way,
        kind=st.sampled_from(("assume", "become", "take_over", "make_admin")),
        on=st.sampled_from((("acme:*",), ("acme:a",), ("acme:b", "acme:c"), ("function",))),
        but=st.sampled_from(((), ("acme:a",))),
        service=st.sampled_from(("", SERVICE.principal)),
        by=st.just("a policy"),
        conditional=st.booleans(),
    ),
    max_size=2,
)


@st.composite
def discovered(draw: st.DrawFn) -> Inventory:
    """Identities as connectors report them: own levels, links, ways, trusts and a workload."""

    def identity(name: str) -> Identity:
        principal = Trust(principal=key(draw(st.sampled_from(NAMES))), kind="principal", evidence="trusted")
        relation: Any = draw(st.sampled_from(("can_assume", "acts_as", "runs_as")))
        target = draw(st.sampled_from([*map(key, NAMES), "acme:unread"]))
        link = Link(relation=relation, target=target, evidence="linked")
        level: Any = draw(st.sampled_from(("normal", "normal", "high", "unknown", "escalation", "admin")))
        return make_identity(
            name,
            key=key(name),
            scope=draw(st.sampled_from("12")),
            links=draw(st.sampled_from(((), (link,)))),
            trusts=draw(st.sampled_from(((), (principal,), (VENDOR,), (SERVICE,)))),
            reach=() if level == "admin" else tuple(draw(WAYS)),
            privilege=Privilege(level=level, evidence=("its policies",)),
        )

    runner = Workload(
        key="function", provider="aws", source="prod", scope="1", kind="function", name="f", runs_as=(key("c"),)
    )
    return Inventory(identities=tuple(map(identity, NAMES)), workloads=(runner,))


ASSUMES = Way(kind="assume", on=(key("b"), key("c")), by="a policy")
NAMED_BUT_READ = Inventory(
    identities=(
        make_identity("c", key=key("c"), scope="1", privilege=Privilege(level="admin", evidence=("its policies",))),
        make_identity("f", key=key("f"), scope="1", privilege=Privilege(level="normal"), reach=(ASSUMES,)),
    )
)
"""Whose policies name an admin with another scope in its key, which is known and agrees to nothing."""


@given(inventory=discovered())
@example(inventory=NAMED_BUT_READ)
@examples(60)
def test_a_level_is_powerful_exactly_if_the_stored_graph_has_a_path(inventory: Inventory) -> None:
    """Through judging, the store and the question: what one says the other does not deny."""
    scan = make_result().scan
    result = judge(inventory, Declared(), Remembered(), scan)
    for store in empty_stores():
        store.save(result)
        graph = store.attack_graph()
        for one in result.identities:
            ways, _ = graph.ways_to_admin(one.identity.key, 50)
            certain = any(not path.is_conditional for path in ways)
            assert certain == (one.privilege.level in POWERFUL), (one.identity.key, one.privilege, ways)
            if ways:
                assert one.privilege.level in {*POWERFUL, "high"}
