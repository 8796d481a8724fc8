"""Masking finds what gitleaks tests itself with; ``benchmarks/masking.toml`` has its cases."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.masking import LEAST, cases, is_kept, masked_names, wrongly_masked
from scanner.redaction.shapes import without_secrets


def test_recall_over_all_cases_and_of_each_rule() -> None:
    """A rule whose secrets are mostly kept would be lost in the average."""
    kept: Counter[str] = Counter()
    every: Counter[str] = Counter()
    for case in cases(1):
        every[case.rule] += 1
        kept[case.rule] += is_kept(case)
    # Values under ``data`` of a manifest stand beside names of their author's: no connector reads them.
    rules = [rule for rule, number in kept.items() if number > every[rule] / 4]

    assert rules == ["kubernetes-secret-yaml"]
    assert sum(kept.values()) < (1 - LEAST) * sum(every.values())


def test_texts_in_which_nothing_is_secret() -> None:
    """All but two, in which a password could stand where they have a name."""
    assert [text for text in wrongly_masked() if "jsonwebtoken" not in text and "secretKey: foo" not in text] == []


def test_names_stay() -> None:
    """Also of words that names of secrets have; the benchmark tries a million."""
    assert masked_names(5_000) == []


@pytest.mark.parametrize("text", ["API_KEY=\nOTHER_API_KEY=", "a.password=\na.url="])
def test_a_variable_without_a_value_takes_none_from_the_next_line(text: str) -> None:
    """A template of an environment has many of them."""
    assert without_secrets(text) == text


@pytest.mark.parametrize("given", ["$API_KEY", "$(pass show x)", "${API_KEY}", "<your token>", "********"])
def test_a_reference_in_a_header_is_no_secret(given: str) -> None:
    """It says where the secret is."""
    text = f'curl -H "Authorization: Bearer {given}" https://api.example'

    assert without_secrets(text) == text


@pytest.mark.parametrize(
    "text", ["PASSWORD", "passWord", "PaSsWoRd", "db_Token", "API-KEY", "ApiKey", "HASŁO", "Пароль", "KENNWORT"]
)
def test_a_name_however_its_letters_are_written(text: str) -> None:
    """The search knows every spelling."""
    assert "Zk4pQ8vT2m" not in without_secrets(f'{text} = "Zk4pQ8vT2m"')
