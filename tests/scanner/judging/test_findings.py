"""What a finding is about, and what findings are sorted by."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.model import most_severe_first
from tests.factories import make_finding

KEY = "arn:aws:iam::1:user/a"
CREDENTIAL = f"{KEY}#access_key:AKIA1"
SECRET = "arn:aws:secretsmanager:::secret:x"


@pytest.mark.parametrize(
    ("facts", "subject", "subjects", "about"),
    [
        ({"identity": KEY}, KEY, (KEY,), KEY),
        ({"identity": KEY, "credential": CREDENTIAL}, KEY, (KEY, CREDENTIAL), KEY),
        ({"credential": SECRET}, SECRET, (SECRET,), SECRET),
        ({"entry": "NHI-1"}, "NHI-1", ("NHI-1",), "entry NHI-1"),
        ({"entry": KEY}, KEY, (KEY,), f"entry {KEY}"),
        ({"assignment": "/a/1"}, "/a/1", ("/a/1",), "/a/1"),
        ({"evidence": {"match": "svc-*"}}, None, (), "exemption svc-*"),
    ],
    ids=["identity", "credential", "secret", "entry", "entry named as an identity", "assignment", "exemption"],
)
def test_a_finding_names_its_subject(
    facts: dict[str, Any], subject: str | None, subjects: tuple[str, ...], about: str
) -> None:
    """One subject, whatever the rule checks; a setting has none, and is named by its pattern."""
    finding = make_finding(**{"identity": None, **facts})

    assert (finding.subject, finding.subjects, finding.about) == (subject, subjects, about)
    assert finding.is_on_entry == ("entry" in facts)


def test_the_most_severe_finding_comes_first() -> None:
    """Then rule by rule, and what each is about."""
    ordered = [
        make_finding(severity="critical", rule="z"),
        make_finding(rule="a", identity=None, evidence={"match": "svc-*"}),
        make_finding(rule="a", identity="b"),
        make_finding(rule="a", identity="b", credential="b#1"),
        make_finding(rule="a", identity=None, entry="c"),
        make_finding(rule="a", identity=None, assignment="d"),
        make_finding(rule="a", identity=None, credential="e"),
        make_finding(rule="b", identity="a"),
        make_finding(severity="info", rule="a"),
    ]

    shuffled = [*ordered[5:], *ordered[:5]]

    assert sorted(shuffled, key=most_severe_first) == ordered
