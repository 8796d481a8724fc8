"""The trusts of JWT and Kubernetes roles: whose tokens they accept (pure).

Source: the documentation of the JWT and Kubernetes auth methods. All bound claims must match, each with any one of its
values.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import product
from typing import Any, Final

from msgspec import Struct

from connectors.federation import SUBJECT, Restriction, is_by_name, narrowest, shared, widest
from connectors.vault.client.payloads import KubernetesConfig
from connectors.vault.logins import LoginRole
from connectors.vault.methods import JWT, KUBERNETES
from scanner.model import Claim, Trust
from scanner.model.reach import KEY_ID
from scanner.text import is_shared_issuer

_OF_MACHINES, _GLOB = "jwt", "glob"


def trusts_of(
    role: LoginRole, issuers: Mapping[str, str | None], clusters: Mapping[str, KubernetesConfig] = {}
) -> tuple[Trust, ...] | None:
    """Return the trusts of a role, one for each subject; None if they could not be read.

    ``issuers``: by mount, as far as they were read; None for a mount that only has keys. A role for people, who sign in
    with a browser, has none. ``clusters``: of Kubernetes mounts, as far as they were read.
    """
    if role.method is KUBERNETES:
        if not role.is_read or role.mount not in clusters or binds_too_many(role):
            return None
        return tuple(_of_accounts(product(*_bound_accounts(role)), clusters[role.mount]))
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
        """The values as patterns; none if one of them has a literal ``*`` or ``?``."""
        is_literal = not any(sign in value for value in self.values for sign in ("?" if self.is_glob else "*?"))
        return self.values if is_literal else ()

    @property
    def restriction(self) -> Restriction:
        """The restriction of the claim by its values."""
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
    issuer_of_all = shared(issuer) if issuer else None
    if issuer_of_all is None:  # an issuer of one tenant narrows by itself
        return narrowest(("loose", *(one.restriction for one in bound.values())))
    return narrowest(issuer_of_all.narrows(name, one.restriction, one.values) for name, one in bound.items())


def _texts(given: Any) -> tuple[str, ...]:
    listed = given if isinstance(given, list) else [given]
    return tuple(str(one).lower() if isinstance(one, bool) else str(one) for one in listed)


# --- Service accounts of a cluster ---

MOST_BOUND: Final = 10_000
"""Maximum number of accounts that a role binds; the trusts of a role with more count as unread, which is a gap."""
_ANY_CLUSTER: Final = "https://kubernetes.default.svc"
_PUBLIC_KEY: Final = re.compile(r"-----BEGIN PUBLIC KEY-----(.+?)-----END PUBLIC KEY-----", re.DOTALL)


def binds_too_many(role: LoginRole) -> bool:
    """Return whether a role lets in more accounts of a cluster than are read."""
    spaces, names = _bound_accounts(role)
    return len(spaces) * len(names) > MOST_BOUND


def _bound_accounts(role: LoginRole) -> tuple[Sequence[str], Sequence[str]]:
    """The namespaces and names of the accounts that a role binds: each of the names in each of the namespaces."""
    names = _texts(role.attributes.get("bound_service_account_names") or [])
    return _texts(role.attributes.get("bound_service_account_namespaces") or []), names


def _of_accounts(bound: Iterable[tuple[str, str]], cluster: KubernetesConfig) -> Iterator[Trust]:
    """The trusts in a cluster's accounts, one each; ``*`` matches any characters.

    The cluster is identified by its issuer, its keys, or the address of the API that reviews the tokens; a mount
    without any of these accepts no tokens.
    """
    keys = tuple(key for pem in cluster.pem_keys or () if (key := key_id(pem)) is not None)
    own = cluster.issuer if cluster.issuer and not is_shared_issuer(cluster.issuer) else ""
    issuer = own or (_ANY_CLUSTER if keys else cluster.kubernetes_host)
    if not issuer:
        return
    for space, name in bound:
        yield Trust(
            principal=issuer,
            kind="federated",
            restriction="loose" if "*" in f"{space}{name}" else "exact",
            evidence=f"its role accepts the service account {space}/{name} of {own or cluster.kubernetes_host}",
            issuer=issuer,
            subject=f"system:serviceaccount:{space}:{name}",
            claims=(Claim(name=KEY_ID, values=keys),) if keys else (),
        )


def key_id(pem: str) -> str | None:
    """The key id that Kubernetes uses for a public key: its hash in base64. None if it is not a public key."""
    found = _PUBLIC_KEY.search(pem)
    try:
        der = base64.b64decode("".join(found[1].split()), validate=True) if found else None
    except (binascii.Error, ValueError):
        return None
    return None if der is None else base64.urlsafe_b64encode(sha256(der).digest()).decode().rstrip("=")
