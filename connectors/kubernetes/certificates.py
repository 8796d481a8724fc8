"""Client certificates from certificate signing requests, which a cluster keeps for an hour after signing.

Source: the documentation of certificate signing requests and of authenticating by X.509. A certificate's common name is
the user, its organizations are the groups. Kubernetes can neither list nor revoke certificates.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from msgspec import Struct

from connectors.kubernetes import payloads as p
from scanner.model import Credential, credential_key
from scanner.model.attributes import UNLISTED
from scanner.text import few

_SIGNER: Final = "kubernetes.io/kube-apiserver-client"
"""The signer of client certificates for the API server. Kubelets have another."""


_VOUCHED_FOR: Final = re.compile(
    r"system:.*|.*@.*|.*:.*|gke-.*|aks.*|\d+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE
)
"""Users of the control plane, people and cloud identities, which other issuers authenticate."""
_MOST_NAMED: Final = 5


class ClientCertificate(Struct, frozen=True, kw_only=True):
    """A client certificate. ``id``: as in audit logs."""

    user: str
    groups: frozenset[str]
    id: str
    request: str
    since: datetime
    until: datetime

    def credential(self, identity: str) -> Credential:
        """The certificate as a credential of the identity with that key."""
        return Credential(
            key=credential_key(identity, "certificate", self.id),
            kind="certificate",
            id=self.id,
            created_at=self.since,
            expires_at=self.until,
            attributes={"user": self.user, "request": self.request, UNLISTED: True},
        )


def certificate_in(request: p.SigningRequest) -> ClientCertificate | None:
    """The client certificate of a request; None if it is not signed, or not for clients."""
    pem = request.status.certificate
    if request.spec.signer != _SIGNER or not pem:
        return None
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    warnings.filterwarnings("ignore", "Parsed a serial number")  # old authorities issued invalid ones
    try:
        found = x509.load_pem_x509_certificate(pem)
        names = [(one.oid, str(one.value)) for one in found.subject]
        digest = found.fingerprint(SHA256()).hex()
        since, until = found.not_valid_before_utc, found.not_valid_after_utc
    except (ValueError, x509.InvalidVersion):
        return None
    oid = x509.NameOID
    users = [value for kind, value in names if kind == oid.COMMON_NAME]
    if not users:
        return None
    groups = frozenset(value for kind, value in names if kind == oid.ORGANIZATION_NAME)
    # The last common name counts, as Go reads a subject.
    return ClientCertificate(
        user=users[-1],
        groups=groups,
        id=f"X509SHA256={digest}",
        request=request.metadata.name,
        since=since,
        until=until,
    )


def named_users(bindings: Iterable[p.Binding]) -> frozenset[str]:
    """Users in bindings that can only sign in with a certificate."""
    named = (one.name for binding in bindings for one in binding.subjects or () if one.kind == "User")
    return frozenset(name for name in named if not _VOUCHED_FOR.fullmatch(name))


def unbound(certificates: Iterable[ClientCertificate], bindings: Iterable[p.Binding]) -> Iterator[str]:
    """Yield a note on certificates of users that no binding names: their groups may have rights."""
    users = named_users(bindings)
    others = sorted({f"{one.user} ({', '.join(sorted(one.groups))})" for one in certificates if one.user not in users})
    if others:
        yield f"signed for users that no binding names: {few(others, _MOST_NAMED)}"
