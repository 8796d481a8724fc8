"""A credential that its identity's entry does not know."""

from __future__ import annotations

import pytest

from scanner.model import Drift, DriftAspect, Policy, Privilege, RegistryVerdict
from scanner.rules.base import Hit, RuleContext
from scanner.rules.exposure import UNDECLARED_CREDENTIAL
from tests.factories import NOW, days_ago, make_assessment, make_credential

KEY = make_credential(created_at=days_ago(10))


def check(drift: Drift, privilege: Privilege) -> Hit | None:
    registered = RegistryVerdict(state="registered", entry="NHI-1", rung="key")
    assessment = make_assessment(registry=registered, drift=(drift,), privilege=privilege)
    return UNDECLARED_CREDENTIAL.check(KEY, assessment, RuleContext(policy=Policy(), now=NOW))


@pytest.mark.parametrize(
    ("aspect", "key", "fires"),
    [
        ("credential_id", KEY.key, True),
        ("credential_kind", KEY.key, True),
        ("credential_age", KEY.key, False),
        ("owner", None, False),
        ("credential_id", "another", False),
    ],
    ids=["id", "kind", "age-is-another-rule", "owner", "another-credential"],
)
def test_it_fires_on_what_the_entry_does_not_list(aspect: DriftAspect, key: str | None, *, fires: bool) -> None:
    """By id or by kind, and only for that credential."""
    hit = check(Drift(aspect=aspect, declared="AKIA1", found="x", credential=key), Privilege(level="normal"))
    facts = {
        "kind": "access_key",
        "id": KEY.id,
        "created_at": KEY.created_at,
        "entry": "NHI-1",
        "declared": "AKIA1",
    }

    assert (hit and hit.evidence) == (facts if fires else None)
    assert set(facts) == set(UNDECLARED_CREDENTIAL.evidence)


def test_severity_is_higher_for_an_admin() -> None:
    """High where the identity is an admin."""
    drift = Drift(aspect="credential_id", declared="AKIA1", found="x", credential=KEY.key)
    hit = check(drift, Privilege(level="admin"))

    assert hit is not None
    assert hit.severity == "high"
