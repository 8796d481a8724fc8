"""What the tokens of a cluster's accounts are recognised by elsewhere."""

from __future__ import annotations

import pytest

from connectors.kubernetes.identities import records_of
from connectors.kubernetes.payloads import Metadata, ServiceAccount
from connectors.kubernetes.reader import KubernetesFacts
from scanner.model import Identity, TokenSubject
from scanner.model.reach import Said
from tests.connectors.kubernetes.conftest import Running
from tests.connectors.kubernetes.manifests import account

OWN, SHARED = "https://issuer.example/1", "https://kubernetes.default.svc.cluster.local"
CART = "system:serviceaccount:shop:cart"


@pytest.mark.parametrize(
    ("issuer", "keys", "expected"),
    [
        (OWN, ("k1", "k2"), (TokenSubject("issuer.example/1", CART),)),
        (OWN, (), (TokenSubject("issuer.example/1", CART),)),
        (
            SHARED,
            ("k1", "k2", "k1", ""),
            tuple(TokenSubject(SHARED.removeprefix("https://"), CART, (Said("kid", key),)) for key in ("k1", "k2")),
        ),
        (SHARED, (), ()),
        (SHARED, ("",), ()),
        ("", ("k1",), ()),
    ],
)
def test_tokens_of_accounts(
    clusters: Running, issuer: str, keys: tuple[str, ...], expected: tuple[TokenSubject, ...]
) -> None:
    """By the issuer; by the ids of its keys where many clusters call theirs so."""
    server = clusters.server(account("shop", "cart"))
    server.cluster.issuer, server.cluster.key_ids = issuer, keys

    found = clusters.of(server).accounts["shop/cart"]

    assert found.token_subjects == expected
    names = [alias for alias in found.aliases if alias.startswith("kubernetes:")]
    assert names == (["kubernetes:issuer.example/1/shop/cart"] if issuer == OWN else [])


@pytest.mark.parametrize(
    ("server", "named"),
    [
        ("https://ABC.gr7.eu-west-1.eks.amazonaws.com", "abc.gr7.eu-west-1.eks.amazonaws.com"),
        ("https://api.shop.example.com:6443/", "api.shop.example.com:6443"),
        ("https://kubernetes.default.svc", None),
        ("https://kubernetes.default.svc.cluster.local:443", None),
        ("https://10.96.0.1:443", None),
        ("https://localhost:6443", None),
        (None, None),
    ],
)
def test_tokens_are_known_by_the_address_of_the_api(server: str | None, named: str | None) -> None:
    """Unless that is another server elsewhere."""
    facts = KubernetesFacts("uid")
    facts.accounts["shop", "cart"] = ServiceAccount(metadata=Metadata(name="cart", namespace="shop", uid="1"))
    facts.server = server

    (cart,) = (one for one in records_of(facts, "k8s") if isinstance(one, Identity))

    assert cart.token_subjects == ((TokenSubject(named, CART),) if named else ())
