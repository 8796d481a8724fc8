"""Neighbours: owned identities of similar names."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from scanner.model import Entry, Identity, RegistryVerdict
from tests.factories import ACCOUNT, make_entry, make_identity
from tests.scanner.judging.ownership.people import UNREGISTERED, judge_all

ADA, CYD = "ada@example.com", "cyd@example.com"
ELSEWHERE = "999999999999"


def owned(name: str, owner: str, scope: str = ACCOUNT, provider: str = "aws") -> tuple[Identity, Entry]:
    """A declared identity, and the entry that names its owner."""
    key = f"{provider}:{scope}:{name}"
    identity = make_identity(name, key=key, scope=scope, provider=provider)
    return identity, make_entry(key, id=key, owner=(owner,))


def asked(name: str, neighbours: Sequence[tuple[Identity, Entry]]) -> tuple[str, float, str] | None:
    """The likeliest candidate for an undeclared identity among these."""
    orphan = make_identity(name, key="orphan")
    subjects = [(one, RegistryVerdict(state="registered", entry=entry.id)) for one, entry in neighbours]
    verdicts = judge_all([*subjects, (orphan, UNREGISTERED)], [entry for _, entry in neighbours])
    found = verdicts["orphan"].candidates
    return (found[0].person, found[0].score, found[0].evidence) if found else None


FOUR_OF_FIVE = [owned(f"svc-payments-{word}", ADA) for word in ("etl", "api", "refunds", "risk")]
FOUR_OF_FIVE.append(owned("svc-payments-mail", CYD))


@pytest.mark.parametrize(
    ("name", "neighbours", "expected"),
    [
        pytest.param(
            "svc-payments-new",
            FOUR_OF_FIVE,
            (ADA, 0.4, f"{ADA} owns 4 of 5 owned identities named svc-payments-* in {ACCOUNT}"),
            id="most-of-them",
        ),
        pytest.param(
            "SvcPayments_new",
            FOUR_OF_FIVE,
            (ADA, 0.4, f"{ADA} owns 4 of 5 owned identities named svc-payments-* in {ACCOUNT}"),
            id="however-it-is-written",
        ),
        pytest.param(
            "svc-payments-new",
            [owned(f"svc-payments-{word}", ADA) for word in "abcdefghijklmnopqrs"],
            (ADA, 0.57, f"{ADA} owns 19 of 19 owned identities named svc-payments-* in {ACCOUNT}"),
            id="many-of-one-mind",
        ),
        pytest.param(
            "svc-payments-new",
            [owned("svc-payments-etl", ADA)],
            (ADA, 0.3, f"{ADA} owns 1 of 1 owned identity named svc-payments-* in {ACCOUNT}"),
            id="one-alone-says-little",
        ),
        pytest.param(
            "svc-payments-new", [owned("svc-payments-a", ADA), owned("svc-payments-b", CYD)], None, id="a-tie"
        ),
        pytest.param("svc-orders-new", FOUR_OF_FIVE, None, id="one-word-is-no-neighbourhood"),
        pytest.param("svc-paymentsystem", FOUR_OF_FIVE, None, id="whole-words-only"),
        pytest.param("svc", [owned("svc", ADA)], None, id="a-single-word"),
        pytest.param("svc-payments-new", [owned("svc-payments-x", ADA, provider="gcp")], None, id="another-provider"),
        pytest.param(
            "svc-payments-new",
            [owned("svc-payments-a", ADA, ELSEWHERE), owned("svc-payments-b", ADA, ELSEWHERE)],
            (ADA, 0.4, f"{ADA} owns 2 of 2 owned identities named svc-payments-* in aws"),
            id="elsewhere-in-the-provider",
        ),
        pytest.param(
            "svc-payments-new",
            [owned("svc-payments-a", CYD), owned("svc-payments-b", ADA, ELSEWHERE)],
            (CYD, 0.3, f"{CYD} owns 1 of 1 owned identity named svc-payments-* in {ACCOUNT}"),
            id="its-own-scope-first",
        ),
        pytest.param(
            "svc-payments-etl-new",
            [*FOUR_OF_FIVE, *(owned(f"svc-payments-etl-{word}", CYD) for word in ("a", "b", "c", "d"))],
            (CYD, 0.4, f"{CYD} owns 4 of 5 owned identities named svc-payments-etl-* in {ACCOUNT}"),
            id="the-closer-ones",
        ),
        pytest.param(
            "svc-payments-etl",
            [owned("svc-payments-etl", ADA, ELSEWHERE)],
            (ADA, 0.3, f"{ADA} owns 1 of 1 owned identity named svc-payments-etl-* in aws"),
            id="its-twin",
        ),
        pytest.param(
            "run-job-0007",
            [owned(f"run-job-000{number}", ADA) for number in range(5)],
            (ADA, 0.5, f"{ADA} owns 5 of 5 owned identities named run-job-* in {ACCOUNT}"),
            id="numbered-instances",
        ),
        pytest.param(
            "run-job-7-x",
            [owned("run-job-7-a", CYD), owned("run-job-1-a", ADA), owned("run-job-2-a", ADA)],
            (ADA, 0.3, f"{ADA} owns 2 of 3 owned identities named run-job-* in {ACCOUNT}"),
            id="a-number-says-nothing",
        ),
    ],
)
def test_neighbours(
    name: str, neighbours: list[tuple[Identity, Entry]], expected: tuple[str, float, str] | None
) -> None:
    """If most identities with a common prefix have one owner, that is the candidate; the more, the higher the score."""
    assert asked(name, neighbours) == expected


def test_who_is_gone_is_no_neighbour() -> None:
    """Only identities with an active owner who stays count."""
    going = [owned("svc-payments-a", "lea@example.com"), owned("svc-payments-b", "bob@example.com")]
    assert asked("svc-payments-new", going) is None
