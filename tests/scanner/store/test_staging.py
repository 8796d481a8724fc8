"""What waits in the store for a scan to be whole: parts that are there once and whole, on every database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from scanner.store.intervals import BATCH
from scanner.store.staging import Part
from scanner.store.store import Store, open_store
from tests.databases import BACKENDS, empty_store
from tests.factories import NOW


@pytest.fixture(params=BACKENDS)
def store(request: pytest.FixtureRequest) -> Store:
    """An empty store."""
    return empty_store(request.param)


def part(name: str, *lines: str, scan: str = "night", head: str = "{}") -> Part:
    """A part of a scan."""
    return Part(scan=scan, part=name, head=head, lines=lines)


def test_lines_come_back_part_by_part_in_their_order(store: Store) -> None:
    """Of one scan, however many there are, whatever is in them."""
    many = tuple(f'{{"n":{number},"text":"é\\u0000\\t\\\\N 😀"}}' for number in range(BATCH + 10))

    store.staging.put([part("2", *many), part("1", "a", "b", "")], NOW)
    store.staging.put([part("1", "other", scan="other")], NOW)

    assert list(store.staging.lines("night")) == ["a", "b", "", *many]
    assert store.staging.heads("night") == {"1": "{}", "2": "{}"}


def test_a_part_is_there_once(store: Store) -> None:
    """Anyone who puts it again, a worker that was taken for dead or somebody's second try, changes nothing."""
    for lines in (("a", "b"), ("c",)):
        store.staging.put([part("1", *lines)], NOW)

    assert list(store.staging.lines("night")) == ["a", "b"]


def test_a_part_can_take_another_s_place(store: Store) -> None:
    """In one step."""
    store.staging.put([part("1", "a", "b"), part("2", "z")], NOW)
    store.staging.put([part("1", "c")], NOW, instead_of=[("night", "1")])

    assert list(store.staging.lines("night")) == ["c", "z"]


def test_all_parts_or_none(store: Store) -> None:
    """What fails in its middle leaves nothing."""

    def failing() -> Iterator[str]:
        yield from map(str, range(BATCH + 1))
        raise InterruptedError

    with suppress(InterruptedError):
        store.staging.put([part("1", "a"), Part(scan="night", part="2", head="", lines=failing())], NOW)

    assert store.staging.waiting() == ()
    assert list(store.staging.lines("night")) == []


def test_what_waits_is_reported_the_newest_first_and_forgotten_by_age(store: Store) -> None:
    """A scan to which something was added lately is no old one."""
    store.staging.put([part("1", "a", scan="old"), part("1", "a", scan="fresh")], NOW)
    store.staging.put([part("2", "a", scan="fresh")], NOW + timedelta(days=3))

    assert [(one.scan, sorted(one.heads)) for one in store.staging.waiting()] == [("fresh", ["1", "2"]), ("old", ["1"])]
    assert store.staging.forget(NOW + timedelta(days=1)) == ("old",)
    assert store.staging.discard("fresh") == 2
    assert store.staging.discard("fresh") == 0
    assert store.staging.waiting() == ()


def test_several_at_once(tmp_path: Path) -> None:
    """Two put the same parts at one time, and none of them twice."""
    url = f"sqlite:///{tmp_path / 'muster.db'}"
    open_store(url).close()

    def put() -> None:
        with open_store(url) as own:
            for number in range(20):
                own.staging.put([part(f"{number:02}", "a", "b")], NOW)

    threads = [threading.Thread(target=put) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with open_store(url) as store:
        assert list(store.staging.lines("night")) == ["a", "b"] * 20
