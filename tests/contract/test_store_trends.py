"""Trends by team, from what every store has of its scans."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from scanner.model import Acknowledged, Assessment, Finding, OwnershipVerdict, RegistryVerdict, ScanResult
from scanner.model.summary import summarise
from scanner.model.trends import TRENDS, Trends
from scanner.store.store import Store, open_store
from scanner.store.trends import About
from tests.databases import BACKENDS, empty_stores
from tests.examples import examples
from tests.factories import NOW, make_assessment, make_finding, make_identity, make_result

GIVEN = Acknowledged(reason="known", by="ada@example.com", until=date(2027, 1, 1))


@pytest.fixture(params=BACKENDS)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty store."""
    with request.param() as url, open_store(url) as opened:
        yield opened


def bot(name: str, state: str, team: str | None, *, known: bool = False) -> Assessment:
    """An identity of a team."""
    registry = RegistryVerdict(state="registered", entry="E") if known else RegistryVerdict(state="unregistered")
    return make_assessment(name, ownership=OwnershipVerdict(state=state, team=team), registry=registry)  # type: ignore[arg-type]


def found(name: str | None, number: int, **facts: Any) -> Finding:
    """A finding on it, or on an entry."""
    on = {"identity": None, "entry": "E"} if name is None else {"identity": make_identity(name).key}
    return make_finding(**{"fingerprint": f"{number:032x}", **on, **facts})


def night(number: int, *identities: Assessment, findings: tuple[Finding, ...] = ()) -> ScanResult:
    """The scan of that night, with its counts."""
    result = make_result(*sorted(identities, key=lambda one: one.identity.key), findings=findings)
    moment = NOW + timedelta(days=number)
    scan = replace(result.scan, id=f"night-{number}", started_at=moment, finished_at=moment)
    return replace(result, scan=scan, summary=summarise(result))


def by_team(trends: Trends) -> dict[str | None, list[tuple[int, ...]]]:
    """The numbers of each team, in the order of their names."""
    return {one.team: [one.numbers[name] for name in TRENDS] for one in trends.teams}


def fill(store: Store) -> None:
    """Three nights: a bot gets an owner, one changes its team, a finding is acknowledged, one gets worse."""
    store.save(night(1, bot("a", "orphaned", "red"), bot("b", "orphaned", None), bot("c", "owned", "blue", known=True)))
    worse = found("b", 2, severity="high", was="low")
    store.save(
        night(
            2, bot("a", "orphaned", "red"), bot("b", "orphaned", "blue"), bot("c", "owned", "blue", known=True),
            findings=(found("a", 1, acknowledged=GIVEN), worse, found(None, 3, acknowledged=GIVEN)),
        )
    )  # fmt: skip
    store.save(
        night(
            3, bot("a", "orphaned", "blue"), bot("b", "owned", "blue", known=True),
            bot("c", "owned", "blue", known=True),
            findings=(found("a", 1, acknowledged=GIVEN), replace(worse, was=None)),
        )
    )  # fmt: skip


def test_numbers_by_team_over_the_nights(store: Store) -> None:
    """By the team of that night; together they are the counts that each scan had."""
    fill(store)
    trends = store.trends()

    assert [scan.id for scan in trends.scans] == ["night-1", "night-2", "night-3"]
    assert trends.whole == {
        "orphaned": (2, 2, 1), "unregistered": (2, 2, 1), "worsened": (0, 1, 0), "acknowledged": (0, 2, 1),
    }  # fmt: skip
    assert by_team(trends) == {
        "blue": [(0, 1, 1), (0, 1, 1), (0, 1, 0), (0, 0, 1)],
        "red": [(1, 1, 0), (1, 1, 0), (0, 0, 0), (0, 1, 0)],
        None: [(1, 0, 0), (1, 0, 0), (0, 0, 0), (0, 1, 0)],
    }
    assert [one.team for one in trends.teams] == ["blue", None, "red"]
    assert store.trends("night-2").whole["orphaned"] == (2, 2)


def test_numbers_of_some_identities_and_entries(store: Store) -> None:
    """Nothing of others is in them."""
    fill(store)
    mine = store.trends(about=About([make_identity("b").key], ["E"]))
    nobodys = store.trends(about=About([]))

    assert mine.whole == {
        "orphaned": (1, 1, 0), "unregistered": (1, 1, 0), "worsened": (0, 1, 0), "acknowledged": (0, 1, 0),
    }  # fmt: skip
    assert {one.team for one in mine.teams} == {None, "blue"}
    assert (set(nobodys.whole.values()), nobodys.teams) == ({(0, 0, 0)}, ())


def test_pruned_nights_are_no_points(store: Store) -> None:
    """And those that stay have the numbers that they had."""
    fill(store)
    store.prune(NOW + timedelta(days=2), NOW)

    assert [scan.id for scan in store.trends().scans] == ["night-2", "night-3"]
    assert store.trends().whole["orphaned"] == (2, 1)
    assert by_team(store.trends())["blue"][0] == (1, 1)


STATES = st.sampled_from(["orphaned", "owned"])
TEAMS = st.sampled_from([None, "red", "blue", 'a "team":'])
NIGHTS = st.lists(
    st.dictionaries(
        st.sampled_from("abc"), st.tuples(STATES, TEAMS, st.booleans(), st.sampled_from(["", "given", "worse"]))
    ),
    min_size=1,
    max_size=4,
)


@examples(20)
@given(nights=NIGHTS)
def test_teams_add_up_to_what_each_scan_counted(nights: list[dict[str, tuple[str, str | None, bool, str]]]) -> None:
    """Whatever comes, goes and changes."""
    facts: dict[str, dict[str, Any]] = {"given": {"acknowledged": GIVEN}, "worse": {"was": "low"}}
    for store in empty_stores():
        for number, bots in enumerate(nights):
            findings = tuple(found(name, ord(name), **facts[how]) for name, (*_, how) in bots.items() if how)
            its = (bot(name, state, team, known=known) for name, (state, team, known, _) in bots.items())
            store.save(night(number, *its, findings=findings))
        trends = store.trends()
        for name in TRENDS:
            rows = [one.numbers[name] for one in trends.teams]
            assert tuple(map(sum, zip(*rows, strict=True))) == trends.whole[name] or not any(trends.whole[name])
