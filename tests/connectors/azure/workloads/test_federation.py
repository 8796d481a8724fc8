"""Who may sign in as a user-assigned identity from outside."""

from __future__ import annotations

import msgspec

from connectors.azure.identities.managed import FederatedCredential, federation

TENANT = "11111111-2222-3333-4444-555555555555"
AKS = "https://westeurope.oic.prod-aks.azure.com/t/c"
KEY = "/subscriptions/s/providers/microsoft.managedidentity/userassignedidentities/deployer"


def _row(name: str, **terms: object) -> FederatedCredential:
    return msgspec.convert({"name": name, "properties": terms}, FederatedCredential)


def test_each_credential_is_reported_once_with_who_it_lets_in() -> None:
    """By its name."""
    rows = [
        _row("main", issuer=AKS, subject="system:serviceaccount:a:b", audiences=["x"]),
        _row("any", issuer="https://ci.example.com", claimsMatchingExpression={"value": "claims['sub'] matches '*'"}),
        _row("main", issuer=AKS, subject="system:serviceaccount:a:b", audiences=["x"]),
    ]

    found = federation(KEY, rows, TENANT)

    assert [(one.key, one.kind, one.attributes) for one in found.credentials] == [
        (
            f"{KEY}#federation:any",
            "federation",
            {"issuer": "https://ci.example.com", "expression": "claims['sub'] matches '*'", "audiences": []},
        ),
        (
            f"{KEY}#federation:main",
            "federation",
            {"issuer": AKS, "subject": "system:serviceaccount:a:b", "audiences": ["x"]},
        ),
    ]
    assert [(one.principal, one.external, one.restriction) for one in found.trusts] == [
        ("https://ci.example.com", True, "loose"),
        (AKS, None, "exact"),
    ]
