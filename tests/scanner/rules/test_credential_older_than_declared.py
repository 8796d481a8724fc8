"""A credential older than its own entry allows."""

from __future__ import annotations

import pytest

from scanner.model import Drift, DriftAspect, Policy, Privilege, RegistryVerdict
from scanner.rules.base import Hit, RuleContext
from scanner.rules.credentials import CREDENTIAL_OLDER_THAN_DECLARED
from tests.factories import NOW, days_ago, make_assessment, make_credential

KEY = make_credential(created_at=days_ago(10))


def check(drift: Drift, privilege: Privilege) -> Hit | None:
    registered = RegistryVerdict(state="registered", entry="NHI-1", rung="key")
    assessment = make_assessment(registry=registered, drift=(drift,), privilege=privilege)
    return CREDENTIAL_OLDER_THAN_DECLARED.check(KEY, assessment, RuleContext(policy=Policy(), now=NOW))


@pytest.mark.parametrize(
    ("aspect", "key", "fires"),
    [
        ("credential_age", KEY.key, True),
        ("credential_id", KEY.key, False),
        ("owner", None, False),
        ("credential_age", "another", False),
    ],
    ids=["age", "an-unknown-id-is-another-rule", "owner", "another-credential"],
)
def test_it_fires_past_the_age_that_the_entry_sets(aspect: DriftAspect, key: str | None, *, fires: bool) -> None:
    """And only for that credential."""
    hit = check(
        Drift(aspect=aspect, declared="at most 7 days old", found="x", credential=key), Privilege(level="normal")
    )
    facts = {
        "kind": "access_key",
        "id": KEY.id,
        "created_at": KEY.created_at,
        "entry": "NHI-1",
        "declared": "at most 7 days old",
    }

    assert (hit and hit.evidence) == (facts if fires else None)
    assert set(facts) == set(CREDENTIAL_OLDER_THAN_DECLARED.evidence)


def test_severity_is_higher_for_an_admin() -> None:
    """High where the identity is an admin."""
    drift = Drift(aspect="credential_age", declared="at most 7 days old", found="x", credential=KEY.key)
    hit = check(drift, Privilege(level="admin"))

    assert hit is not None
    assert hit.severity == "high"
