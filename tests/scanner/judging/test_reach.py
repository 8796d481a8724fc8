"""Reach beyond what entries declare: from the real pipeline to the finding."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.discovery.inventory import Inventory
from scanner.judging.last_known.remembered import Remembered
from scanner.judging.pipeline import Declared, judge
from scanner.model import Consequence, Finding, Identity, Link, Privilege, ScanInfo
from tests.factories import NOW, make_coverage, make_entry, make_identity

SCAN = ScanInfo(id="s", started_at=NOW, finished_at=NOW, version="0")
SENDS = Consequence(kind="send", actions=("ses:SendEmail",), by="policy Mail")


def findings(blast_radius: str | None, *identities: Identity) -> list[Finding]:
    """Of the rule, where the first of these is declared so."""
    declared = make_entry(identities[0].key, blast_radius=blast_radius)
    result = judge(
        Inventory(identities=identities, coverage=(make_coverage(kinds=("*",)),)),
        Declared(entries=(declared,)),
        Remembered(),
        SCAN,
    )
    return [finding for finding in result.findings if finding.rule == "reach_beyond_declaration"]


def mailing(**facts: Any) -> tuple[Identity, Identity]:
    """One that can become one that sends."""
    link = Link(relation="can_assume", target=make_identity("mailer").key, evidence="trusted")
    defaults = {"privilege": Privilege(level="normal"), "consequences": (), "links": (link,)}
    mailer = make_identity("mailer", privilege=Privilege(level="normal"), consequences=(SENDS,))
    return make_identity("ci", **(defaults | facts)), mailer


@pytest.mark.parametrize(
    ("blast_radius", "found"),
    [
        ("nothing", "send messages"),
        ("0 identities", "1 identity"),
        ("send messages", None),
        ("mails", None),
        (None, None),
    ],
)
def test_what_is_reached_through_others_is_beyond_the_entry(blast_radius: str | None, found: str | None) -> None:
    """Free text is left to people."""
    given = findings(blast_radius, *mailing())

    assert [one.evidence["found"] for one in given] == ([] if found is None else [found])
    assert all(one.severity == "medium" and one.evidence["entry"] == "NHI-1" for one in given)


def test_it_is_more_severe_for_an_admin() -> None:
    """Whose reach is everything in its scope."""
    (given,) = findings("send messages", *mailing(privilege=Privilege(level="escalation"), consequences=None))

    assert (given.severity, given.evidence["found"]) == ("high", "do everything in aws 123456789012")
