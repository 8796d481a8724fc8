"""Who may sign in as a user-assigned identity from outside."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.azure.subscription.federation import FederatedCredential, Issuers, federation

TENANT = "11111111-2222-3333-4444-555555555555"
OURS = "https://westeurope.oic.prod-aks.azure.com/t/c"
ISSUERS = Issuers(tenant=TENANT, clusters=frozenset({OURS}))
KEY = "/subscriptions/s/providers/microsoft.managedidentity/userassignedidentities/deployer"


@pytest.mark.parametrize(
    ("issuer", "external"),
    [
        ("https://token.actions.githubusercontent.com", True),
        (OURS, False),
        (f"{OURS}/", False),
        ("https://westeurope.oic.prod-aks.azure.com/t/another", None),
        ("https://oic.prod-aks.azure.com.example.com/t/c", True),
        (f"https://login.microsoftonline.com/{TENANT}/v2.0", False),
        (f"https://LOGIN.microsoftonline.com/{TENANT.upper()}/v2.0", False),
        (f"https://sts.windows.net/{TENANT}/", False),
        ("https://login.microsoftonline.com/99999999-2222-3333-4444-555555555555/v2.0", True),
        (f"https://login.example.com/{TENANT}/v2.0", True),
        ("https://[", True),
        ("", True),
    ],
)
def test_whose_tokens_are_let_in(issuer: str, external: bool | None) -> None:
    """Our own tenant's and our clusters' are ours; a cluster that was not seen may be anybody's."""
    assert ISSUERS.are_external(issuer) is external


def _row(name: str, **terms: object) -> FederatedCredential:
    return msgspec.convert({"name": name, "properties": terms}, FederatedCredential)


def test_each_credential_lets_in_one_subject() -> None:
    """Where there is no subject, an expression decides that we do not know."""
    rows = [
        _row("main", issuer=OURS, subject="system:serviceaccount:a:b", audiences=["x"]),
        _row("any", issuer="https://ci.example.com"),
        _row("main", issuer=OURS, subject="system:serviceaccount:a:b", audiences=["x"]),
    ]

    found = federation(KEY, rows, ISSUERS)

    assert [(one.key, one.kind) for one in found.credentials] == [
        (f"{KEY}#federation:any", "federation"), (f"{KEY}#federation:main", "federation")
    ]  # fmt: skip
    assert found.credentials[1].attributes == {
        "issuer": OURS, "subject": "system:serviceaccount:a:b", "audiences": ["x"]
    }  # fmt: skip
    assert [(one.principal, one.external, one.restriction) for one in found.trusts] == [
        ("https://ci.example.com", True, "loose"), (OURS, False, "exact")
    ]  # fmt: skip
    assert "for system:serviceaccount:a:b only" in found.trusts[1].evidence


@given(st.text(), st.text() | st.none(), st.text() | st.none())
def test_any_text_is_kept_as_it_is(name: str, issuer: str | None, subject: str | None) -> None:
    """It is somebody else's, and breaks nothing."""
    found = federation(KEY, [_row(name, issuer=issuer, subject=subject)], ISSUERS)

    assert len(found.credentials) == len(found.trusts) == 1
    assert found.trusts[0].external in (True, None)
