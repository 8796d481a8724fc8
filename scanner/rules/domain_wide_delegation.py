"""An identity may act as any person of the organisation."""

from __future__ import annotations

from scanner.model import Assessment
from scanner.model.attributes import DOMAIN_WIDE_DELEGATION
from scanner.rules.base import Hit, IdentityRule, Yardstick, is_unanswered


def check(assessment: Assessment, _by: Yardstick) -> Hit | None:
    """Fires where the provider says so, with the scopes if it tells them."""
    given = assessment.identity.attributes.get(DOMAIN_WIDE_DELEGATION)
    scopes = sorted(one for one in given if isinstance(one, str)) if isinstance(given, (list, tuple)) else []
    if given is not True and not scopes:
        return None
    return Hit(
        evidence={"scopes": scopes} if scopes else {"scopes": "not told"},
        severity="critical" if is_unanswered(assessment) else None,
    )


RULE = IdentityRule(
    id="domain_wide_delegation",
    severity="high",
    severity_note="critical where nobody declared it or nobody answers for it",
    title="An identity may act as anybody in the organisation",
    why="It reads and writes mail, files and calendars in the name of whomever it likes, without their consent, and "
    "the trail names the person. Who holds a key of it, or can make one, can do the same.",
    remediation="Take the delegation away where the people concerned can consent themselves; else keep it to the few "
    "scopes that are needed, on an account of its own without keys, in a project where few can make any.",
    evidence=("scopes",),
    silent_on=frozenset({"disabled", "provider_managed"}),
    check=check,
)
