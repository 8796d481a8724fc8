"""An identity that is not what its entry declares."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.model import Assessment, Drift, Policy, Privilege, PrivilegeLevel, RegistryVerdict
from scanner.rules.base import RuleContext
from scanner.rules.registration import DRIFTED
from tests.factories import NOW, make_assessment

BY = RuleContext(policy=Policy(), now=NOW)


def drifted(*drift: Drift, level: PrivilegeLevel = "normal") -> Assessment:
    return make_assessment(
        registry=RegistryVerdict(state="registered", entry="NHI-1", rung="key"),
        drift=drift,
        privilege=Privilege(level=level),
    )


OWNER = Drift(aspect="owner", declared="ada@example.com", found="tag owner=bob@example.com")
KEY = Drift(aspect="credential_id", declared="AKIA1", found="access key AKIA2", credential="k#access_key:AKIA2")


@pytest.mark.parametrize(
    ("drift", "evidence"),
    [
        pytest.param((OWNER,), {"owner": "declared ada@example.com, found tag owner=bob@example.com"}, id="owner"),
        pytest.param(
            (
                Drift(aspect="permissions", declared="s3:*", found="admin"),
                Drift(aspect="permissions", declared="s3:*", found="sqs:*"),
            ),
            {"permissions": "declared s3:*, found admin; declared s3:*, found sqs:*"},
            id="one-aspect-twice",
        ),
        pytest.param((KEY,), None, id="credentials-are-other-rules"),
        pytest.param((), None, id="none"),
    ],
)
def test_it_names_what_was_declared_and_found(drift: tuple[Drift, ...], evidence: dict[str, Any] | None) -> None:
    """One finding, with every aspect that drifted but credentials."""
    hit = DRIFTED.check(drifted(*drift), BY)

    assert (hit and hit.evidence) == (evidence and {"entry": "NHI-1"} | evidence)
    assert hit is None or set(hit.evidence) <= set(DRIFTED.evidence)


@pytest.mark.parametrize(("level", "severity"), [("normal", None), ("high", None), ("escalation", "medium")])
def test_severity_is_higher_for_a_powerful_identity(level: PrivilegeLevel, severity: str | None) -> None:
    """Low, and medium where the identity is an admin or can become one."""
    hit = DRIFTED.check(drifted(OWNER, level=level), BY)

    assert hit is not None
    assert hit.severity == severity
