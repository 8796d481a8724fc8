"""Names split into words, and the names of an identity or an entry."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.matching.lookalikes import LONGEST
from scanner.matching.suggestions.names import (
    MOST_NAMES,
    MOST_WORDS,
    environments,
    key_of,
    names_of_entry,
    names_of_identity,
    one_spelling,
)
from tests.factories import make_entry, make_identity


@pytest.mark.parametrize(
    ("text", "key"),
    [
        pytest.param("svc-Payments_ETL-prod2", "svc payments etl prod 2", id="all-separators"),
        pytest.param("SvcPaymentsETLProd2", "svc payments etl prod 2", id="camel"),
        pytest.param("HTTPServer", "http server", id="acronym-before-a-word"),
        pytest.param("etl-V2", "etl v2", id="version"),
        pytest.param("k8s-s3-sync", "k8s s3 sync", id="words-with-digits"),
        pytest.param("web.pre-prod", "web preprod", id="environment-of-two-words"),
        pytest.param("Stack-Role-1X2Y3Z4ABCDEF", "stack role #1x2y3z4abcdef", id="made-up-by-a-machine"),
        pytest.param("crm-7f3a9c21", "crm #7f3a9c21", id="hash"),
        pytest.param("4f1c0d2e-9a3b-4c5d-8e6f-001122334455", "#4f1c0d2e-9a3b-4c5d-8e6f-001122334455", id="guid"),
        pytest.param("facade-decade", "facade decade", id="words-of-hexadecimal-letters"),
        pytest.param("b\u043et-\uff50\uff52\uff4f\uff44", "bot prod", id="look-alikes"),
        pytest.param("caf\u00e9", "cafe", id="accent"),
        pytest.param("gro\u00df-\u652f\u6255", "gro\u00df \u652f\u6255", id="other-alphabets"),
        pytest.param("bil\u200bling", "billing", id="invisible"),
        pytest.param("\ud800-x\x1b[2J", "x 2 j", id="surrogate-and-escape"),
        pytest.param("--__..", "", id="separators-only"),
        pytest.param("", "", id="empty"),
    ],
)
def test_a_name_is_taken_apart_as_engineers_write_it(text: str, key: str) -> None:
    """Separators, camel case and digits part words; what a machine made up stays one."""
    assert key_of(text) == key


@pytest.mark.parametrize(
    ("word", "one"),
    [("production", "prod"), ("stg", "staging"), ("svc", "service"), ("pmts", "payments"), ("007", "7"), ("0", "0")],
)
def test_known_words_have_one_spelling(word: str, one: str) -> None:
    """Shortened, spelled out or padded with zeros, it is the same word."""
    assert one_spelling(word) == one


def test_environments_in_a_key() -> None:
    """However they are spelled."""
    assert environments("payments production 2") == {"prod"}


@given(st.text(max_size=300))
def test_a_key_of_any_text_is_words_with_single_spaces(text: str) -> None:
    """With any text, the key can be split and joined again, and is its own key except for generated words."""
    key = key_of(text)

    assert key == " ".join(key.split())
    assert len(key.split()) <= MOST_WORDS


def test_an_endless_name_costs_no_time() -> None:
    """Only its beginning counts."""
    started = time.process_time()
    key = key_of("A1" * 50_000) + key_of("a" * 100_000)

    assert len(key.replace("#", "")) <= 2 * LONGEST
    assert time.process_time() - started < 0.1


def test_an_identity_goes_by_name_display_name_key_and_aliases() -> None:
    """Each spelling once, under the strongest label; ids without a word are no names."""
    identity = make_identity(
        "svc-billing",
        key="gcp://demo/serviceAccounts/svc-billing@demo.iam.gserviceaccount.com",
        display_name="Billing (nightly)",
        aliases=("SVC_Billing", "invoices@demo.iam.gserviceaccount.com", "AIDAEXAMPLE12345678", "1234567"),
    )

    names = [(one.label, one.text, one.key) for one in names_of_identity(identity)]

    assert names == [
        ("name", "svc-billing", "svc billing"),
        ("display name", "Billing (nightly)", "billing nightly"),
        ("alias", "invoices", "invoices"),
    ]


def test_an_entry_goes_by_name_ids_and_the_literal_part_of_patterns() -> None:
    """Of ids the last segment, with escapes undone."""
    entry = make_entry(
        "arn:aws:iam::123456789012:role/etl/nightly-load", r"job\*x", "arn:aws:iam::*:role/app-*", "**", name="Loader"
    )

    names = [(one.label, one.text, one.key) for one in names_of_entry(entry)]

    assert names == [
        ("name", "Loader", "loader"),
        ("identity", "nightly-load", "nightly load"),
        ("identity", "job*x", "job x"),
        ("pattern", "app-*", "app"),
    ]


def test_only_so_many_names_of_one_entry_count() -> None:
    """A row with thousands of names costs no more than one with a few."""
    entry = make_entry(*(f"name{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(600)))

    assert len(names_of_entry(entry)) == MOST_NAMES


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        pytest.param("CN=svc-billing,OU=Robots,DC=corp,DC=example", ["svc billing"], id="distinguished-name"),
        pytest.param("uid=svc-billing+cn=Anna,ou=people,o=corp", ["svc billing"], id="several-values"),
        pytest.param(r"cn=Lastschrift\, eingehend,ou=x", ["lastschrift eingehend"], id="escaped-comma"),
        pytest.param(r"CORP\svc-billing", ["svc billing"], id="user-of-a-domain"),
        pytest.param("svc-billing@corp.example", ["svc billing"], id="principal-name"),
        pytest.param("svc-billing; svc-export", ["svc billing", "svc export"], id="several"),
        pytest.param("cn=" + "\\" * 100_000, ["cn"], id="hostile"),
    ],
)
def test_words_of_form_are_no_name(text: str, keys: list[str]) -> None:
    """Units and domains say where an account is kept, which is the same for all of them."""
    assert [name.key for name in names_of_entry(make_entry(text))] == keys


def test_a_directory_account_is_compared_by_the_value_of_its_first_relative_name() -> None:
    """In its key as in its name."""
    where = "OU=Service Accounts,OU=Robots,DC=corp,DC=example"
    identity = make_identity(f"CN=svc-billing,{where}", key=f"CN=svc-billing,{where}")

    assert [name.key for name in names_of_identity(identity)] == ["svc billing"]
