"""Signing in: each method against a real server, AWS's against a stand-in that signs the request again itself."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import pytest
import trustme
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from connectors.core.contract import Meter
from connectors.vault.client.api import SourceToken, VaultApi
from connectors.vault.client.requests import AUTH_MOUNTS, OWN_TOKEN
from connectors.vault.connector import VaultConnector
from connectors.vault.settings import VaultSettings
from scanner.errors import SourceError
from tests.connectors.vault.conftest import MakeSettings
from tests.connectors.vault.estate import Place, Scan, scan
from tests.processes import PATIENCE
from tests.servers.openbao import OpenBao
from tests.servers.vault_proxy import VaultProxy

pytestmark = pytest.mark.real_server

ISSUER = "https://issuer.example"


def _settings(place: Place, auth: dict[str, Any], url: str = "", **facts: object) -> VaultSettings:
    return msgspec.convert(
        {"url": url or place.server.url, "namespace": place.namespace, "auth": auth, **facts}, VaultSettings
    )


def _policy(place: Place, make_settings: MakeSettings) -> str:
    """The name of the policy that the connector prints, once it is on the server."""
    text = VaultConnector("vault", make_settings(place.server.url, namespace=place.namespace)).policy()
    place.client.sys.create_or_update_acl_policy("muster", text)
    return "muster"


def _file(folder: Path, name: str, text: str) -> dict[str, str]:
    (folder / name).write_text(text)
    return {"file": str(folder / name)}


def _approle(place: Place, folder: Path, policy: str, **facts: object) -> dict[str, Any]:
    client = place.client
    client.sys.enable_auth_method("approle")
    client.auth.approle.create_or_update_approle("scanner", token_policies=[policy], **facts)
    role_id = client.auth.approle.read_role_id("scanner")["data"]["role_id"]
    secret_id = client.auth.approle.generate_secret_id("scanner")["data"]["secret_id"]
    return {
        "method": "approle",
        "role_id": _file(folder, "role_id", role_id),
        "secret_id": _file(folder, "secret_id", secret_id),
    }


def _part(of: dict[str, object] | bytes) -> str:
    raw = of if isinstance(of, bytes) else json.dumps(of).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _jwt(key: ec.EllipticCurvePrivateKey, **claims: object) -> str:
    """A token as a pipeline gets one (RFC 7519, ES256)."""
    now = int(time.time())
    said = {"iss": ISSUER, "aud": ["vault"], "sub": "scanner", "iat": now, "nbf": now, "exp": now + 600, **claims}
    signed = f"{_part({'alg': 'ES256', 'typ': 'JWT'})}.{_part(said)}"
    r, s = utils.decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{_part(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _of_jwt(place: Place, folder: Path, policy: str) -> dict[str, Any]:
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    place.client.sys.enable_auth_method("jwt", path="ci/jwt")
    place.client.auth.jwt.configure(jwt_validation_pubkeys=[public.decode()], path="ci/jwt", bound_issuer=ISSUER)
    place.client.auth.jwt.create_role(
        "scanner",
        role_type="jwt",
        user_claim="sub",
        allowed_redirect_uris=[],
        bound_audiences=["vault"],
        bound_subject="scanner",
        token_policies=[policy],
        path="ci/jwt",
    )
    return {"method": "jwt", "mount": "ci/jwt", "role": "scanner", "jwt": _file(folder, "jwt", _jwt(key))}


@contextmanager
def _answering(answer: Mapping[str, object], asked: list[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    """The address of a server that gives this answer to every POST. ``asked``: path and body of each request."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append((self.path, json.loads(body)))
            content = json.dumps(answer).encode()
            self.send_response(201 if "tokenreviews" in self.path else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


REVIEW = {
    "apiVersion": "authentication.k8s.io/v1",
    "kind": "TokenReview",
    "status": {
        "authenticated": True,
        "audiences": ["vault"],
        "user": {"username": "system:serviceaccount:security:muster", "uid": "5d1d7ba2", "groups": []},
    },
}


def _of_kubernetes(place: Place, folder: Path, policy: str, cluster: str) -> dict[str, Any]:
    client = place.client
    client.sys.enable_auth_method("kubernetes")
    authority = trustme.CA().cert_pem.bytes().decode()
    client.auth.kubernetes.configure(
        cluster, token_reviewer_jwt="reviewer", kubernetes_ca_cert=authority, disable_local_ca_jwt=True
    )
    client.auth.kubernetes.create_role("scanner", ["muster"], ["security"], policies=[policy])
    # The server reads who it is about from the token itself, and asks the cluster whether that is true.
    key = ec.generate_private_key(ec.SECP256R1())
    of_pod = {"namespace": "security", "serviceaccount": {"name": "muster", "uid": "5d1d7ba2"}}
    token = _jwt(key, iss="kubernetes/serviceaccount", **{"kubernetes.io": of_pod})
    return {"method": "kubernetes", "role": "scanner", "jwt": _file(folder, "pod", token)}


@pytest.mark.parametrize("method", ["approle", "jwt", "kubernetes"])
def test_a_scan_signs_in(method: str, place: Place, make_settings: MakeSettings, tmp_path: Path) -> None:
    """A scan reads as much as with a token of its own, and knows the token it got for its own."""
    asked: list[tuple[str, dict[str, Any]]] = []
    with _answering(REVIEW, asked) as cluster:
        policy = _policy(place, make_settings)
        if method == "kubernetes":
            auth = _of_kubernetes(place, tmp_path, policy, cluster)
        else:
            auth = {"approle": _approle, "jwt": _of_jwt}[method](place, tmp_path, policy)
        _policy(place, make_settings)  # again: it has a block for the new mount

        found = scan(_settings(place, auth))

    assert _gaps(found) == {}
    assert any(one.attributes.get("own_token") for each in found.identities.values() for one in each.credentials)
    assert len(asked) == (1 if method == "kubernetes" else 0)


def _gaps(found: Scan) -> dict[str, str | None]:
    return {section: one.detail for (_, section), one in found.gaps.items()}


def test_one_sign_in_serves_a_whole_scan(
    place: Place, proxy: VaultProxy, make_settings: MakeSettings, tmp_path: Path
) -> None:
    """All namespaces and threads share the token: a secret id may be good for a few uses only."""
    place.client.sys.create_namespace("below")
    auth = _approle(place, tmp_path, "muster")
    _policy(place, make_settings)

    found = scan(_settings(place, auth, proxy.url))

    assert len({scope for scope, _ in found.coverage}) == 2
    assert _gaps(found) == {}
    assert [path for path in proxy.asked if path.endswith("/login")] == ["POST auth/approle/login"]


def test_it_signs_in_again_before_its_token_ends(place: Place, make_settings: MakeSettings, tmp_path: Path) -> None:
    """A scan may take longer than its token lives."""
    auth = _approle(place, tmp_path, _policy(place, make_settings), token_ttl="2s", token_max_ttl="2s")
    meter = Meter()
    api = VaultApi(SourceToken(_settings(place, auth)), place.namespace, meter)

    accessors: set[str] = set()
    ends = time.monotonic() + PATIENCE
    while len(accessors) < 2 and time.monotonic() < ends:
        accessors.add(str(api.read(OWN_TOKEN, dict[str, Any])["accessor"]))
        time.sleep(0.2)

    assert len(accessors) == 2
    api.close()


@pytest.mark.parametrize(
    ("part", "said"),
    [
        pytest.param("secret_id", "the sign-in at auth/approle was refused: invalid role or secret ID", id="secret"),
        pytest.param("mount", "the sign-in at auth/elsewhere was refused: permission denied", id="mount"),
    ],
)
def test_a_refused_sign_in(part: str, said: str, place: Place, make_settings: MakeSettings, tmp_path: Path) -> None:
    """It is one gap that says so; doctor names it as the token's."""
    auth = _approle(place, tmp_path, _policy(place, make_settings))
    auth[part] = "elsewhere" if part == "mount" else _file(tmp_path, "wrong", "0f2c5b0e-wrong")
    connector = VaultConnector("vault", _settings(place, auth))

    [coverage] = list(connector.scopes())
    checks = {check.name: check for check in connector.check()}

    assert said in str(getattr(coverage, "detail", ""))
    assert said in checks["token"].detail
    assert not checks["token"].ok


def test_a_missing_secret_is_named(place: Place, make_settings: MakeSettings, tmp_path: Path) -> None:
    """Nothing is sent without it."""
    auth = _approle(place, tmp_path, _policy(place, make_settings))
    auth["secret_id"] = {"env": "MUSTER_TEST_UNSET"}

    with pytest.raises(SourceError, match="MUSTER_TEST_UNSET"):
        VaultConnector("vault", _settings(place, auth)).policy()


def test_a_client_certificate(tmp_path: Path) -> None:
    """With TLS on both sides, the server's authority from ``ca_file``."""
    with OpenBao(tls=True) as server:
        authority = trustme.CA()
        leaf = authority.issue_cert("scanner.example", common_name="scanner.example")
        leaf.private_key_pem.write_to_path(tmp_path / "key.pem")
        for blob in leaf.cert_chain_pems:
            blob.write_to_path(tmp_path / "cert.pem", append=True)
        client = server.client
        client.sys.enable_auth_method("cert")
        client.auth.cert.create_ca_certificate_role(
            "scanner", authority.cert_pem.bytes().decode(), token_policies=["default"]
        )
        auth = {
            "method": "cert",
            "name": "scanner",
            "certificate": str(tmp_path / "cert.pem"),
            "key": str(tmp_path / "key.pem"),
        }
        settings = msgspec.convert({"url": server.url, "ca_file": server.ca_file, "auth": auth}, VaultSettings)
        api = VaultApi(SourceToken(settings), "", Meter())

        own = api.read(OWN_TOKEN, dict[str, Any])

        assert own["path"] == "auth/cert/login"
        assert own["meta"]["cert_name"] == "scanner"
        api.close()


def test_aws_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request that AWS would be asked with is signed as botocore signs it, for the region and the server's id."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session")
    asked: list[tuple[str, dict[str, Any]]] = []
    answer = {"auth": {"client_token": "s.given", "lease_duration": 3600}, "data": {}}
    with _answering(answer, asked) as url:
        auth = {"method": "aws", "role": "scanner", "mount": "aws/prod", "server_id": "vault.example"}
        api = VaultApi(SourceToken(msgspec.convert({"url": url, "auth": auth}, VaultSettings)), "", Meter())
        api.sign_in()
        api.close()

    [(path, body)] = asked
    headers = {name: value for name, [value] in json.loads(base64.b64decode(body["iam_request_headers"])).items()}
    assert path == "/v1/auth/aws/prod/login"
    assert body["role"] == "scanner"
    assert base64.b64decode(body["iam_request_body"]) == b"Action=GetCallerIdentity&Version=2011-06-15"
    assert headers["X-Vault-AWS-IAM-Server-ID"] == "vault.example"
    assert headers.pop("Authorization") == _signature(base64.b64decode(body["iam_request_url"]).decode(), headers)


def _signature(url: str, headers: dict[str, str]) -> str:
    """What botocore writes as Authorization, at the time of the headers."""
    signer = SigV4Auth(
        Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), "sts", "us-east-1"
    )
    request = AWSRequest("POST", url, headers, b"Action=GetCallerIdentity&Version=2011-06-15")
    request.context["timestamp"] = headers["X-Amz-Date"]
    signed = signer.headers_to_sign(request)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    scope = f"Credential={signer.scope(request)}, SignedHeaders={signer.signed_headers(signed)}"
    return f"AWS4-HMAC-SHA256 {scope}, Signature={signer.signature(text, request)}"


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        pytest.param(
            {"token": {"env": "X"}, "auth": {"method": "cert", "certificate": "c", "key": "k"}}, "either", id="both"
        ),
        pytest.param({"auth": {"method": "kerberos"}}, "kerberos", id="unknown method"),
        pytest.param({"auth": {"method": "approle"}}, "role_id", id="no role id"),
        pytest.param({"auth": {"method": "approle", "role_id": "1234"}}, "role_id", id="a secret in the config"),
        pytest.param({"auth": {"method": "jwt", "jwt": {"env": "X"}, "rol": "x"}}, "rol", id="unknown key"),
    ],
)
def test_settings_that_are_refused(facts: dict[str, object], said: str) -> None:
    """The error names what is wrong."""
    with pytest.raises(msgspec.ValidationError, match=said):
        msgspec.convert({"url": "https://vault.example", **facts}, VaultSettings)


def test_hvac_s_environment_leads_nowhere(
    place: Place, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hvac would take address, token and namespace from it."""
    for name, value in (("VAULT_ADDR", "http://127.0.0.1:9"), ("VAULT_TOKEN", "s.other"), ("VAULT_NAMESPACE", "other")):
        monkeypatch.setenv(name, value)
    api = VaultApi(SourceToken(make_settings(place.server.url)), place.namespace, Meter())

    assert "token/" in api.read(AUTH_MOUNTS, dict[str, Any])
    api.close()
