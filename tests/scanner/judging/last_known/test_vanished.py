"""How much may be gone at once before the reading is held for confirmation rather than trusted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import pytest
from msgspec.structs import replace

from scanner.discovery.inventory import Inventory
from scanner.judging.last_known.vanished import Loss, held, losses, notices
from scanner.model import Coverage, Identity
from tests.factories import make_coverage, make_identity


def _seen(number: int, scope: str = "a", kind: str = "user", source: str = "prod") -> list[Identity]:
    return [
        make_identity(f"{scope}-{kind}-{one}", scope=scope, kind=kind, source=source, sources=(source,))
        for one in range(number)
    ]


def _inventory(*seen: Sequence[Identity], coverage: Sequence[Coverage] | None = None) -> Inventory:
    scopes = ("a", "b")
    places = coverage or [make_coverage(scope=scope, kinds=("user", "role", "token")) for scope in scopes]
    return Inventory(identities=tuple(chain.from_iterable(seen)), coverage=tuple(places))


def _count(**scopes: int) -> dict[tuple[str, str, str], int]:
    return {("prod", scope, "user"): number for scope, number in scopes.items()}


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        pytest.param(_count(a=40), _inventory(_seen(27)), [Loss("prod", None, 40, 27)], id="a third of a source"),
        pytest.param(_count(a=40), _inventory(_seen(28)), [], id="not quite a third"),
        pytest.param(_count(a=40), _inventory(), [Loss("prod", None, 40, 0)], id="everything"),
        pytest.param(_count(a=12), _inventory(_seen(3)), [], id="nine of a small estate"),
        pytest.param(_count(a=12), _inventory(_seen(2)), [Loss("prod", None, 12, 2)], id="ten of a small estate"),
        pytest.param(
            _count(a=160, b=500),
            _inventory(_seen(100), _seen(500, "b")),
            [Loss("prod", "a", 160, 100)],
            id="a big scope",
        ),
        pytest.param(_count(a=49, b=500), _inventory(_seen(0), _seen(500, "b")), [], id="a small scope is wound down"),
        pytest.param(
            _count(a=200, b=60), _inventory(_seen(60, "b")), [Loss("prod", None, 260, 60)], id="a source names no scope"
        ),
        pytest.param(_count(a=40), _inventory(_seen(40, kind="role")), [], id="the same number, of another kind"),
        pytest.param({("prod", "a", "token"): 500}, _inventory(), [], id="tokens end by themselves"),
        pytest.param({}, _inventory(_seen(5)), [], id="a first scan"),
        pytest.param(_count(a=9), _inventory(_seen(1)), [], id="no list"),
    ],
)
def test_what_is_held(before: Any, now: Inventory, expected: list[Loss]) -> None:
    """A share alone would nag small estates, a number alone big ones."""
    assert list(losses(now, before, ())) == expected


def test_a_list_is_held_however_short() -> None:
    """Half an export is an everyday mistake."""
    assert losses(_inventory(_seen(1)), _count(a=3), {"prod"}) == (Loss("prod", None, 3, 1),)


def test_a_list_that_could_not_be_opened_lost_nothing() -> None:
    """That it is missing is said already; --accept-drop would be the wrong advice."""
    missing = make_coverage(scope="*", status="failed", kinds=("*",))
    assert losses(_inventory(coverage=[missing]), _count(a=3), {"prod"}) == ()


@pytest.mark.parametrize(
    "coverage",
    [
        pytest.param([make_coverage(scope="a", status="denied")], id="denied"),
        pytest.param([make_coverage(scope="b")], id="no longer listed"),
        pytest.param([make_coverage(scope="a", kinds=("role",))], id="not asked for"),
    ],
)
def test_what_lies_in_a_gap_is_not_lost(coverage: list[Coverage]) -> None:
    """It stays as last seen, so no other identity is held for confirmation."""
    assert losses(_inventory(coverage=coverage), _count(a=100), ()) == ()


def test_the_held_place_is_partly_read() -> None:
    """Its listings, and no others'; what else is known of it stays."""
    listing, report = make_coverage(scope="a"), make_coverage(scope="a", section="iam.report", kinds=())
    denied, elsewhere = make_coverage(scope="a", section="x", status="denied"), make_coverage(scope="b")
    found = [Loss("prod", "a", 200, 20)]

    inventory = held(_inventory(coverage=(listing, report, denied, elsewhere)), found)

    partial = replace(
        listing,
        status="partial",
        detail="20 identities where the last scan had 200: implausible; "
        "if they are really gone, scan with --accept-drop",
    )
    assert inventory.coverage == (partial, report, denied, elsewhere)
    (notice,) = notices(found)
    assert notice.startswith(
        "a of source prod lists 20 identities where the last scan had 200: implausible, so none counts"
    )
    assert "--accept-drop" in notice
