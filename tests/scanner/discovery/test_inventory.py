"""Joining what several sources saw."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.access.edges import resolve
from scanner.discovery.inventory import ScopeReading, join
from scanner.model import PRIVILEGES, UNKNOWN_PRIVILEGE, Fact, Identity, Privilege, StoredSecret, Trust, Way, Workload
from tests.factories import days_ago, make_assignment, make_coverage, make_credential, make_exposure, make_identity


def _reading(*identities: Identity, source: str = "prod") -> ScopeReading:
    return ScopeReading(source=source, scope="s", identities=identities)


def test_one_key_is_one_identity_and_the_live_source_is_trusted() -> None:
    """A list fills in what the live source does not say, and nothing more."""
    live = make_identity("x", source="prod", tags={"team": "a"}, description=None)
    listed = make_identity("x", source="list", tags={"team": "b", "cost": "7"}, description="From the list", kind="bot")

    joined = join([_reading(listed, source="list"), _reading(live)], {"prod": 0, "list": 2})

    (one,) = joined.identities
    assert (one.source, one.kind, one.description) == ("prod", "user", "From the list")
    assert one.sources == ("prod", "list")
    assert join([_reading(live)], {}).identities[0].sources == ("prod",)
    assert one.tags == {"team": "a", "cost": "7"}


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("display_name", "Billing"), ("description", "Sends bills"), ("unique_id", "AIDAEXAMPLE"), ("enabled", False),
        ("created_at", days_ago(9)), ("last_used_at", days_ago(1)), ("environment", "prod"), ("managed_by", "AWS"),
    ],
)  # fmt: skip
def test_every_fact_that_the_best_source_lacks_is_filled_in(fact: str, value: object) -> None:
    """From the next one that has it."""
    nothing: dict[str, Any] = {fact: None}
    seen = [
        _reading(make_identity("x", source=source, **known), source=source)
        for source, known in (("prod", nothing), ("twin", nothing), ("list", {fact: value}))
    ]

    assert getattr(join(seen, {"prod": 0, "twin": 0, "list": 2}).identities[0], fact) == value


def test_credentials_of_both_are_kept_once() -> None:
    """The same key seen twice is one credential, as the better source has it."""
    good = make_credential("x", "AKIA1", last_used_at=days_ago(1))
    stale = make_credential("x", "AKIA1")
    other = make_credential("x", "AKIA2")

    joined = join(
        [
            _reading(make_identity("x", credentials=(good,))),
            _reading(make_identity("x", source="z", credentials=(stale, other)), source="z"),
        ],
        {"prod": 0, "z": 1},
    )

    assert joined.identities[0].credentials == (good, other)


ADMIN = Privilege(level="admin", evidence=("grants *",))
NORMAL = Privilege(level="normal", evidence=("grants nothing grave",))
UNDECIDED = Privilege(level="unknown", evidence=("a condition cannot be decided",))
GAP = Privilege(level="unknown", evidence=("its policies could not be read",))


def _views(*views: tuple[str, Privilege, tuple[Fact, ...]]) -> Privilege:
    """What becomes of views by ``prod`` and ``twin`` (live) and ``list``."""
    readings = [
        _reading(make_identity("x", source=source, privilege=privilege, unread=unread), source=source)
        for source, privilege, unread in views
    ]
    return join(readings, {"prod": 0, "twin": 0, "list": 2}).identities[0].privilege


BLIND: tuple[Fact, ...] = ("permissions",)


@pytest.mark.parametrize(
    ("views", "expected"),
    [
        ([("prod", NORMAL, ()), ("twin", ADMIN, ())], ADMIN),
        ([("prod", NORMAL, ()), ("list", ADMIN, ())], ADMIN),
        ([("prod", GAP, BLIND), ("list", ADMIN, ())], ADMIN),
        ([("prod", UNKNOWN_PRIVILEGE, ()), ("list", NORMAL, ())], NORMAL),
        ([("prod", GAP, BLIND), ("twin", NORMAL, ())], NORMAL),
        ([("prod", NORMAL, ()), ("list", UNKNOWN_PRIVILEGE, ())], NORMAL),
        ([("prod", NORMAL, ()), ("list", UNDECIDED, ())], NORMAL),
        ([("prod", GAP, BLIND), ("list", NORMAL, ())], GAP),
        ([("prod", GAP, BLIND), ("twin", UNKNOWN_PRIVILEGE, ()), ("list", NORMAL, ())], GAP),
        ([("prod", NORMAL, ()), ("twin", UNDECIDED, ())], UNDECIDED),
        ([("prod", UNKNOWN_PRIVILEGE, ()), ("list", UNKNOWN_PRIVILEGE, ())], UNKNOWN_PRIVILEGE),
    ],
    ids=[
        "graver elsewhere",
        "graver in a list",
        "graver than a gap",
        "a source that reads none",
        "an equal has read it",
        "a silent list",
        "an ignorant list",
        "a list closes no gap",
        "nor does one that reads none",
        "an equal's doubt",
        "nobody knows",
    ],
)
def test_the_most_severe_privilege_that_anybody_reports_counts(
    views: list[tuple[str, Privilege, tuple[Fact, ...]]], expected: Privilege
) -> None:
    """Unknown stays unknown where normal is all that is reported, unless someone has really looked."""
    assert _views(*views) == expected
    assert _views(*reversed(views)) == expected


def test_all_who_report_the_most_severe_privilege_say_why() -> None:
    """Reasons for less would contradict them."""
    other = Privilege(level="admin", evidence=("is in the group admins", "grants *"))

    found = _views(("prod", ADMIN, ()), ("twin", other, ()), ("list", NORMAL, ()))

    assert found == Privilege(level="admin", evidence=("grants *", "is in the group admins"))


_VIEWS = st.lists(
    st.tuples(
        st.sampled_from(["prod", "twin", "list"]),
        st.builds(
            Privilege,
            level=st.sampled_from(PRIVILEGES),
            evidence=st.lists(st.sampled_from("xyz"), unique=True).map(tuple),
        )
        | st.just(UNKNOWN_PRIVILEGE),
        st.sampled_from([(), BLIND]),
    ),
    min_size=1,
    unique_by=lambda view: view[0],
)


@given(_VIEWS, st.randoms())
def test_a_privilege_depends_on_no_order(views: list[tuple[str, Privilege, tuple[Fact, ...]]], random: Any) -> None:
    """Nor is it ever less than what someone says."""
    found = _views(*views)

    assert _views(*random.sample(views, len(views))) == found
    message = [privilege.level for _, privilege, _ in views if privilege.level not in ("unknown", "normal")]
    assert all(PRIVILEGES.index(found.level) <= PRIVILEGES.index(level) for level in message)


@pytest.mark.parametrize(("rank", "unread"), [(0, ()), (2, ("credentials",))], ids=["its equal", "a list"])
def test_what_could_not_be_read_only_an_equal_has_read(rank: int, unread: tuple[str, ...]) -> None:
    """A list without a column for keys does not say that there are none."""
    blind = make_identity("x", unread=("credentials",))

    joined = join(
        [_reading(blind), _reading(make_identity("x", source="z"), source="z")],
        {"prod": 0, "z": rank},
    )

    assert joined.identities[0].unread == unread


def test_anyone_who_a_trust_names_can_assume_it_also_from_another_account() -> None:
    """The edge sits on the one who can act."""
    reach = (Way(kind="assume", on=("arn:aws:iam::222222222222:role/*",)),)
    caller = make_identity(
        "caller", key="arn:aws:iam::111111111111:role/caller", scope="111111111111", source="a", reach=reach
    )
    trust = Trust(principal=caller.key, kind="principal", external=True, evidence="trust policy names it")
    target = make_identity("target", key="arn:aws:iam::222222222222:role/target", source="b", trusts=(trust,))

    joined = join([_reading(target, source="b"), _reading(caller, source="a")], {"a": 0, "b": 0})

    resolved = resolve(joined.identities, {}, (), ()).identities
    links = {one.key: [(link.relation, link.target) for link in one.links] for one in resolved}
    assert links == {caller.key: [("can_assume", target.key)], target.key: []}


_READINGS = [
    ("a", "s", None, "x"), ("b", "s", None, "x"), ("c", "s", None, "y"), ("a", "s", None, "z"),
    ("a", "s", "keys", "x"), ("a", "s", "users", "x"), ("a", "t", None, "x"),
]  # fmt: skip


@given(st.permutations(_READINGS))
def test_the_order_of_the_readings_does_not_matter(order: list[tuple[str, str, str | None, str]]) -> None:
    """Scopes and their parts come back as they are done; the inventory is the same."""
    ranks = {"a": 0, "b": 1, "c": 1}

    def read(done: list[tuple[str, str, str | None, str]]) -> object:
        return join(
            [
                ScopeReading(
                    source=source,
                    scope=scope,
                    part=part,
                    identities=(make_identity(name, source=source, description=f"{scope} {part}"),),
                    coverage=(make_coverage(source=source, scope=scope, section=part or "all"),),
                )
                for source, scope, part, name in done
            ],
            ranks,
        )

    assert read(order) == read(_READINGS)


def test_every_record_is_kept_once() -> None:
    """Of other records than identities, the source of the highest priority has the say alone."""
    credential = make_credential("x")

    def read(source: str) -> ScopeReading:
        return ScopeReading(
            source=source,
            scope="s",
            secrets=(StoredSecret(key="k", provider="aws", source=source, scope="s", name=source),),
            workloads=(Workload(key="w", provider="aws", source=source, scope="s", kind="function", name=source),),
            assignments=(make_assignment(source=source),),
            exposures=(make_exposure(credential, source=source),),
        )

    joined = join([read("list"), read("prod")], {"prod": 0, "list": 2})

    for records in (joined.secrets, joined.workloads, joined.assignments, joined.exposures):
        assert [one.source for one in records] == ["prod"]
