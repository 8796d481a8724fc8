"""What opens a cluster besides tokens of accounts: certificates, tokens for joining, what pods are given, Argo CD's."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from connectors.kubernetes.custom import local_accounts
from connectors.kubernetes.least_privilege import manifests
from connectors.testing import read
from scanner.model import Coverage, Identity
from scanner.model.attributes import UNLISTED
from tests.connectors.kubernetes.conftest import Running, Scan
from tests.connectors.kubernetes.manifests import account, binding, group, pod, role, rule, user

CLIENT = "kubernetes.io/kube-apiserver-client"
MADE = datetime(2026, 11, 1, tzinfo=UTC)
ENDS = datetime(2027, 11, 1, tzinfo=UTC)
SECRET = "hunter2-hunter2-hunter2"
EVERYTHING = role("everything", rule("*", "*", "*"))


def certificate(*names: tuple[x509.ObjectIdentifier, str]) -> bytes:
    """A signed certificate with these names, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kubernetes")])
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(*one) for one in names]))
        .issuer_name(authority)
        .public_key(key.public_key())
        .serial_number(17)
        .not_valid_before(MADE)
        .not_valid_after(ENDS)
    )
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def request(name: str, signed: bytes | None, signer: str = CLIENT) -> dict[str, Any]:
    """A request for a certificate."""
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name},
        "spec": {"signerName": signer, "username": "somebody-else", "request": "eA==", "usages": ["client auth"]},
        "status": {} if signed is None else {"certificate": base64.b64encode(signed).decode()},
    }


def test_users_of_certificates(scan: Scan) -> None:
    """Those that bindings give powerful rights, with the certificates that were signed; others are a remark."""
    common, organization = x509.NameOID.COMMON_NAME, x509.NameOID.ORGANIZATION_NAME
    mine = certificate((organization, "dev"), (common, "first"), (common, "ci-deployer"))
    found = scan(
        EVERYTHING,
        role("viewer", rule("get", "", "pods")),
        binding("ci", "ClusterRole/everything", user("ci-deployer"), user("jane@example.com"), user("system:admin")),
        binding("view", "ClusterRole/viewer", user("reader")),
        request("one", mine),
        request("other", certificate((organization, "ops"), (common, "guest"))),
        request("pending", None),
        request("kubelet", certificate((common, "ci-deployer")), f"{CLIENT}-kubelet"),
        request("broken", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        request("nameless", certificate((organization, "ops"))),
    )

    (deployer,) = [one for one in found.accounts.values() if one.kind == "user"]
    (credential,) = deployer.credentials
    fingerprint = x509.load_pem_x509_certificate(mine).fingerprint(hashes.SHA256()).hex()
    assert (deployer.name, deployer.privilege.level, deployer.unread) == ("ci-deployer", "admin", ("credentials",))
    assert (credential.kind, credential.id) == ("certificate", f"X509SHA256={fingerprint}")
    assert (credential.created_at, credential.expires_at) == (MADE, ENDS)
    assert credential.attributes[UNLISTED] is True
    assert found.coverage["certificates"] == "complete"
    (coverage,) = [one for one in found.records if isinstance(one, Coverage) and one.section == "certificates"]
    assert coverage.detail == "signed for users that no binding names: guest (ops)"


def _joins(name: str, age: timedelta) -> dict[str, Any]:
    made = f"{datetime.now(UTC) - age:%Y-%m-%dT%H:%M:%SZ}"
    metadata = {"namespace": "kube-system", "name": f"bootstrap-token-{name}", "creationTimestamp": made}
    kind = "bootstrap.kubernetes.io/token"
    return {"apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": metadata, "data": {"x": "c2VjcmV0"}}


@pytest.mark.parametrize(("old", "level"), [(False, None), (True, "normal")])
def test_tokens_for_joining(scan: Scan, *, old: bool, level: str | None) -> None:
    """A node joins within a day; a token that is older stays for anyone who finds it."""
    given = manifests(frozenset({"core.secrets"}))
    tokens = [_joins("fresh1", timedelta(hours=2)), *([_joins("stale1", timedelta(hours=30))] if old else [])]
    nodes = role("node-bootstrapper", rule("create get", "certificates.k8s.io", "certificatesigningrequests"))
    bound = binding("join", "ClusterRole/node-bootstrapper", group("system:bootstrappers:kubeadm:default-node-token"))
    found = scan(nodes, bound, *tokens, settings={"secrets": True}, reader=given)

    joining = found.accounts.get("system:bootstrappers")
    assert (joining and joining.privilege.level) == level
    if joining is not None:
        assert [(one.kind, one.id, one.never_expires) for one in joining.credentials] == [
            ("token", "bootstrap-token-stale1", False)
        ]
        assert [one.name for one in joining.grants] == ["ClusterRole/node-bootstrapper"]


def test_what_pods_are_given(scan: Scan) -> None:
    """Tokens for an audience and certificates of a signer, which the kubelet renews; names of registries' secrets."""
    sources = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
        {"serviceAccountToken": {"path": "vault", "audience": "vault", "expirationSeconds": 600}},
        {"podCertificate": {"signerName": "example.com/mesh", "keyType": "ED25519", "maxExpirationSeconds": 7200}},
    ]
    volumes = [{"name": "given", "projected": {"sources": sources}}]
    shorter = [{"name": "given", "projected": {"sources": [{**sources[2], "podCertificate": {
        "signerName": "example.com/mesh", "keyType": "ED25519"}}]}}]  # fmt: skip
    found = scan(
        {**account("shop", "web"), "imagePullSecrets": [{"name": "registry"}]},
        pod("shop", "one", "web", volumes=volumes, imagePullSecrets=[{"name": "other-registry"}]),
        pod("shop", "two", "web", volumes=shorter),
    )

    web = found.accounts["shop/web"]
    assert [(one.kind, one.id, one.attributes) for one in web.credentials] == [
        ("federation", "certificate of example.com/mesh", {"lifetime_seconds": 7200}),
        ("federation", "token for vault", {"lifetime_seconds": 600}),
    ]
    assert web.attributes["image_pull_secrets"] == ["registry"]
    one = found.workloads["pod/one"]
    assert one.attributes["certificate_signers"] == ["example.com/mesh"]
    assert one.attributes["token_audiences"] == ["vault"]
    assert one.attributes["secrets"] == ["other-registry"]


def _config(**data: str) -> dict[str, Any]:
    metadata = {"namespace": "argocd", "name": "argocd-cm"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def test_local_accounts_of_argocd(clusters: Running) -> None:
    """Only where the setting names its namespace; nothing else of the config map is kept."""
    data = {"accounts.ci": "apiKey", "accounts.old": "apiKey, login", "accounts.old.enabled": "false",
            "admin.enabled": "false", "dex.config": f"clientSecret: {SECRET}"}  # fmt: skip
    server = clusters.server(_config(**data), reader=manifests(frozenset({"argocd.accounts"})))
    records = read(clusters.connector(server, argocd="argocd"))
    found = {one.name: one for one in records if isinstance(one, Identity) and one.kind == "argocd_account"}

    assert {name: (one.enabled, one.attributes["can"]) for name, one in found.items()} == {
        "admin": (False, ["login"]),
        "ci": (True, ["apiKey"]),
        "old": (False, ["login", "apiKey"]),
    }
    assert {one.unread for one in found.values()} == {("credentials",)}
    assert SECRET not in repr(records)
    denied = clusters.server(_config(**data))
    sections = {one.section: one.status for one in read(clusters.connector(denied, argocd="argocd"))
                if isinstance(one, Coverage)}  # fmt: skip
    assert sections["argocd.accounts"] == "denied"
    assert not any(asked.path.endswith("argocd-cm") for asked in _without(clusters).asked)


def _without(clusters: Running) -> Any:
    server = clusters.server(_config())
    read(clusters.connector(server))
    return server


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, {"admin": (True, True, False)}),
        ({"accounts.admin": "apiKey"}, {"admin": (True, True, True)}),
        ({"accounts.a.b": "login", "accounts.": "login", "accounts.x": ""},
         {"admin": (True, True, False), "x": (True, False, False)}),
        ({"accounts.x.enabled": "false"}, {"admin": (True, True, False)}),
        ({"accounts.x": "login", "accounts.x.enabled": " False "},
         {"admin": (True, True, False), "x": (False, True, False)}),
    ],
)  # fmt: skip
def test_how_argocd_writes_accounts(config: dict[str, str], expected: dict[str, tuple[bool, bool, bool]]) -> None:
    """Name by name: whether it is enabled, signs in, and has tokens. There is always an admin."""
    found = local_accounts(config)

    assert {one.name: (one.enabled, one.signs_in, one.has_tokens) for one in found} == expected
