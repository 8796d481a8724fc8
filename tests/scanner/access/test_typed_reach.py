"""``reach``, token subjects and clusters, and their published attributes: each is read, or fails with a message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec
import pytest

from connectors.core.contract import DiscoveredRecord, Scope, Spec
from scanner.access.edges import resolve
from scanner.discovery.inventory import ScopeReading, join
from scanner.discovery.scopes import read_scope
from scanner.discovery.shards.lines import decode, encode
from scanner.judging.last_known.facts import as_last_known
from scanner.model import Identity, Said, TokenSubject, Trust, Way, Workload, with_typed
from tests.factories import NOW, make_identity

ASSUMES, ASSUMES_IF = Way(kind="assume", on=("a*", "b")), Way(kind="assume", on=("c",), conditional=True)
TAKES = Way(kind="take_over", on=("f:*",), by="it deploys")
TAKES_ANY = Way(kind="take_over", on=("g:*",), but=("g:1",), by="it runs", conditional=True, elsewhere=True)
PUBLISHED = {
    "path": "/",
    "may_become": ["a*", "b"],
    "may_become_if": ["c"],
    "may_take_over": [
        {"by": "it deploys", "on": ["f:*"]},
        {"by": "it runs", "on": ["g:*"], "but": ["g:1"], "conditional": True, "elsewhere": True},
    ],
    "token_subjects": [
        ["aws:1", "arn:aws:sts::1:assumed-role/x/*"],
        ["https://issuer.example", "bot"],
        ["https://issuer.example", "job", [{"name": "ref", "value": "main"}]],
        ["https://issuer.example", "job@1", [], ["job"]],
    ],
    "cluster": ["c-1", "c-2"],
}
SUBJECTS = (
    TokenSubject("aws:1", "arn:aws:sts::1:assumed-role/x/*"),
    TokenSubject("https://issuer.example", "bot"),
    TokenSubject("https://issuer.example", "job", (Said("ref", "main"),)),
    TokenSubject("https://issuer.example", "job@1", (), ("job",)),
)
_ODD_SUBJECTS: list[Any] = ["text", ["i"], [["i"]], [["i", 1]], [["i", "s", ""]], {}, 7]
_ODD_TEXTS: list[Any] = [7, ["a", None], {"url": "x"}, [["x"]]]
MISFITS: list[dict[str, Any]] = [
    {"may_become": "*"},
    {"may_become": [1]},
    {"may_become_if": {"on": ["*"]}},
    {"may_take_over": "*"},
    {"may_take_over": [{"by": "x"}]},
    {"may_take_over": [{"by": "x", "on": "*"}]},
    {"may_take_over": [{"by": "x", "on": ["*"], "unless": ["y"]}]},
    {"may_take_over": [1]},
    *({"token_subjects": value} for value in _ODD_SUBJECTS),
    *({"cluster": value} for value in _ODD_TEXTS),
]
OF_WORKLOADS: list[dict[str, Any]] = [{name: value} for name in ("cluster", "signs_tokens_as") for value in _ODD_TEXTS]


def test_published_attributes_are_written_and_read() -> None:
    """Both ways, beside other attributes."""
    typed = make_identity(
        attributes={"path": "/"},
        reach=(ASSUMES, ASSUMES_IF, TAKES, TAKES_ANY),
        token_subjects=SUBJECTS,
        runs_in=("c-1", "c-2"),
    )

    assert typed.published_attributes == PUBLISHED
    assert msgspec.json.decode(msgspec.json.encode(typed.published_attributes)) == PUBLISHED
    assert with_typed(make_identity(attributes=PUBLISHED)) == typed
    assert with_typed(typed) is typed


def test_so_are_those_of_workloads() -> None:
    """One text, or a list of several; nothing is neither."""
    typed = make_workload(attributes={"status": "up"}, runs_in=("c-1",), signs_tokens_as=("https://a", "b"))
    reported = {"status": "up", "cluster": "c-1", "signs_tokens_as": ["https://a", "b"]}

    assert typed.published_attributes == reported
    assert with_typed(make_workload(attributes=reported)) == typed
    assert with_typed(make_workload(attributes={"cluster": "", "signs_tokens_as": [None][:0]})) == make_workload()
    assert with_typed(make_workload(attributes={"cluster": None})) == make_workload()


@pytest.mark.parametrize("attributes", MISFITS)
def test_another_shape_raises_an_error_that_names_the_attribute(attributes: dict[str, Any]) -> None:
    """It could hide an attack path."""
    with pytest.raises(ValueError, match=f"attribute {next(iter(attributes))} does not fit: Expected|Object"):
        with_typed(make_identity(attributes=attributes))


def make_workload(name: str = "w", /, **facts: Any) -> Workload:
    """A cluster, or what runs in one."""
    return Workload(key=name, provider="aws", source="prod", scope="s", kind="cluster", name=name, **facts)


SPEC = Spec(name="fake", title="A fake", settings=msgspec.Struct, kinds=("user",), sections=())


class Connector:
    """Yields the records that it was given."""

    spec: ClassVar[Spec] = SPEC

    def __init__(self, *records: Identity | Workload) -> None:
        self._records = records

    def scopes(self) -> Iterator[Scope]:
        """One."""
        yield Scope(source="prod", spec=SPEC, id="s")

    def discover(self, scope: Scope) -> Iterator[DiscoveredRecord]:
        """All of them."""
        del scope
        yield from self._records


@pytest.mark.parametrize("attributes", MISFITS)
def test_an_attribute_of_another_shape_is_a_gap_of_that_identity(attributes: dict[str, Any]) -> None:
    """The identity stays, with unknown permissions; others are unchanged."""
    connector = Connector(make_identity("odd", attributes=attributes), make_identity("fine", attributes=PUBLISHED))
    found = read_scope(connector, next(connector.scopes()), deadline=60)

    odd, fine = found.identities
    assert (odd.unread, odd.attributes) == (("permissions",), attributes)
    assert (fine.unread, len(fine.reach)) == ((), 4)
    (gap,) = found.coverage
    assert (gap.status, gap.is_gap, gap.kinds, gap.feeds) == ("partial", True, (), ())
    assert odd.key in (gap.detail or "")
    assert f"the attribute {next(iter(attributes))} does not fit" in (gap.detail or "")


@pytest.mark.parametrize("attributes", OF_WORKLOADS)
def test_so_is_what_it_says_of_a_workload(attributes: dict[str, Any]) -> None:
    """The workload stays, and the gap names it."""
    odd, fine = make_workload("odd", attributes=attributes), make_workload("fine", attributes={"cluster": "c-1"})
    connector = Connector(odd, fine)
    found = read_scope(connector, next(connector.scopes()), deadline=60)

    assert found.workloads == (odd, with_typed(fine))
    (gap,) = found.coverage
    assert (gap.status, gap.section) == ("partial", "reach")
    assert f"odd: the attribute {next(iter(attributes))} does not fit: Expected" in (gap.detail or "")


@pytest.mark.parametrize("attributes", MISFITS)
def test_a_shard_with_a_row_uncertain_can_be_imported(attributes: dict[str, Any]) -> None:
    """Its gap stands beside it."""
    connector = Connector(make_identity("odd", attributes=attributes))
    (odd,) = read_scope(connector, next(connector.scopes()), deadline=60).identities

    assert decode(encode(odd)) == odd
    workload = make_workload(attributes=OF_WORKLOADS[0])
    assert decode(encode(workload)) == workload


@pytest.mark.parametrize(("misfits", "more"), [(3, ""), (4, "; and 1 more"), (10, "; and 7 more")])
def test_many_misfits_are_one_gap(misfits: int, more: str) -> None:
    """The first few are named, the rest are counted."""
    connector = Connector(*(make_identity(f"n{number}", attributes=MISFITS[0]) for number in range(misfits)))
    (gap,) = read_scope(connector, next(connector.scopes()), deadline=60).coverage

    named, _, rest = (gap.detail or "").partition("; and ")
    assert (named.count("does not fit"), f"; and {rest}" if rest else "") == (3, more)


def test_a_shard_of_an_earlier_version_is_read_or_refused() -> None:
    """It has the attributes."""
    assert decode(encode(make_identity(attributes=PUBLISHED))) == with_typed(make_identity(attributes=PUBLISHED))
    with pytest.raises(ValueError, match="attribute may_become does not fit"):
        decode(encode(make_identity(attributes=MISFITS[0])))


def test_the_ways_of_all_sources_count() -> None:
    """Each source reads some of the policies."""
    one, other = make_identity("x", reach=(ASSUMES,)), make_identity("x", source="z", reach=(ASSUMES, TAKES))
    readings = [ScopeReading(source=each.source, scope="s", identities=(each,)) for each in (one, other)]

    assert join(readings, {"prod": 0, "z": 0}).identities[0].reach == (ASSUMES, TAKES)


def test_last_known_reach_of_unread_permissions_is_resolved() -> None:
    """A conditional edge makes no link, so the last known ``reach`` keeps it."""
    last = make_identity("x", reach=(Way(kind="assume", on=("arn:*",), conditional=True),))
    seen = as_last_known(make_identity("x", unread=("permissions",)), last, NOW)
    trust = Trust(principal=seen.key, kind="principal", evidence="its trust policy")
    boss = make_identity("boss", key="arn:aws:iam::222222222222:role/boss", scope="222222222222", trusts=(trust,))

    assert seen.reach == last.reach
    assert any(edge.conditional for edge in resolve([seen, boss], {}, (), ()).edges)
