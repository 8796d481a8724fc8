"""What the page shows of a result, before it is packed into a browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from reports.html.payload import IN_FULL, blocks, overview, registry_given
from reports.summary import Digest
from scanner.model import EntryAssessment, OwnershipVerdict, RegistryVerdict, ScanResult, Trust
from tests.factories import make_assessment, make_entry, make_finding, make_identity, make_result
from tests.reports.html.estate import small_estate
from tests.reports.html.test_packing import unpacked
from tests.reports.samples import estate, estate_with_gaps


def values(table: dict[str, Any], name: str) -> list[Any]:
    """A table's column, row by row."""
    return unpacked(table["columns"][name])


UNCHECKED = make_assessment(registry=RegistryVerdict(state="unchecked"), ownership=OwnershipVerdict(state="unchecked"))


@pytest.mark.parametrize(
    "result",
    [estate, estate_with_gaps, lambda: replace(estate_with_gaps(), identities=())],
    ids=["read in full", "gaps", "nothing could be read"],
)
def test_the_page_says_what_every_report_says(result: Callable[[], ScanResult]) -> None:
    """Headline and caveats are the same sentences as on the terminal and in the workbook."""
    shown, digest = overview(result()), Digest(result())

    assert (shown["headline"], shown["caveats"]) == (digest.headline, digest.caveats)


@pytest.mark.parametrize(
    ("result", "given"),
    [
        pytest.param(make_result(UNCHECKED), False, id="all unchecked"),
        pytest.param(make_result(make_assessment()), True, id="judged against an empty one"),
        pytest.param(
            make_result(UNCHECKED, entries=(EntryAssessment(entry=make_entry("x"), state="not_evaluated"),)),
            True,
            id="entries",
        ),
    ],
)
def test_whether_a_registry_was_given(result: ScanResult, given: bool) -> None:
    """Unchecked identities and no entry: there was none."""
    assert registry_given(result) is given


def test_a_trust_in_several_subjects_is_one_row() -> None:
    """Its evidence names them all."""
    trusts = [Trust(principal="issuer", kind="federated", evidence="a, b", subject=subject) for subject in ("a", "b")]
    other = Trust(principal="issuer", kind="federated", evidence="c", subject="c")
    judged = make_assessment(make_identity(trusts=(*trusts, other)))

    assert values(blocks(make_result(judged))["details"]["trusts"], "evidence") == ["a, b", "c"]


def test_identities_come_most_urgent_first() -> None:
    """The page's first order is by severity, privilege, and what no one uses."""
    table = blocks(small_estate())["identities"]["identities"]

    assert values(table, "name") == ["deployer", "legacy-export", "build-bot", "svc-billing", "triage-agent"]


def test_a_key_is_kept_without_the_name_it_ends_in() -> None:
    """Stem and name together give the key; a key that ends otherwise is kept whole."""
    named, other = make_identity("a"), make_identity("b", key="urn:1")
    table = blocks(make_result(make_assessment(named), make_assessment(other)))["identities"]["identities"]

    assert values(table, "stem") == [named.key.removesuffix("a"), "urn:1"]
    assert values(table, "named") == [True, False]


def test_findings_name_rows() -> None:
    """A finding refers to its identity by row, to one that is not there by key, and may be about none."""
    subject = make_assessment(findings=("listed",))
    findings = (
        make_finding(fingerprint="here"),
        make_finding(fingerprint="gone", identity="arn:gone"),
        make_finding(fingerprint="listed", identity=None),
        make_finding(fingerprint="entry", identity=None, entry="NHI-1"),
    )
    table = blocks(make_result(subject, findings=findings))["findings"]["findings"]

    assert sorted(values(table, "identity"), key=str) == [0, 0, None, "arn:gone"]


def test_links_name_rows_where_the_target_is_known() -> None:
    """The page can walk from an identity to the one it can become."""
    packed = blocks(small_estate())
    names = values(packed["identities"]["identities"], "name")
    links = packed["details"]["links"]

    assert [(names[a], names[b]) for a, b in zip(values(links, "identity"), values(links, "target"), strict=True)] == [
        ("deployer", "svc-billing")
    ]


def test_gaps_come_first() -> None:
    """What could not be read stands above what could."""
    table = blocks(small_estate())["coverage"]["coverage"]

    assert values(table, "gap") == [True, False]


def test_an_entry_keeps_what_people_wrote() -> None:
    """Every field that is filled in is shown, unknown columns included, empty ones not."""
    entry = make_entry("svc", purpose="billing", extra={"cost centre": "12"}, systems=("s3", "sqs"))
    table = blocks(make_result(entries=(EntryAssessment(entry=entry, state="found"),)))["entries"]["entries"]

    assert values(table, "facts") == [(("purpose", "billing"), ("systems", "s3, sqs"), ("cost centre", "12"))]


@pytest.mark.parametrize(("more", "digits"), [(0, 32), (1, 8)])
def test_a_page_of_many_findings_has_the_digits_that_make_each_unique(more: int, digits: int) -> None:
    """Whole fingerprints, which do not pack, would be two thirds of it."""
    fingerprints = [f"{at:09x}"[::-1].ljust(32, "0") for at in range(IN_FULL + more)]
    result = make_result(findings=tuple(make_finding(fingerprint=one) for one in fingerprints))
    column = blocks(result)["findings"]["findings"]["columns"]["fingerprint"]
    assert unpacked(column) == [one[:digits] for one in fingerprints]
