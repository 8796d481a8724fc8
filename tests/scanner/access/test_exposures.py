"""Which identity a leaked key opens."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from scanner.access.exposures import by_subject, committers, matched, unmatched_notices
from scanner.model import Exposure
from tests.factories import make_credential, make_exposure, make_identity

BILLING = make_identity(unique_id="AIDA1", aliases=("billing@acme",), credentials=(make_credential(),))
DEPLOY = make_identity("deploy", credentials=(make_credential("deploy", "AKIAEXAMPLE2"),))
LISTED = make_identity("a-list", key="list:billing", provider="saas", credentials=(make_credential("x"),))
SHA1 = "sha1:" + hashlib.sha1(b"AKIAEXAMPLE2", usedforsecurity=False).hexdigest()

NAMELESS = "cannot be matched, because the report has no public id of them"


@pytest.mark.parametrize(
    ("facts", "identity", "credential"),
    [
        ({}, BILLING, True),
        ({"key_id": SHA1}, DEPLOY, True),
        ({"key_id": "AKIAOTHER", "holder": BILLING.key}, BILLING, False),
        ({"key_id": None, "holder": "AIDA1"}, BILLING, False),
        ({"key_id": None, "holder": "billing@acme"}, BILLING, False),
        ({"key_id": None}, None, False),
        ({"key_id": "AKIAOTHER"}, None, False),
        ({"key_id": "akiaexample1"}, None, False),
        ({"identity": DEPLOY.key, "key_id": "AKIAOTHER", "credential": "x"}, None, False),
    ],
)
def test_a_key_is_matched_by_its_id_else_by_its_holder(facts: dict[str, Any], identity: Any, credential: bool) -> None:
    """Exactly; what an earlier scan matched counts no more."""
    (found,) = matched([make_exposure(**facts)], [LISTED, DEPLOY, BILLING])

    assert found.identity == (identity.key if identity else None)
    assert found.credential == (identity.credentials[0].key if credential else None)


def test_of_several_identities_that_of_the_keys_provider_counts() -> None:
    """Else the first by key."""
    assert matched([make_exposure()], [LISTED, BILLING])[0].identity == BILLING.key
    assert matched([make_exposure(provider="other")], [LISTED, BILLING])[0].identity == BILLING.key
    assert matched([make_exposure(provider="saas")], [LISTED, BILLING])[0].identity == LISTED.key


def test_exposures_of_one_key_are_one_subject() -> None:
    """The credential, or the identity where no list has the key; what is matched with nothing is none."""
    exposures = matched(
        [
            make_exposure(key="1"),
            make_exposure(key="2", line=7),
            make_exposure(key="3", key_id="AKIAOTHER", holder="AIDA1", committer="eve@example.com"),
            make_exposure(key="4", key_id="AKIAOTHER", committer="mallory@example.com"),
        ],
        [BILLING],
    )

    subjects = {subject: [one.key for one in its] for subject, its in by_subject(exposures).items()}
    assert subjects == {BILLING.credentials[0].key: ["1", "2"], BILLING.key: ["3"]}
    assert [name for name, _ in committers(exposures)[BILLING.key]] == [
        "ada@example.com", "ada@example.com", "eve@example.com",
    ]  # fmt: skip


def test_what_opens_nothing_is_a_notice_for_each_source() -> None:
    """Five keys with a place each, and how many have no public id."""
    unknown: list[Exposure] = [make_exposure(key=f"{n}", key_id=f"AKIA{n}", line=n) for n in range(7)]
    hidden = [make_exposure(key="h", key_id=None), make_exposure(key="i", key_id=None, provider="gcp")]

    places = "; ".join(f"AKIA{number} in acme/shop prod.env:{number}" for number in range(5))
    assert list(unmatched_notices([*unknown, *hidden, make_exposure(key="m", identity="x")])) == [
        f"source leaks: 7 leaked keys open no identity that was read: {places}; and 2 more",
        f"source leaks: 2 leaked keys {NAMELESS}: 1 of aws, 1 of gcp",
    ]
    assert list(unmatched_notices([make_exposure(identity="x")])) == []
