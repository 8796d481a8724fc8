"""Whose tokens a JWT role accepts, by what it binds (pure).

Source: the documentation of the JWT auth method. All bound claims must hold; of several values of one, any does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from connectors.federation import SUBJECT, Restriction, is_by_name, narrowest, shared, widest
from connectors.vault.logins import LoginRole
from connectors.vault.methods import JWT
from scanner.model import Claim, Trust

_OF_MACHINES, _GLOB = "jwt", "glob"


def trusts_of(role: LoginRole, issuers: Mapping[str, str | None]) -> tuple[Trust, ...] | None:
    """Return the trusts of a role, one for each subject; None if they could not be read.

    ``issuers``: by mount, as far as they were read; None for a mount that only has keys. A role for people, who sign in
    with a browser, has none.
    """
    if role.method is not JWT:
        return ()
    if not role.is_read or (role.attributes.get("role_type") == _OF_MACHINES and role.mount not in issuers):
        return None
    return tuple(_trusts(role, issuers[role.mount])) if role.attributes.get("role_type") == _OF_MACHINES else ()


class _Bound(Struct, frozen=True):
    """The values that a claim may have. ``is_glob``: ``*`` in them matches any characters."""

    values: tuple[str, ...]
    is_glob: bool = False

    @property
    def patterns(self) -> tuple[str, ...]:
        """The values as patterns; none where a sign in one represents itself."""
        is_literal = not any(sign in value for value in self.values for sign in ("?" if self.is_glob else "*?"))
        return self.values if is_literal else ()

    @property
    def restriction(self) -> Restriction:
        """How far they bind the claim."""
        return widest(map(self._of_value, self.values))

    def _of_value(self, value: str) -> Restriction:
        if not (self.is_glob and "*" in value):
            return "exact"
        return "loose" if value.strip("*") else "none"


def _trusts(role: LoginRole, issuer: str | None) -> Iterator[Trust]:
    is_glob = role.attributes.get("bound_claims_type") == _GLOB
    given = role.attributes.get("bound_claims") or {}
    bound = {name.strip("/"): _Bound(_texts(values), is_glob) for name, values in sorted(given.items())}
    subjects = bound.pop(SUBJECT, _Bound(()))
    if subject := role.attributes.get("bound_subject"):
        subjects = _Bound((subject,))
    claims = tuple(Claim(name=name, values=one.patterns) for name, one in bound.items())
    shown = "".join(f" with {name} {' or '.join(one.values)}" for name, one in bound.items())
    for value in subjects.values or (None,):
        one = _Bound(() if value is None else (value,), subjects.is_glob)
        named = next(iter(one.patterns), None)
        yield Trust(
            principal=issuer or f"auth/{role.mount}",
            kind="federated",
            external=True if issuer and shared(issuer) else None,
            restriction=_restriction(issuer, bound if value is None else {**bound, SUBJECT: one}),
            evidence=f"its role accepts tokens for {value or 'any subject'}{shown}",
            issuer=issuer,
            subject=named,
            claims=claims,
            by_name=issuer is not None and is_by_name(issuer, named, claims),
        )


def _restriction(issuer: str | None, bound: Mapping[str, _Bound]) -> Restriction:
    everybodys = shared(issuer) if issuer else None
    if everybodys is None:  # an issuer of one tenant narrows by itself
        return narrowest(("loose", *(one.restriction for one in bound.values())))
    return narrowest(everybodys.narrows(name, one.restriction, one.values) for name, one in bound.items())


def _texts(given: Any) -> tuple[str, ...]:
    listed = given if isinstance(given, list) else [given]
    return tuple(str(one).lower() if isinstance(one, bool) else str(one) for one in listed)
