"""When two registries declare the same, and what they say together."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from scanner.matching.decision import differences, united
from scanner.matching.declared import Declared, effective_status, environment_in_name, environments
from tests.factories import make_entry

TODAY = date(2026, 11, 25)


def declared(**facts: Any) -> Declared:
    entry = make_entry("svc-billing", **{"owner": (), **facts})
    return Declared(entry=entry, status=effective_status(entry, TODAY))


@pytest.mark.parametrize(
    ("one", "other", "columns"),
    [
        pytest.param({}, {}, (), id="nothing-said"),
        pytest.param({"owner": ("a@x.y", "b@x.y")}, {"owner": (" B@x.y ",)}, (), id="a-common-owner"),
        pytest.param({"owner": ("a@x.y",)}, {"owner": ("b@x.y",)}, ("owner",), id="other-owners"),
        pytest.param({"owner": ("a@x.y",)}, {}, (), id="one-names-no-owner"),
        pytest.param({"environment": "PRD"}, {"environment": "Production (EU)"}, (), id="synonyms"),
        pytest.param({"environment": "prod"}, {"environment": "staging"}, ("environment",), id="other-environment"),
        pytest.param({"environment": "prod"}, {"environment": "blue"}, (), id="an-unknown-word"),
        pytest.param({"kind": "agent"}, {"kind": "pipeline"}, ("kind",), id="other-kind"),
        pytest.param({"kind": "agent"}, {"kind": "other"}, (), id="other-is-no-kind"),
        pytest.param(
            {"expires": date(2027, 1, 1)}, {"expires": date(2027, 2, 1)}, ("expires",), id="both-name-another-day"
        ),
        pytest.param({"expires": date(2027, 1, 1)}, {}, (), id="one-names-no-day"),
        pytest.param({"status": "retired"}, {}, ("status",), id="retired"),
        pytest.param({"expires": date(2026, 1, 1)}, {}, ("status",), id="expired"),
        pytest.param(
            {"kind": "agent", "environment": "dev", "owner": ("a@x.y",)},
            {"kind": "service", "environment": "qa", "owner": ("b@x.y",)},
            ("environment", "kind", "owner"),
            id="all-that-differ-are-named",
        ),
    ],
)
def test_only_what_both_say_can_differ(one: dict[str, Any], other: dict[str, Any], columns: tuple[str, ...]) -> None:
    """Columns in which two entries contradict each other, whichever is asked first."""
    assert differences(declared(**one), declared(**other)) == columns
    assert differences(declared(**other), declared(**one)) == columns


def test_agreeing_entries_fill_each_others_gaps() -> None:
    """Lists are joined, empty cells filled, and the values of the first one stay."""
    first = make_entry("a", environment="prod", credentials=("AKIA1",), owner=())
    second = make_entry("a", "b", environment="production", max_credential_age=90, credentials=("AKIA2", "AKIA1"))
    both = united(first, [second])

    assert (both.id, both.identities, both.owner) == (first.id, ("a", "b"), second.owner)
    assert (both.environment, both.max_credential_age, both.credentials) == ("prod", 90, ("AKIA1", "AKIA2"))
    assert united(first, []) == first


def test_a_pattern_only_fills_what_an_exact_entry_leaves_empty() -> None:
    """What it says of many is no addition to what is said of one: systems and permissions would hide drift."""
    exact = make_entry("a", owner=(), systems=("s3",), permissions=(), team=None)
    broad = make_entry("a*", systems=("dynamodb",), permissions=("read",), team="data")
    both = united(exact, [broad])

    assert (both.identities, both.owner, both.systems) == (("a",), broad.owner, ("s3",))
    assert (both.permissions, both.team) == (("read",), "data")
    assert united(broad, [make_entry("b*", systems=("sqs",))]).systems == ("dynamodb", "sqs")


@pytest.mark.parametrize(
    "column",
    ["identities", "owner", "technical_owner", "backup_owner", "systems", "permissions", "credentials"],
)
def test_every_list_is_joined(column: str) -> None:
    """Whatever two registries say of one identity is said of it."""
    one, other = make_entry(**{column: ("a", "b")}), make_entry(**{column: ("b", "c")})
    assert getattr(united(one, [other]), column) == ("a", "b", "c")


@pytest.mark.parametrize(
    ("column", "value"), [("team", "payments"), ("environment", "prod"), ("max_credential_age", 90)]
)
def test_every_empty_cell_is_filled(column: str, value: object) -> None:
    """By the first entry that has it."""
    others = [make_entry(), make_entry(**{column: value}), make_entry(**{column: 7})]
    assert getattr(united(make_entry(), others), column) == value


BELOW = {"dev", "test", "qa", "uat", "staging", "preprod", "sandbox"}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (None, set()),
        ("Production", {"prod"}),
        ("prod-eu-1", {"prod"}),
        ("PROD1", {"prod"}),
        ("dev; staging", {"dev", "staging"}),
        ("non-prod", BELOW),
        ("NonProd", BELOW),
        ("pre production", {"preprod"}),
        ("non-product", set()),
        ("reproduction", set()),
        ("pr\u043ed", set()),
        ("\u00e9prod", set()),
        ("blue", set()),
    ],
)
def test_environments_are_recognised_by_whole_words(text: str | None, named: set[str]) -> None:
    """Synonyms are one; part of a word, a look-alike and an unknown word name none."""
    assert environments(text) == named


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("svc-payments-prod", {"prod"}),
        ("PaymentsEtlProd", {"prod"}),
        ("svc_etl_non-prod", BELOW),
        ("prod-to-dev-copier", set()),
        ("test-runner", set()),
        ("live-stream", set()),
        ("producer", set()),
    ],
)
def test_a_name_has_an_environment_only_if_unambiguous(name: str, found: set[str]) -> None:
    """A whole word that means nothing else, and only one."""
    assert environment_in_name(name) == found
