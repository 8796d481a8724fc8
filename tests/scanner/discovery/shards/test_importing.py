"""Shards joined: the same as one scan, whatever their number and order, and never green where one is missing."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from scanner.app.importing import already_concluded, conclude_shards, forget_old, receive, waiting_lines
from scanner.app.scanning import Run, conclude
from scanner.config.load import Config
from scanner.config.settings import EngineSettings
from scanner.discovery.engine import Source, discover
from scanner.discovery.shards.files import check_shard
from scanner.discovery.shards.joining import readings
from scanner.discovery.shards.lines import ListingLine, Shard
from scanner.errors import InputError, UsageError
from scanner.judging.pipeline import Declared
from scanner.model import ScanResult
from scanner.store.store import Store, open_store
from tests.databases import empty_store, sqlite_memory
from tests.examples import examples
from tests.factories import NOW, make_coverage
from tests.scanner.discovery.shards.estates import Nobody, Plan, planned, write_planned

DECLARED = Declared()
ESTATE = (
    planned("one", Plan((("a", 2), ("b", None), ("c", 3), ("d", 1), ("e", 0)))),
    planned("two", Plan((("a", 1), ("x", 2)), unlisted=True)),
)


def _alike(result: ScanResult) -> ScanResult:
    """The result without when it was finished, and what only a fresh one holds."""
    return replace(result, scan=replace(result.scan, finished_at=NOW), trend=(), first_seen={})


def _at_once(store: Store, sources: Sequence[Source]) -> ScanResult:
    inventory = discover(EngineSettings(), sources, Nobody(), staging=store.staging, url="", scan_id="night")
    return conclude(store, inventory, DECLARED, Run(scan_id="night", started=NOW), lists=(), accept_drop=False)


def _import(store: Store, paths: Iterable[Path], *, partial: bool = False) -> ScanResult | None:
    taken = receive(store, [check_shard(path) for path in paths], Config(), NOW)
    if taken.is_stored or (taken.absent and not partial):
        return None
    return conclude_shards(store, taken, DECLARED, Config(), accept_drop=False)


plans = st.builds(
    Plan,
    st.lists(
        st.tuples(st.text(st.characters(exclude_categories=["Cs"]), max_size=3), st.none() | st.integers(0, 3)),
        unique_by=lambda scope: scope[0],
        max_size=6,
    ).map(tuple),
    st.booleans(),
)


@given(st.lists(plans, min_size=1, max_size=2), st.integers(1, 5), st.randoms(use_true_random=False))
@examples(40)
def test_shards_come_to_the_same_as_one_scan(drawn: list[Plan], of: int, order: random.Random) -> None:
    """Of any number, imported in any order, some of them twice, by themselves or together."""
    sources = [planned(f"s{number}", plan) for number, plan in enumerate([*drawn, Plan((("always", 1),))])]
    whole = _alike(_at_once(empty_store(sqlite_memory), sources))
    joined = empty_store(sqlite_memory)
    with TemporaryDirectory() as folder:
        paths = [write_planned(Path(folder, str(n)), sources, Shard(n, of)) for n in range(1, of + 1)]
        again = order.sample(paths, order.randint(0, of))
        order.shuffle(paths)
        calls = [[path] for path in (*again, *paths)] if order.random() < 0.5 else [again or paths, paths]
        results = [_import(joined, call) for call in calls]
        once = [one for one in results if one is not None]

        assert [_alike(one) for one in once] == [whole]
        assert _alike(joined.load()) == _alike(once[0])
        assert joined.staging.waiting() == ()


@pytest.fixture
def shards(tmp_path: Path) -> list[Path]:
    """Three shards of the estate."""
    return [write_planned(tmp_path / f"{n}.ndjson", ESTATE, Shard(n, 3)) for n in (1, 2, 3)]


def test_what_a_missing_shard_would_have_read_is_a_gap(shards: list[Path]) -> None:
    """Concluded without it, nothing that the last scan knew is gone, and each scope's gap says whose it is."""
    with open_store("sqlite://") as store:
        before = _at_once(store, ESTATE)
        renamed = [check_shard(path) for path in shards[:2]]
        taken = receive(store, [replace(one, head=replace(one.head, scan="next")) for one in renamed], Config(), NOW)
        result = conclude_shards(store, taken, DECLARED, Config(), accept_drop=False)

    gaps = [one for one in result.coverage if "shard 3 of 3" in (one.detail or "")]
    assert {one.feeds for one in gaps} == {("permissions",)}
    assert len(result.assignments) == len(before.assignments) > 0
    assert {one.identity.key for one in result.identities} == {one.identity.key for one in before.identities}
    assert any(not one.rechecked for one in result.identities)


def test_a_scope_that_its_shard_did_not_list_is_a_gap(tmp_path: Path) -> None:
    """It came up while the shards were listing: one saw it, and the one that had to read it did not."""
    more = planned("one", Plan(tuple((name, 1) for name in "abcdefgh")))
    less = planned("one", Plan((("a", 1),)))
    paths = [
        write_planned(tmp_path / "1", [more], Shard(1, 2)),
        write_planned(tmp_path / "2", [less], Shard(2, 2)),
    ]
    with open_store("sqlite://") as store:
        result = _import(store, paths)

    assert result is not None
    unread = {
        one.scope
        for one in result.coverage
        if one.detail == "not read: shard 2 of 2, whose part it is, did not list it"
    }
    assert unread
    assert unread <= set("bcdefgh")


def test_a_scan_that_is_stored_takes_no_more(shards: list[Path]) -> None:
    """Importing again, or late, changes nothing."""
    with open_store("sqlite://") as store:
        assert _import(store, shards) is not None
        stored = store.load()

        assert _import(store, shards[:1]) is None
        assert store.load() == stored
        assert store.staging.waiting() == ()


def test_the_later_reading_of_a_shard_counts(shards: list[Path], tmp_path: Path) -> None:
    """A job that ran again replaces its first attempt, in any order."""
    again = write_planned(tmp_path / "again", ESTATE, Shard(1, 3), started=NOW + timedelta(minutes=5))
    for first, second in ((shards[0], again), (again, shards[0])):
        with open_store("sqlite://") as store:
            taken = receive(store, [check_shard(first)], Config(), NOW)
            assert taken.notes == ()
            taken = receive(store, [check_shard(second)], Config(), NOW)

            assert [one.file for one in taken.shards] == [str(again)]
            assert ("replaces" in taken.notes[0], "left out" in taken.notes[0]) == (
                second == again,
                second != again,
            )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"of": 4}, "is of a scan split in so many 4, but", id="another number of shards"),
        pytest.param({"version": "0.0.1"}, "was written by Muster 0.0.1", id="another version"),
    ],
)
def test_shards_that_disagree_are_refused(shards: list[Path], change: dict[str, object], words: str) -> None:
    """Both files are named, and none of them is kept."""
    first, second = (check_shard(path) for path in shards[:2])
    other = replace(second, head=replace(second.head, **change))
    with open_store("sqlite://") as store, pytest.raises(InputError) as refused:
        receive(store, [first, other], Config(), NOW)

    assert words in str(refused.value)
    assert str(second.path) in str(refused.value)
    with open_store("sqlite://") as store:
        assert store.staging.waiting() == ()


def test_shards_of_other_settings_are_refused(shards: list[Path], tmp_path: Path) -> None:
    """Half a scan of one account and half of another is no scan."""
    otherwise = [replace(one, digest="1" * 64) for one in ESTATE]
    other = write_planned(tmp_path / "other", otherwise, Shard(2, 3))
    with open_store("sqlite://") as store:
        _import(store, shards[:1])
        with pytest.raises(InputError, match="other settings of them"):
            _import(store, [other])
        with pytest.raises(UsageError, match="is of the scan night, but"):
            _import(store, [shards[0], write_planned(tmp_path / "x", ESTATE, Shard(1, 3), scan="x")])


def test_two_readings_of_one_time_that_differ_are_refused(shards: list[Path], tmp_path: Path) -> None:
    """Which of them is right no one can say."""
    other = [planned("one", Plan(tuple((name, 5) for name in "abcde"))), ESTATE[1]]
    with open_store("sqlite://") as store:
        _import(store, shards[:1])
        with pytest.raises(InputError, match="differs from"):
            _import(store, [write_planned(tmp_path / "other", other, Shard(1, 3))])


def test_what_waits_is_reported_and_forgotten_in_time(shards: list[Path]) -> None:
    """A scan whose last shard never came does not lie about for ever."""
    with open_store("sqlite://") as store:
        _import(store, shards[:2])

        assert waiting_lines(store.staging) == ["night: 2 of 3 shards since 2026-11-25 08:00 UTC; missing 3"]
        assert forget_old(store.staging, NOW + timedelta(days=6)) == ()
        assert forget_old(store.staging, NOW + timedelta(days=8)) == ("night",)
        assert waiting_lines(store.staging) == []


def test_of_two_imports_at_once_one_concludes(shards: list[Path], tmp_path: Path) -> None:
    """Both see that the shards are complete; the second finds the scan stored."""
    url = f"sqlite:///{tmp_path / 'muster.db'}"
    with open_store(url) as one, open_store(url) as other:
        taken = [receive(store, [check_shard(path) for path in shards], Config(), NOW) for store in (one, other)]
        assert [one.absent for one in taken] == [(), ()]
        conclude_shards(one, taken[0], DECLARED, Config(), accept_drop=False)

        assert already_concluded(other, "night")


def test_a_file_that_changes_while_it_is_read_is_refused(shards: list[Path]) -> None:
    """What was looked at is what is stored, or nothing is."""
    checked = check_shard(shards[0])
    shards[0].write_bytes(shards[0].read_bytes().replace(b'"u0"', b'"u9"'))
    with open_store("sqlite://") as store:
        with pytest.raises(InputError, match="changed while it was read"):
            receive(store, [checked], Config(), NOW)

        assert store.staging.waiting() == ()
        assert list(store.staging.lines("night")) == []


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_listing_is_reported_once_as_the_worst_of_the_shards_has_it(order: tuple[int, int]) -> None:
    """Where one was refused what another could read, scopes may be missing; its calls are not added up."""
    coverage = (make_coverage(calls=3), make_coverage(status="denied", calls=1, detail="no"))
    lines = [line for number in order for line in (ListingLine(source="prod"), coverage[number])]

    expected = readings(lines, (), 2, ())

    assert [one.coverage for one in expected] == [(replace(coverage[1], calls=3),)]


def test_the_scan_begins_with_the_first_of_its_shards(tmp_path: Path) -> None:
    """Its start is the clock of every verdict, and no shard knows of another."""
    starts = (NOW, NOW - timedelta(minutes=3))
    paths = [
        write_planned(tmp_path / str(number), ESTATE, Shard(number, 2), started=started)
        for number, started in enumerate(starts, start=1)
    ]
    with open_store("sqlite://") as store:
        result = _import(store, paths)

    assert result is not None
    assert result.scan.started_at == starts[1]
