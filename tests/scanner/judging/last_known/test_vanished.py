"""How much may be gone at once before the reading is held for confirmation rather than trusted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import pytest
from msgspec.structs import replace

from scanner.discovery.inventory import Inventory
from scanner.judging.last_known.vanished import (
    SCORE,
    Loss,
    gone,
    held,
    losses,
    notices,
    renames,
    still_there,
    with_renamed,
)
from scanner.model import Coverage, EntryAssessment, Identity, MatchCandidate, RegistryVerdict
from tests.factories import make_coverage, make_entry, make_identity


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
        pytest.param(
            _count(a=150, b=500),
            _inventory(_seen(100), _seen(500, "b")),
            [Loss("prod", "a", 150, 100)],
            id="fifty of it",
        ),
        pytest.param(_count(a=149, b=500), _inventory(_seen(100), _seen(500, "b")), [], id="forty-nine of it"),
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


def test_another_list_in_its_place_is_held() -> None:
    """As many rows, of which only one is of the last scan."""
    found = losses(_inventory(_seen(4)), _count(a=4), {"prod"}, {"prod": 1})

    assert found == (Loss("prod", None, 4, 4, kept=1),)
    (notice,) = notices(found)
    assert notice.startswith("source prod lists 1 of the 4 identities that the last scan had: implausible")


def test_a_list_still_has_what_it_renamed() -> None:
    """The unique id shows it, if it is of the same provider."""
    inventory = _inventory([make_identity("same", key="k"), make_identity("renamed", key="new", unique_id="U-1")])
    last = [("list", "aws", "k", None), ("list", "aws", "old", "U-1"), ("list", "azure", "other", "U-1")]

    assert still_there([*last, ("else", "aws", "gone", None)], inventory) == {"list": 2}


def test_losses_come_by_source() -> None:
    """In a stable order, whatever order the store has."""
    before = {(source, "a", "user"): 40 for source in ("prod", "hub")}
    coverage = [make_coverage(source=source, scope="a", kinds=("user",)) for source in ("prod", "hub")]

    assert [one.source for one in losses(_inventory(coverage=coverage), before, ())] == ["hub", "prod"]


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


def test_of_a_held_source_every_scope_is_partly_read() -> None:
    """It is not known in which one the missing identities are."""
    coverage = (make_coverage(scope="a"), make_coverage(scope="b"), make_coverage(source="hub", scope="a"))

    inventory = held(_inventory(coverage=coverage), [Loss("prod", None, 200, 20)])

    assert [one.status for one in inventory.coverage] == ["partial", "partial", "complete"]


def _entry(*keys: str, entry: str = "E", renamed: dict[str, str] | None = None) -> EntryAssessment:
    return EntryAssessment(entry=make_entry("x", id=entry), state="not_found", identities=keys, renamed=renamed or {})


NEW, NEWER = (make_identity(key, key=key, scope="1", unique_id=f"id of {key}") for key in ("new", "newer"))
KNOWN = {"old": ("aws", "1", "id of new"), "older": ("aws", "1", "id of newer")}
UNREGISTERED = RegistryVerdict(state="unregistered")


@pytest.mark.parametrize(
    ("last", "identities", "verdict", "renamed"),
    [
        pytest.param(_entry("old"), [NEW], UNREGISTERED, {"new": "old"}, id="renamed"),
        pytest.param(_entry(renamed={"once": "old"}), [NEW], UNREGISTERED, {"new": "old"}, id="and-known-for-long"),
        pytest.param(_entry("old", "older"), [NEWER, NEW], UNREGISTERED, {"new": "old", "newer": "older"}, id="two"),
        pytest.param(_entry("old", entry="F"), [NEW], UNREGISTERED, {}, id="another-entry-had-it"),
        pytest.param(_entry("unknown"), [NEW], UNREGISTERED, {}, id="nobody-knows-its-id"),
        pytest.param(_entry("old"), [NEW], RegistryVerdict(state="registered", entry="F"), {}, id="declared-again"),
        pytest.param(_entry("old"), [NEW, replace(NEWER, unique_id=NEW.unique_id)], UNREGISTERED, {}, id="two-have-it"),
        pytest.param(_entry("old"), [replace(NEW, scope="2")], UNREGISTERED, {}, id="in-another-scope"),
        pytest.param(_entry("old"), [replace(NEW, provider="azure")], UNREGISTERED, {}, id="of-another-provider"),
        pytest.param(_entry("old"), [replace(NEW, unique_id=None)], UNREGISTERED, {}, id="without-an-id"),
    ],
)
def test_an_entry_is_suggested_what_it_matched_under_another_key(
    last: EntryAssessment, identities: list[Identity], verdict: RegistryVerdict, renamed: dict[str, str]
) -> None:
    """Only the unique id shows that it is the same, in the same place, and only if no other identity has it."""
    (one,) = with_renamed([_entry()], {each.key: verdict for each in identities}, [last], identities, KNOWN)

    assert one.renamed == renamed
    assert gone([last], [NEW, NEWER]) == {*last.identities, *last.renamed.values()}
    evidence = {now: f"was {before} and has the same unique id, id of {now}" for now, before in renamed.items()}
    assert renames([one], KNOWN) == {
        now: (MatchCandidate(entry="E", score=SCORE, evidence=why),) for now, why in evidence.items()
    }
