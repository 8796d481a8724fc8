"""More within reach than the entry declares."""

from __future__ import annotations

import pytest

from scanner.model import Drift, Policy, Privilege, PrivilegeLevel, RegistryVerdict
from scanner.rules.base import RuleContext
from scanner.rules.registration import DRIFTED, REACH_BEYOND_DECLARATION
from tests.factories import NOW, make_assessment

BY = RuleContext(policy=Policy(), now=NOW)
REACH = Drift(aspect="reach", declared="send messages", found="read secrets")
OWNER = Drift(aspect="owner", declared="ada@example.com", found="tag owner=bob@example.com")


@pytest.mark.parametrize(
    ("drift", "level", "severity"),
    [
        ((REACH,), "normal", "medium"),
        ((OWNER, REACH), "admin", "high"),
        ((REACH,), "escalation", "high"),
        ((OWNER,), "admin", None),
        ((), "admin", None),
    ],
)
def test_it_names_what_was_declared_and_found(
    drift: tuple[Drift, ...], level: PrivilegeLevel, severity: str | None
) -> None:
    """A rule of its own, so that other drift is not reported twice."""
    registry = RegistryVerdict(state="registered", entry="NHI-1", rung="key")
    judged = make_assessment(registry=registry, drift=drift, privilege=Privilege(level=level))

    hit = REACH_BEYOND_DECLARATION.check(judged, BY)

    if hit is None:
        assert severity is None
    else:
        assert (hit.severity or REACH_BEYOND_DECLARATION.severity) == severity
        assert hit.evidence == {"entry": "NHI-1", "declared": "send messages", "found": "read secrets"}
    assert (DRIFTED.check(judged, BY) is not None) == (OWNER in drift)
