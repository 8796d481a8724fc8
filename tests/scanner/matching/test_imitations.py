"""Who imitates a declared name, and who does not."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.matching.ladder import match
from scanner.matching.lookalikes import look_alikes
from scanner.model import Entry, Identity, LookAlike
from tests.factories import ACCOUNT, make_entry, make_identity

TODAY = date(2026, 11, 25)
LIVE = make_entry("svc-billing")
TWIN = make_identity("svc-b\u0456lling")


def imitated(identities: list[Identity], *entries: Entry) -> dict[str, LookAlike]:
    verdicts = match(identities, entries, tag_keys=("muster:entry",), today=TODAY).verdicts
    return look_alikes(identities, verdicts, entries, TODAY)


def test_a_twin_imitates_the_entry_with_what_gives_it_away() -> None:
    """The evidence names both, safe to print."""
    [found] = imitated([make_identity("svc-billing"), TWIN], LIVE).values()

    assert (found.entry, found.name) == ("NHI-1", "svc-billing")
    assert found.evidence == (
        '"svc-b\u0456lling" looks like "svc-billing" in registry.csv:2 but is written with Cyrillic \u0456'
    )


@pytest.mark.parametrize(
    ("identity", "entry"),
    [
        pytest.param(make_identity("svc-billing "), LIVE, id="space-at-its-end"),
        pytest.param(TWIN, make_entry(f"arn:aws:iam::{ACCOUNT}:user/team/svc-billing"), id="end-of-a-declared-id"),
        pytest.param(TWIN, make_entry("AIDAEXAMPLEEXAMPLE12", name="svc-billing"), id="name-of-the-entry"),
        pytest.param(make_identity("x", display_name="svc-bill\u200bing"), LIVE, id="display-name"),
        pytest.param(make_identity("x", aliases=("b\u043et@a.example",)), make_entry("bot@a.example"), id="e-mail"),
        pytest.param(make_identity("x", key="arn:aws:iam::1:user/svc-billing\u3164"), LIVE, id="end-of-its-key"),
        pytest.param(TWIN, make_entry("svc-billing", provider="AWS", scope="999999999999"), id="in-another-scope"),
        pytest.param(make_identity("svc-bi11ing"), LIVE, id="digits"),
    ],
)
def test_what_a_reader_takes_for_a_declared_name_is_an_imitation(identity: Identity, entry: Entry) -> None:
    """By any of the names of either."""
    assert imitated([identity], entry)[identity.key].entry == "NHI-1"


@pytest.mark.parametrize(
    ("identity", "entries"),
    [
        pytest.param(TWIN, [], id="no-registry"),
        pytest.param(make_identity("svc-billing"), [make_entry("svc-billing", scope="9")], id="same-name-elsewhere"),
        pytest.param(make_identity("SVC-BILLING"), [make_entry("svc-billing", scope="9")], id="in-another-case"),
        pytest.param(TWIN, [LIVE, make_entry(TWIN.key, id="NHI-2")], id="declared-itself"),
        pytest.param(TWIN, [make_entry("svc-billing", status="retired")], id="of-what-is-retired"),
        pytest.param(TWIN, [make_entry("svc-billing", status="proposed")], id="of-what-is-proposed"),
        pytest.param(TWIN, [make_entry("svc-billing", expires=date(2026, 1, 1))], id="of-what-has-expired"),
        pytest.param(TWIN, [make_entry("svc-billing", provider="gcp")], id="of-another-provider"),
        pytest.param(make_identity("rogue-svc-billing"), [LIVE], id="a-longer-name"),
        pytest.param(
            make_identity("x", aliases=("AKIAEXAMPLEEXAMPLEO2",)), [make_entry("AKIAEXAMPLEEXAMPLE02")], id="ids"
        ),
    ],
)
def test_other_identities_are_no_imitation(identity: Identity, entries: list[Entry]) -> None:
    """The same name is none, nor is a name of something that does not count."""
    assert imitated([identity], *entries) == {}


@pytest.mark.parametrize(
    "weak",
    [
        pytest.param(make_entry("svc-*", id="NHI-2"), id="pattern"),
        pytest.param(make_entry("another", id="NHI-1"), id="tag"),
    ],
)
def test_one_that_only_a_pattern_or_its_own_tag_registers_can_imitate(weak: Entry) -> None:
    """An attacker can choose a name that matches."""
    rogue = make_identity("svc-b\u0456lling", tags={"muster:entry": "NHI-1"} if weak.id == "NHI-1" else {})
    declared = make_entry("svc-billing", id="NHI-9")

    assert imitated([rogue], weak, declared)[rogue.key].entry == "NHI-9"


def test_an_identity_that_an_entry_registers_lends_it_its_name() -> None:
    """Of a pattern nothing but these says what is meant."""
    one, twin = make_identity("ci-deploy"), make_identity("\u0441i-deploy")

    assert imitated([one, twin], make_entry("ci-*"))[twin.key].name == "ci-deploy"


@given(st.permutations([make_entry("svc-billing", id=f"E{n}", provider=("aws" if n % 2 else None)) for n in range(6)]))
def test_the_first_entry_is_named_in_any_order(entries: list[Entry]) -> None:
    """Also where some name the provider and some do not."""
    assert imitated([TWIN], *entries)[TWIN.key].entry == "E0"


_ANY: dict[str, Any] = {"max_size": 12}


@given(st.lists(st.text(**_ANY), max_size=5), st.lists(st.text(**_ANY), max_size=5))
def test_any_names_can_be_looked_at(names: list[str], declared: list[str]) -> None:
    """With any values, in identities and in entries."""
    identities = [make_identity(name, key=f"k{number}", aliases=(name,)) for number, name in enumerate(names)]

    imitated(identities, *(make_entry(text, id=f"E{number}", name=text) for number, text in enumerate(declared)))
