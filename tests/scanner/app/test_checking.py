"""What the gate looks up in the store: no more than the planned identities name, and may become."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner.app.checking import StoredKnown
from scanner.model import Link, Trust, Way
from scanner.store.store import open_store
from tests.factories import make_assessment, make_identity, make_result
from tests.scanner.lifecycle.gate.plans import ADMIN, NORMAL, plan, planned, role

KEY = "arn:aws:iam::123456789012:role/{}"


@pytest.fixture
def known(tmp_path: Path) -> Iterator[StoredKnown]:
    """A store with an admin, a role that trusts, one that is named, and others that do not matter."""
    roles = {"admin": ADMIN, "linked": NORMAL, "trusted": NORMAL, "other": NORMAL, "other-admin": ADMIN}
    identities = [
        make_assessment(make_identity(name, key=KEY.format(name), kind="role"), privilege=level)
        for name, level in roles.items()
    ]
    with open_store(f"sqlite:///{tmp_path / 'muster.db'}") as store:
        store.save(make_result(*identities))
        with store.estate() as estate:
            yield StoredKnown(store, estate)


def test_an_identity_has_the_verdict_on_its_privilege(known: StoredKnown) -> None:
    """Attack paths included; one that is not there is None."""
    found = known.identity(KEY.format("admin"))

    assert found is not None
    assert found.privilege == ADMIN
    assert known.identity(KEY.format("none")) is None


def test_identities_by_name(known: StoredKnown) -> None:
    """As the name is in the key, of that provider."""
    assert [one.name for one in known.named("aws", "linked")] == ["linked"]
    assert known.named("gcp", "linked") == []


def test_what_is_around(known: StoredKnown) -> None:
    """What links and trusts name, and of what a pattern fits, the powerful; and the organisation's accounts."""
    one = role(
        links=(Link(relation="can_assume", target=KEY.format("linked"), evidence="x"),),
        trusts=(Trust(principal=KEY.format("trusted"), kind="principal", evidence="x"),),
        reach=(Way(kind="assume", on=(KEY.format("a*"), KEY.format("oth?r"))),),
    )
    around = known.around([plan(planned(one))])

    assert [found.identity.name for found in around.assessments] == ["admin", "linked", "trusted"]
    assert around.scopes == (("aws", "123456789012"),)
    assert known.around([plan()]).assessments == ()
