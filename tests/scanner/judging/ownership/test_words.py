"""Teams and people in names."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.judging.ownership.words import LONGEST, words
from scanner.model import Link
from scanner.registry.roster import Roster
from tests.factories import make_identity, make_person
from tests.scanner.judging.ownership.people import TODAY, candidates

ROSTER = Roster(
    [
        make_person("ada.lovelace@example.com", team="payments"),
        make_person("grace@example.com", team="payments"),
        make_person("al@example.com"),
        make_person("team:payments", members=("ada.lovelace@example.com",), name="Payments Engineering"),
        make_person("team:payments-risk", members=("grace@example.com",)),
        make_person("DevOps@example.com", members=("grace@example.com",), aliases=("delivery squad",)),
        make_person("team:data", members=("grace@example.com",)),
        make_person("team:emea-sales", members=("grace@example.com",), name="Sales"),
        make_person("team:us-sales", members=("al@example.com",), name="Sales Team"),
        make_person("team:engineering", members=("grace@example.com",)),
        make_person("team:42", members=("grace@example.com",)),
        make_person("team:ghosts", members=("gone@example.com",)),
    ],
    TODAY,
)
PAYMENTS = ("team:payments", 0.45, "name says payments")


def likeliest(name: str, **facts: Any) -> tuple[str, float, str] | None:
    """The likeliest candidate for an identity of this name."""
    found = candidates(make_identity(name, **facts), roster=ROSTER)
    return (found[0].person, found[0].score, found[0].evidence) if found else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("svc-Payments_ETL-prod2", ("svc", "payments", "etl", "prod", "2"), id="as-engineers-write"),
        pytest.param("PaymentsETLBot", ("payments", "etl", "bot"), id="camel-case"),
        pytest.param("/payments/eu.west/", ("payments", "eu", "west"), id="path"),
        pytest.param("ops:zahlungen", ("ops", "zahlungen"), id="colon"),
        pytest.param("платежи-бот", ("платежи", "бот"), id="another-script"),
        pytest.param(
            "app-0ada1234-ada0-ada0-ada0-ada0ada0ada0", ("app", "0ada1234-ada0-ada0-ada0-ada0ada0ada0"), id="guid"
        ),
        pytest.param("run-5f3ada9c0ada", ("run", "5f3ada9c0ada"), id="hexadecimal-id"),
        pytest.param("-_-", (), id="none"),
        pytest.param("a " * LONGEST, ("a",) * (LONGEST // 2), id="absurdly-long"),
    ],
)
def test_words_of_a_name(text: str, expected: tuple[str, ...]) -> None:
    """Names come apart at signs, capitals and numbers; ids stay whole."""
    assert words(text) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("svc-payments-etl", PAYMENTS, id="team"),
        pytest.param("PaymentsEtl", PAYMENTS, id="camel-case"),
        pytest.param(
            "svc-payments-risk-etl", ("team:payments-risk", 0.45, "name says payments risk"), id="the-longest"
        ),
        pytest.param("repayments-etl", None, id="never-a-part-of-a-word"),
        pytest.param("payments-data-sync", ("team:payments", 0.23, "name says payments"), id="two-teams-share"),
        pytest.param("svc-devops", ("DevOps@example.com", 0.23, "name says devops"), id="two-words-in-one"),
        pytest.param("DevOpsRunner", ("DevOps@example.com", 0.23, "name says dev ops"), id="or-apart"),
        pytest.param("delivery-runner", ("DevOps@example.com", 0.45, "name says delivery"), id="alias-without-squad"),
        pytest.param("etl-data", ("team:data", 0.23, "name says data"), id="a-common-word"),
        pytest.param("sales-sync", ("team:emea-sales", 0.23, "name says sales"), id="two-teams-of-one-name"),
        pytest.param("us-sales-sync", ("team:us-sales", 0.45, "name says us sales"), id="longer-run"),
        pytest.param("engineering-x", ("team:engineering", 0.45, "name says engineering"), id="nothing-but-filler"),
        pytest.param("job-42", None, id="a-number-is-no-name"),
        pytest.param("svc-ghosts", None, id="no-name-in-it"),
        pytest.param("ada-lovelace-test", ("ada.lovelace@example.com", 0.4, "name says ada lovelace"), id="full-name"),
        pytest.param("grace-test", ("grace@example.com", 0.2, "name says grace"), id="first-name"),
        pytest.param("al-test", None, id="too-short-a-name"),
        pytest.param("p\u0430yments-etl", None, id="look-alike"),
    ],
)
def test_who_is_in_a_name(name: str, expected: tuple[str, float, str] | None) -> None:
    """A team's name or a person's user name, as whole words; what several share or anything may mean counts less."""
    assert likeliest(name) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({"attributes": {"path": "/payments/"}}, ("team:payments", 0.5, "path says payments"), id="path"),
        pytest.param(
            {"attributes": {"scope_name": "Payments Prod"}},
            ("team:payments", 0.4, "scope says payments"),
            id="what-the-scope-is-called",
        ),
        pytest.param({"attributes": {"scope_name": 7}}, None, id="a-scope-without-a-name"),
        pytest.param({"scope": "payments-prod"}, ("team:payments", 0.4, "scope says payments"), id="scope"),
        pytest.param(
            {"links": (Link(relation="member_of", target="arn:aws:iam::1:group/payments-devs", evidence="listed"),)},
            ("team:payments", 0.5, "group says payments"),
            id="group",
        ),
        pytest.param(
            {"links": (Link(relation="can_assume", target="arn:aws:iam::1:role/payments", evidence="trust"),)},
            None,
            id="another-link",
        ),
        pytest.param({"attributes": {"path": 7}}, None, id="a-path-that-is-none"),
    ],
)
def test_who_is_around_a_name(facts: dict[str, Any], expected: tuple[str, float, str] | None) -> None:
    """Path, scope and groups are read the same way."""
    assert likeliest("etl", **facts) == expected


def test_a_name_confirms_a_tag() -> None:
    """A team in the name and in a tag is likelier than either."""
    assert likeliest("svc-payments-etl", tags={"team": "payments"}) == (
        "team:payments",
        0.78,
        "tag team=payments; name says payments",
    )
