"""What a campaign's records mean, and what filled-in rows become, whatever is in them."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from scanner.lifecycle.reviews.campaign import outcomes, progress, states
from scanner.lifecycle.reviews.reviewers import People
from scanner.lifecycle.reviews.taking import read_book, take
from scanner.model import Ownership
from scanner.model.reviews import (
    DECISIONS,
    Campaign,
    Closing,
    Decision,
    DecisionName,
    Reassignment,
    Review,
    ReviewFacts,
    ReviewItem,
    ReviewRecord,
)
from scanner.registry.roster import Roster
from tests.examples import examples
from tests.factories import NOW, make_person

TODAY = NOW.date()
DUE = TODAY + timedelta(days=10)
FACTS = ReviewFacts(name="bot", provider="aws", scope="1", kind="role", what="a role", owner="ada@example.com")
PEOPLE = People(Roster([make_person("ada@example.com"), make_person("bob@example.com")], TODAY), Ownership(), ())


def item(number: int, reviewer: str = "ada@example.com") -> ReviewItem:
    """An item of ada's about the identity of that number."""
    return ReviewItem(
        id=f"i{number}", key=f"k{number}", reviewer=reviewer, because="owner", facts=FACTS, facts_hash="h"
    )


def decided(number: int, decision: DecisionName) -> Decision:
    """A decision of ada's."""
    return Decision(item=f"i{number}", decision=decision, at=NOW, by="ada@example.com", facts_hash="h")


def campaign(*records: ReviewRecord, name: str = "q4", items: int = 2, due: date = DUE) -> Campaign:
    """A campaign with ada's items."""
    review = Review(name=name, opened_at=NOW, due=due, scan="s")
    return Campaign(review=review, items=tuple(map(item, range(items))), records=records)


def named(*campaigns: Campaign, today: date = TODAY) -> dict[str, tuple[str, str]]:
    """The outcomes by key: the review and what it decided."""
    return {key: (one.review, one.outcome) for key, one in outcomes(campaigns, today).items()}


def test_a_later_decision_counts() -> None:
    """And ``not_mine`` takes it back, with another reviewer."""
    moved = Reassignment(item="i1", reviewer="bob@example.com", because="named", at=NOW)
    found = states(
        campaign(decided(0, "keep"), decided(0, "revoke"), decided(1, "keep"), decided(1, "not_mine"), moved)
    )

    assert [(one.reviewer, one.decision and one.decision.decision) for one in found] == [
        ("ada@example.com", "revoke"),
        ("bob@example.com", None),
    ]
    assert [(one.reviewer, one.decided, one.left) for one in progress(found)] == [
        ("bob@example.com", 0, 1),
        ("ada@example.com", 1, 0),
    ]


def test_nothing_is_held_against_an_open_campaign_that_is_not_due() -> None:
    """Once it is overdue, what is undecided is; decisions count from closing on."""
    running = campaign(decided(0, "revoke"))

    assert named(running) == {}
    assert named(running, today=DUE) == {}
    assert named(running, today=DUE + timedelta(days=1)) == {"k1": ("q4", "undecided")}
    assert named(campaign(decided(0, "revoke"), Closing(at=NOW))) == {"k0": ("q4", "revoke"), "k1": ("q4", "undecided")}


def test_a_later_campaign_replaces_an_earlier_one() -> None:
    """A decision stays in force while a later campaign only asks again."""
    first = campaign(decided(0, "revoke"), decided(1, "keep"), Closing(at=NOW), name="first")
    later = Closing(at=NOW + timedelta(days=1))
    overdue = DUE + timedelta(days=1)

    assert named(first, campaign(decided(0, "keep"), later)) == {"k0": ("q4", "keep"), "k1": ("q4", "undecided")}
    assert named(first, campaign(), today=overdue) == {"k0": ("first", "revoke"), "k1": ("q4", "undecided")}


CELLS = st.one_of(
    st.sampled_from(
        ["", "i0", "i1", "k0", "k1", "ada@example.com", "bob@example.com", *DECISIONS, "KEEP ", "=1+1", "-2+3", "@x"]
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
)
ROW = st.fixed_dictionaries(dict.fromkeys(("item", "reviewer", "key", "decision", "reason", "new_owner"), CELLS))


@given(rows=st.lists(ROW, max_size=4))
@examples(60)
def test_whatever_is_filled_in_is_a_decision_or_refused(rows: list[dict[str, str]]) -> None:
    """No cell ends it, and no decision comes from a row that is not the reviewer's own item."""
    asked = campaign()
    good = {"item": "i0", "reviewer": "ada@example.com", "key": "k0", "decision": "keep", "reason": "", "new_owner": ""}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "review.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(good))
            writer.writeheader()
            writer.writerows([good, *rows])
        taken = take([read_book(path, asked)], asked, PEOPLE, NOW)

    for decision in taken.decisions:
        assert decision.decision in DECISIONS
        assert any(
            row["item"].strip() == decision.item and row["key"].strip() == decision.item.replace("i", "k")
            for row in [good, *rows]
        )
        assert decision.by == "ada@example.com"
        assert (decision.new_owner is not None) == (decision.decision == "reassign")
        assert not (decision.reason or "").startswith(("=", "+", "@"))
