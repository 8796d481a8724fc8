"""Reading many things one by one: in order, and not for ever."""

from __future__ import annotations

import pytest

from connectors.azure.client.errors import ClosedToUs
from connectors.core.contract import Gone, Malformed, NotAsked
from connectors.core.reading import GIVE_UP_AFTER, read_each
from scanner.errors import Denied, SourceError

FAIL, OK, GONE, ODD = "fail", "ok", "gone", "odd"
ERRORS: dict[str, type[SourceError]] = {FAIL: Denied, GONE: Gone, ODD: Malformed}


@pytest.mark.parametrize("workers", [1, 3, 8])
@pytest.mark.parametrize(
    ("outcomes", "gives_up"),
    [
        pytest.param([], False, id="nothing"),
        pytest.param([OK] * 50, False, id="all succeed"),
        pytest.param([FAIL] * 50, True, id="all fail"),
        pytest.param([FAIL] * (GIVE_UP_AFTER - 1), False, id="few"),
        pytest.param([*[FAIL] * (GIVE_UP_AFTER - 1), OK] * 5, False, id="a success in between"),
        pytest.param([*[FAIL] * (GIVE_UP_AFTER - 1), GONE] * 5, False, id="gone in between"),
        pytest.param([GONE, ODD] * 30, False, id="answered, if not usefully"),
        pytest.param([OK] * 20 + [FAIL] * 30, True, id="fails from some point on"),
    ],
)
def test_gives_up_only_when_nothing_succeeds_any_more(outcomes: list[str], gives_up: bool, workers: int) -> None:
    """Every item has a result, in order; only after failures in a row are items left out, and then all that follow."""
    asked: list[int] = []

    def read(item: int) -> int:
        asked.append(item)
        if outcomes[item] in ERRORS:
            raise ERRORS[outcomes[item]](outcomes[item])
        return item

    results = list(read_each(read, range(len(outcomes)), workers))

    left_out = [item for item, result in results if isinstance(result, NotAsked)]
    assert [item for item, _ in results] == list(range(len(outcomes)))
    assert [result for _, result in results if isinstance(result, int)] == [
        i for i, o in enumerate(outcomes) if o == OK
    ]
    assert bool(left_out) is gives_up
    assert sorted([*asked, *left_out]) == list(range(len(outcomes)))
    assert sum(outcomes[item] == FAIL for item in asked) < GIVE_UP_AFTER + workers or not gives_up


def test_failures_that_say_nothing_of_the_others_stop_nothing() -> None:
    """A vault's own firewall is no word on the next one."""

    def read(item: int) -> int:
        if item < 2 * GIVE_UP_AFTER:
            raise ClosedToUs("firewall")
        return item

    results = dict(read_each(read, range(2 * GIVE_UP_AFTER + 1), 3, alone=(ClosedToUs,)))

    assert results[2 * GIVE_UP_AFTER] == 2 * GIVE_UP_AFTER
    assert not any(isinstance(result, NotAsked) for result in results.values())
