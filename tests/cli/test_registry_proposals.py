"""Owners that people proposed in the served page, as ``muster registry adopt --proposals`` takes them over."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from scanner.model.served import OwnerDenied, OwnerProposed, OwnerWithdrawn
from scanner.store.store import open_store
from tests.cli.conftest import Muster

PEOPLE = "email,name,status\n" + "".join(f"{one}@example.com,{one.title()},active\n" for one in ("ada", "bo", "cy"))
BOTS = """key,provider,scope,kind,name
saas:acme:feed-a,saas,acme,bot,feed-a
saas:acme:feed-b,saas,acme,bot,feed-b
saas:acme:feed-c,saas,acme,bot,feed-c
saas:acme:pull-a,saas,acme,bot,pull-a
saas:acme:pull-b,saas,acme,bot,pull-b
saas:north:twin,saas,north,bot,twin
saas:south:twin,saas,south,bot,twin
"""
REGISTRY = """id,name,identities,owner,environment,purpose
N-1,feeds,feed-a; saas:acme:feed-b; feed-c,ada@example.com,prod,reads feeds
N-2,pulls,saas:acme:pull-*,ada@example.com,prod,pulls
N-3,twin,,ada@example.com,test,mirrors
"""
ADA, BO, CY = (f"{one}@example.com" for one in ("ada", "bo", "cy"))
AT = datetime.now(UTC)


@pytest.fixture
def shared(tmp_path: Path, muster: Muster, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A registry of three entries that stand for seven identities, scanned."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("people", PEOPLE), ("bots", BOTS), ("registry", REGISTRY)):
        (tmp_path / f"{name}.csv").write_text(text)
    (tmp_path / "config.toml").write_text(
        '[[registry]]\npath = "registry.csv"\n[[people]]\npath = "people.csv"\n'
        '[[source]]\nname = "bots"\ntype = "file"\npath = "bots.csv"\n'
    )
    assert muster("scan", "--quiet").code == 0
    return tmp_path


def said(folder: Path, *records: Any) -> None:
    """What people said in the served page."""
    with open_store(f"sqlite:///{folder}/muster.db") as store:
        store.served.append(*records)


def wants(key: str, owner: str, *identities: str) -> OwnerProposed:
    """A proposal."""
    return OwnerProposed(identity=f"saas:{key}", owner=owner, by=CY, at=AT, identities=identities)


def declared(muster: Muster) -> dict[str, tuple[str, str | None, str | None]]:
    """By key: registry state, owner and rung, as the next scan judges them."""
    report = json.loads(muster("scan", "--quiet", "-o", "json:-").out)
    return {
        one["key"]: (one["registry"]["state"], one["ownership"]["owner"], one["registry"]["entry"])
        for one in report["identities"]
    }


@pytest.mark.parametrize(
    ("key", "stays"),
    [
        ("acme:feed-a", ("acme:feed-b", "acme:feed-c")),
        ("acme:feed-b", ("acme:feed-a", "acme:feed-c")),
        ("acme:pull-b", ("acme:pull-a",)),
        ("north:twin", ("south:twin",)),
    ],
    ids=["by name", "by key", "by a pattern", "by the entry's name"],
)
def test_one_of_several_gets_an_entry_of_its_own(
    shared: Path, muster: Muster, key: str, stays: tuple[str, ...]
) -> None:
    """The others keep their owner and their entry, and the diff names them; the next scan judges just so."""
    before = declared(muster)
    said(shared, wants(key, BO))

    done = muster("registry", "adopt", "--proposals")

    assert done.code == 0
    new = "\n".join(done.out.splitlines()[1:])
    assert f"which keeps {len(stays)}:" in done.out
    assert all(f"\n  saas:{one}\n" in done.out for one in stays)
    assert "+ environment" in new
    after = declared(muster)
    assert after[f"saas:{key}"][:2] == ("registered", BO)
    assert after[f"saas:{key}"][2] != before[f"saas:{key}"][2]
    assert {one: state for one, state in after.items() if one != f"saas:{key}"} == {
        one: state for one, state in before.items() if one != f"saas:{key}"
    }
    assert muster("registry", "adopt", "--proposals").err.startswith("nothing to change")


def test_for_all_of_them_where_all_were_named(shared: Path, muster: Muster) -> None:
    """The entry changes in place, and the diff names whom it stands for; one that came since leaves it alone."""
    feeds = [f"saas:acme:feed-{letter}" for letter in "abc"]
    said(shared, wants("acme:feed-a", BO, *feeds), wants("acme:pull-a", CY, "saas:acme:pull-a"))

    done = muster("registry", "adopt", "--proposals")

    assert "  for all 3 of it:\n" + "".join(f"  {one}\n" for one in feeds) in done.out
    assert "not taken: saas:acme:pull-a, whose entry stands for more by now: saas:acme:pull-b" in done.err
    after = declared(muster)
    assert {after[one] for one in feeds} == {("registered", BO, "N-1")}
    assert after["saas:acme:pull-a"][1] == ADA


def test_the_last_one_keeps_the_entry(shared: Path, muster: Muster) -> None:
    """Of names, the last that is left changes in place; what a pattern matches gets an entry of its own even then."""
    said(shared, wants("acme:pull-a", BO), wants("acme:pull-b", CY), wants("north:twin", BO), wants("south:twin", CY))
    assert muster("registry", "adopt", "--proposals").code == 0
    after = declared(muster)
    assert (after["saas:acme:pull-a"][1], after["saas:acme:pull-b"][1]) == (BO, CY)
    assert after["saas:north:twin"][1:] == (BO, "N-6")
    assert after["saas:south:twin"][1:] == (CY, "N-3")
    registry = (shared / "registry.csv").read_text().splitlines()
    assert len(registry) == 1 + 3 + 3
    assert [line.split(",")[5] for line in registry[4:]] == ["pulls", "pulls", "mirrors"]


def test_only_what_is_chosen_and_stands(shared: Path, muster: Muster) -> None:
    """What was taken back is not taken; ``--identity`` leaves the rest; somebody's "not mine" is said."""
    back = wants("acme:feed-c", BO)
    said(shared, back, wants("acme:feed-a", BO), wants("acme:feed-b", BO))
    said(shared, OwnerWithdrawn(identity=back.identity, of=back.at, by=CY, at=AT))
    said(shared, OwnerDenied(identity="saas:acme:pull-a", by=ADA, at=AT))

    done = muster("registry", "adopt", "--proposals", "--identity", "saas:acme:feed-a")
    assert (done.out.count("@@"), "pull-a" in done.err) == (2, False)
    rest = muster("registry", "adopt", "--proposals")
    assert f"{ADA} says that saas:acme:pull-a is not theirs, and nobody was proposed" in rest.err
    after = declared(muster)
    assert [after[f"saas:acme:feed-{letter}"][1] for letter in "abc"] == [BO, BO, ADA]
    assert muster("registry", "adopt", "--identity", "x").code == 2
