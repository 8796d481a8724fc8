"""Kubeconfig files and exports: who signs in how, what is refused, and the same records from files."""

from __future__ import annotations

import base64
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from connectors.kubernetes.connector import KubernetesConnector
from connectors.kubernetes.settings import KubernetesSettings
from connectors.testing import read
from scanner.demo.fakes.kubernetes.server import KubernetesServer
from scanner.model import Coverage, Identity
from tests.connectors.kubernetes.conftest import TOKEN, Running
from tests.connectors.kubernetes.manifests import RBAC, binding, role
from tests.connectors.kubernetes.test_reading import ESTATE


def _config(server: KubernetesServer, ca_file: Path, user: dict[str, Any], **cluster: Any) -> dict[str, Any]:
    given = {"server": server.url, "certificate-authority": str(ca_file), **cluster}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "prod",
        "contexts": [{"name": "prod", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {name: value for name, value in given.items() if value is not None}}],
        "users": [{"name": "u", "user": user}],
    }


def _accounts(path: Path, content: Any) -> list[str] | str:
    """The accounts that a scan by this kubeconfig finds, or why it finds none."""
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    records = read(KubernetesConnector("k8s", KubernetesSettings(kubeconfig=str(path))))
    names = [one.name for one in records if isinstance(one, Identity)]
    return names or next(one.detail or "" for one in records if isinstance(one, Coverage))


def test_each_way_to_sign_in(clusters: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens, files of tokens, client certificates as files and as data, and programs that print either."""
    group = {"apiGroup": RBAC, "kind": "Group", "name": "auditors"}
    everything = role("reader", {"verbs": ["list", "get"], "apiGroups": ["*"], "resources": ["*"]})
    server = clusters.server(*ESTATE, everything, binding("auditors", "ClusterRole/reader", group))
    leaf = clusters.tls.authority.issue_cert("ada@example.com", common_name="ada", organization_name="auditors")
    certificate, key = leaf.cert_chain_pems[0].bytes(), leaf.private_key_pem.bytes()
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    keys = tmp_path / "keys"
    keys.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(keys))
    (tmp_path / "me.crt").write_bytes(certificate)
    (tmp_path / "me.key").write_bytes(key)
    program = tmp_path / "login.py"
    program.write_text(
        "import json, os\n"
        "assert json.loads(os.environ['KUBERNETES_EXEC_INFO'])['kind'] == 'ExecCredential'\n"
        "print(json.dumps({'apiVersion': 'client.authentication.k8s.io/v1', 'kind': 'ExecCredential',"
        " 'status': {'token': os.environ['MINE']}}))\n"
    )
    run = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": [str(program)],
        "env": [{"name": "MINE", "value": TOKEN}],
    }
    encoded = {name: base64.b64encode(data).decode() for name, data in (("crt", certificate), ("key", key))}
    users: list[dict[str, Any]] = [
        {"token": TOKEN},
        {"tokenFile": "token"},
        {"client-certificate": "me.crt", "client-key": "me.key"},
        {"client-certificate-data": encoded["crt"], "client-key-data": encoded["key"]},
        {"exec": run},
    ]

    for user in users:
        found = _accounts(tmp_path / "config", _config(server, clusters.tls.ca_file, user))
        assert isinstance(found, list), (user, found)
        assert "web" in found
    assert not list(keys.iterdir())  # files with keys go with the connection


@pytest.mark.parametrize(
    ("user", "cluster", "message"),
    [
        ({"token": "another"}, {}, "does not accept the credentials"),
        ({}, {}, "neither a token nor a client certificate"),
        ({"username": "u", "password": "p"}, {}, "neither a token nor a client certificate"),
        ({"tokenFile": "gone"}, {}, "cannot be read"),
        ({"token": TOKEN}, {"insecure-skip-tls-verify": True}, "insecure-skip-tls-verify"),
        ({"token": TOKEN}, {"certificate-authority": None}, "TLS failed"),
        ({"token": TOKEN}, {"certificate-authority": None, "certificate-authority-data": "%%"}, "not base64"),
        ({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "gone-program"}}, {}, "does not run"),
        ({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "false"}}, {}, "could not sign in"),
        ({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "true"}}, {}, "not JSON"),
        ({"exec": {"apiVersion": "v9", "command": "true"}}, {}, "unknown version"),
    ],
)
def test_what_cannot_be_signed_in(
    clusters: Running, tmp_path: Path, user: dict[str, Any], cluster: dict[str, Any], message: str
) -> None:
    """The reason is the gap's detail."""
    config = _config(clusters.server(), clusters.tls.ca_file, user, **cluster)

    assert message in _accounts(tmp_path / "config", config)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: [", "is not a kubeconfig"),
        ("[1]", "is not a kubeconfig"),
        ("{}", "no current context"),
        ("{current-context: x}", "has no context x"),
        ("{current-context: x, contexts: [{name: x, context: {user: u}}]}", "is malformed"),
        ("{current-context: x, contexts: [{name: x, context: {cluster: gone}}]}", "has no cluster gone"),
    ],
)
def test_what_is_no_kubeconfig(tmp_path: Path, content: str, message: str) -> None:
    """Names the file or the entry."""
    assert message in _accounts(tmp_path / "config", content)


def test_programs_of_unnamed_files_are_not_run(
    clusters: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anyone who could write the default file could run a program as the scanner."""
    run = {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": [str(tmp_path / "ran")]}
    (tmp_path / "config").write_text(yaml.safe_dump(_config(clusters.server(), clusters.tls.ca_file, {"exec": run})))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))

    records = read(KubernetesConnector("k8s", KubernetesSettings()))

    assert "signs in with a program" in str(records)
    assert not (tmp_path / "ran").exists()


def test_exports_give_the_same_records(clusters: Running, tmp_path: Path) -> None:
    """As ``kubectl get PLURAL -A -o json`` writes them; a file that is missing is a gap."""
    server = clusters.server(*(one for one in ESTATE if not str(one["kind"]).startswith("App")))
    for resource, objects in server.cluster.objects.items():
        if resource.plural not in ("secrets", "applications", "appprojects"):
            listed = {"apiVersion": "v1", "kind": "List", "items": objects}
            (tmp_path / f"{resource.plural}.json").write_text(json.dumps(listed))
    (tmp_path / "openid-configuration.json").write_text(json.dumps({"issuer": server.cluster.issuer}))
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": []}))
    (tmp_path / "version.json").write_text(json.dumps({"major": "1", "minor": "36"}))
    files = KubernetesConnector("k8s", KubernetesSettings(from_files=str(tmp_path)))

    def compared(records: list[Any]) -> list[Any]:
        return [msgspec.to_builtins(one) for one in records if not isinstance(one, Coverage)]

    live = read(clusters.connector(server))
    for one, other in zip(compared(read(files)), compared(live), strict=True):
        assert one == other
    (tmp_path / "pods.json").write_text('{"items": [{"metadata": {}}, 3]}')
    (tmp_path / "rolebindings.json").unlink()
    listed = {"items": server.cluster.of("secrets")}
    (tmp_path / "secrets.json").write_text(json.dumps(listed))
    gaps = {one.section: one.status for one in read(files) if isinstance(one, Coverage) and one.is_gap}
    assert gaps == {"rbac": "failed", "workloads": "partial"}
    ids = {one.id for record in read(files) if isinstance(record, Identity) for one in record.credentials}
    assert ids == {"web-token", "old-token-x7k2p"}


@pytest.mark.parametrize(
    ("section", "file", "settings"),
    [
        ("issuer", "openid-configuration.json", {}),
        ("issuer", "jwks.json", {}),
        ("aws_auth", "aws-auth.json", {"aws_auth": True}),
        ("argocd.accounts", "argocd-cm.json", {"argocd": "argocd"}),
        ("core.secrets", "secrets.json", {"secrets": True}),
    ],
)
def test_a_file_that_is_asked_for_and_missing_is_a_gap(
    section: str, file: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    """That it was not exported does not mean that the cluster lacks it; the gap says how to export it."""
    system = {"kind": "Namespace", "metadata": {"name": "kube-system", "uid": "u-1"}}
    (tmp_path / "namespaces.json").write_text(json.dumps({"kind": "List", "items": [system]}))
    for name, text in {"openid-configuration": '{"issuer": "https://i"}', "jwks": '{"keys": []}'}.items():
        (tmp_path / f"{name}.json").write_text(text)
    (tmp_path / file).unlink(missing_ok=True)

    records = read(KubernetesConnector("k8s", KubernetesSettings(from_files=str(tmp_path), **settings)))
    (found,) = (one for one in records if isinstance(one, Coverage) and one.section == section)

    assert found.is_gap
    assert f"> {file}" in (found.detail or "")


@pytest.mark.parametrize(
    "settings",
    [
        {"context": "a", "contexts": ("b",)},
        {"kubeconfig": "x", "in_cluster": True},
        {"url": "https://h", "from_files": "x"},
        {"url": "http://elsewhere.example"},
        {"timeout": 0},
    ],
)
def test_settings_that_contradict(settings: dict[str, Any]) -> None:
    """One way to a cluster at a time."""
    with pytest.raises(ValueError, match=r"give|https|positive"):
        KubernetesSettings(**settings)
    assert KubernetesSettings(url="http://elsewhere.example", insecure_http=True).insecure_http
