"""The trusts of federation rules: issuers and the claims that tokens must have (pure)."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.federation import SUBJECT, Restriction, is_by_name, narrowest, shared
from scanner.model import Claim, Trust

_WILDCARDS = "*?"
AUDIENCE = "aud"
"""The caller chooses the audience of a token, so a condition on it restricts nothing."""
OTHER = ""
"""The name for a condition that is not on a claim; its value is the condition as written."""


def accepted(issuer: str, matched: Mapping[str, str], evidence: str) -> Trust:
    """The trust of a rule. ``matched``: by claim, the required value or pattern (``*`` matches any characters).

    A condition that is not on a claim cannot be evaluated, so the trust counts as wider than it may be.
    """
    given = {name: value for name, value in matched.items() if name not in (SUBJECT, OTHER)}
    subject, everybodys = matched.get(SUBJECT), shared(issuer)
    forms = everybodys.of_claim if everybodys else {}
    implied = next((form.format(value=given[one]) for one, form in forms.items() if one in given), None)
    claims = [Claim(name=name, values=(value,)) for name, value in sorted(given.items()) if name != AUDIENCE]
    if condition := matched.get(OTHER):
        claims.append(Claim(name=condition))
    shown = "".join(f" with {name} {value}" for name, value in sorted(given.items()))
    if condition:
        shown += f" if {condition}"
    return Trust(
        principal=issuer,
        kind="federated",
        external=True if everybodys else None,
        restriction=_restriction(issuer, matched),
        evidence=f"{evidence} accepts tokens for {subject or 'any subject'}{shown}",
        issuer=issuer,
        subject=subject or implied,
        claims=tuple(claims),
        implied=subject is None and implied is not None,
        by_name=is_by_name(issuer, subject, claims),
    )


def _restriction(issuer: str, matched: Mapping[str, str]) -> Restriction:
    everybodys = shared(issuer)
    bound = {name: (value, _of_value(value)) for name, value in matched.items() if name not in (OTHER, AUDIENCE)}
    if everybodys is None:  # an issuer for a single tenant is a restriction in itself
        return narrowest(("loose", *(how for _, how in bound.values())))
    return narrowest(everybodys.narrows(name, how, (value,)) for name, (value, how) in bound.items())


def _of_value(value: str) -> Restriction:
    if not any(sign in value for sign in _WILDCARDS):
        return "exact"
    return "loose" if value.strip(_WILDCARDS) else "none"
