"""Signing in to clusters of EKS, GKE and AKS with the session of their cloud, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit

import pytest
import requests
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from google.auth import jwt
from requests import PreparedRequest, Response
from requests.structures import CaseInsensitiveDict

from connectors.kubernetes.client.signin import RENEWED, Token, TokenSignIn
from connectors.kubernetes.connector import KubernetesConnector
from connectors.kubernetes.settings import KubernetesSettings
from connectors.testing import Asked, Reply, Server
from scanner.demo.fakes.azure.server import AzureServer
from scanner.demo.fakes.gcp.cloud import Cloud
from scanner.demo.fakes.gcp.consumers import add_cluster
from scanner.demo.fakes.gcp.server import rest_server
from scanner.demo.fakes.kubernetes.authorizer import User
from scanner.model import Coverage
from tests.connectors.aws.conftest import moto
from tests.connectors.aws.workloads.model_server import check
from tests.connectors.kubernetes.conftest import READER, Running
from tests.connectors.kubernetes.manifests import account
from tests.processes import PATIENCE
from tests.servers.moto_server import ACCOUNT, ENVIRONMENT, MotoServer
from tests.servers.proxy import Answer, Proxy, Request

__all__ = ["moto"]

EKS = f"arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/shop"
GKE = "projects/shop/locations/europe-west1/clusters/web"
AKS = (
    "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/"
    "Microsoft.ContainerService/managedClusters/web"
)
AUDIENCE = "https://oauth2.googleapis.com/token"
"""Whom a service account of Google addresses, wherever the token is asked for."""
SERVER_APP = "6dae42f8-4368-4678-94ff-3960e28e3630"


class Known(dict[str, User]):
    """The users of a cluster whose tokens someone else gave out: ``is_good`` says which are good."""

    def __init__(self, is_good: Callable[[str], bool]) -> None:
        super().__init__()
        self.is_good = is_good
        self.seen: set[str] = set()

    def get(self, token: str, default: Any = None) -> Any:
        """The reader, by a token that is good."""
        self.seen.add(token)
        return READER if self.is_good(token) else default


def read(clusters: Running, name: str, **settings: Any) -> tuple[set[str], dict[str, Coverage]]:
    """The accounts that a scan of a cluster by its name finds, and the coverage by section."""
    found = clusters.of_cloud(KubernetesSettings(cluster=name, **settings))
    accounts = {path for path in found.accounts if path.startswith("shop/")}
    return accounts, {one.section.partition(":")[0]: one for one in found.records if isinstance(one, Coverage)}


# --- EKS ---


def asked_sts(token: str, cluster: str, sts: str) -> str | None:
    """Who signed the question, as the authenticator of a cluster finds out; None where it would not ask.

    Source: the README of aws-iam-authenticator, "API Authorization from Outside a Cluster", and AWS's documentation of
    Signature Version 4.
    """
    prefix, _, encoded = token.partition(".")
    url = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode() if prefix == "k8s-aws-v1" else ""
    query = dict(parse_qsl(urlsplit(url).query))
    if not url.startswith(f"{sts}/?") or query.get("Action") != "GetCallerIdentity":
        return None
    if "x-k8s-aws-id" not in query["X-Amz-SignedHeaders"] or signature(url, {"x-k8s-aws-id": cluster}) is None:
        return None
    return requests.get(url, headers={"x-k8s-aws-id": cluster}, timeout=PATIENCE).text


def signature(url: str, headers: Mapping[str, str]) -> str | None:
    """The signature of a presigned request, if it is the one of the secret key of the environment."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    given, names = query.pop("X-Amz-Signature"), query["X-Amz-SignedHeaders"]
    sent = {**headers, "host": parts.netloc}
    lines = "".join(f"{name}:{sent[name]}\n" for name in names.split(";"))
    asked = urlencode(sorted(query.items()), quote_via=quote, safe="-_.~")
    digest = hashlib.sha256(b"").hexdigest()
    whole = f"GET\n{parts.path}\n{asked}\n{lines}\n{names}\n{digest}"
    scope = query["X-Amz-Credential"].split("/")[1:]
    text = "\n".join(
        ("AWS4-HMAC-SHA256", query["X-Amz-Date"], "/".join(scope), hashlib.sha256(whole.encode()).hexdigest())
    )
    key = f"AWS4{ENVIRONMENT['AWS_SECRET_ACCESS_KEY']}".encode()
    for part in (*scope, text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return given if hmac.compare_digest(given, key.hex()) else None


class Aws(Proxy):
    """The emulator with a cluster, and before it what says where the stand-in for that cluster answers.

    ``described``: the cluster as EKS describes it; None: to nobody.
    """

    def __init__(self, moto: MotoServer, clusters: Running) -> None:
        super().__init__(moto.url)
        self.users = Known(lambda token: ACCOUNT in (asked_sts(token, "shop", self.url) or ""))
        self.cluster = clusters.server(account("shop", "cart"), users=self.users)
        self.log: list[str] = []
        moto.reset()
        eks = moto.client("eks")
        network = {"subnetIds": ["subnet-1", "subnet-2"]}
        eks.create_cluster(name="shop", roleArn=f"arn:aws:iam::{ACCOUNT}:role/eks", resourcesVpcConfig=network)
        described = eks.describe_cluster(name="shop")["cluster"]
        authority = base64.b64encode(clusters.tls.ca_file.read_bytes()).decode()
        self.described: dict[str, Any] | None = {
            **described, "endpoint": self.cluster.url, "certificateAuthority": {"data": authority},
        }  # fmt: skip

    def answer(self, request: Request) -> Answer | None:
        """Described where the request is signed; the emulator answers everything else."""
        self.log.append(f"{request.method} {request.path.partition('?')[0]}")
        if "Action=GetCallerIdentity" in request.path:  # the emulator reads signatures in headers alone
            signed = dict(parse_qsl(urlsplit(request.path).query))
            scheme = f"{signed['X-Amz-Algorithm']} Credential={signed['X-Amz-Credential']}"
            header = f"{scheme}, SignedHeaders={signed['X-Amz-SignedHeaders']}, Signature={signed['X-Amz-Signature']}"
            headers = {**request.headers, "Authorization": header}
            return self.forward(Request(request.method, request.path, headers, request.body))
        if request.path != "/clusters/shop":
            return self.forward(request)
        if self.described is None or "/eks/aws4_request" not in request.headers.get("Authorization", ""):
            return Answer(403, {"Content-Type": "application/json"}, b'{"message": "AccessDenied"}')
        check("eks", "DescribeCluster", {"cluster": self.described})
        body = json.dumps({"cluster": self.described}, default=str).encode()
        return Answer(200, {"Content-Type": "application/json"}, body)


@pytest.fixture
def aws(moto: MotoServer, clusters: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """An account with one cluster."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with Aws(moto, clusters) as server:
        yield server


def test_eks_takes_a_question_to_sts_that_the_session_signed(aws: Aws, clusters: Running) -> None:
    """It is asked by the cluster itself; the cluster is described once."""
    found, coverage = read(clusters, EKS, endpoint_url=aws.url)

    assert found == {"shop/cart"}
    assert {one.status for one in coverage.values()} <= {"complete", "off", "not_offered"}
    assert aws.log.count("GET /clusters/shop") == 1
    (token,) = aws.users.seen
    expires = parse_qs(urlsplit(base64.urlsafe_b64decode(token.partition(".")[2] + "==").decode()).query)
    assert expires["X-Amz-Expires"] == ["60"]
    assert asked_sts(token, "other", aws.url) is None


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"arn": EKS.replace(ACCOUNT, "210987654321")}, "failed", "another account"),
        ({"endpoint": "http://example.com"}, "failed", "plain http"),
        ({"endpoint": "nowhere"}, "failed", "address"),
        ({"certificateAuthority": {}}, "failed", "no certificate authority"),
        ({"certificateAuthority": {"data": "%%"}}, "failed", "base64"),
        (None, "denied", "AccessDenied"),
    ],
)
def test_what_eks_says_wrong_is_a_gap(
    aws: Aws, clusters: Running, change: Mapping[str, Any] | None, status: str, says: str
) -> None:
    """Nothing is sent to the cluster then."""
    aws.described = None if change is None or aws.described is None else {**aws.described, **change}

    found, coverage = read(clusters, EKS, endpoint_url=aws.url)

    gap = coverage["core.namespaces"]
    assert (found, gap.status, gap.permission) == (set(), status, None if change is not None else "eks:DescribeCluster")
    assert says in (gap.detail or "")
    assert aws.users.seen == set()


def test_without_a_session_nobody_signs_in(aws: Aws, clusters: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gap says how to get one."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)

    found, coverage = read(clusters, EKS, endpoint_url=aws.url)

    assert (found, coverage["core.namespaces"].status) == (set(), "failed")
    assert "not signed in (NoCredentialsError)" in (coverage["core.namespaces"].detail or "")


# --- GKE ---


class Google(Server):
    """Google's sign-in for service accounts. ``given``: the tokens that it gave out."""

    def __init__(self, public: bytes) -> None:
        super().__init__(self._answered)
        self.given: list[str] = []
        self._public = public

    def _answered(self, asked: Asked) -> Reply:
        form = parse_qs(asked.body.decode())
        claims = jwt.decode(form["assertion"][0], certs=self._public, audience=AUDIENCE)
        if "https://www.googleapis.com/auth/cloud-platform" not in claims["scope"]:
            return Reply(status=400, body={"error": "invalid_scope"})
        self.given.append(f"ya29.token-{len(self.given)}")
        return Reply(body={"access_token": self.given[-1], "expires_in": 3600, "token_type": "Bearer"})


@contextmanager
def signing_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    """Google's sign-in, and a key of a service account in the environment."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with Google(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)) as server:
        info = {"type": "service_account", "client_email": "muster@shop.iam.gserviceaccount.com",
                "private_key": private, "private_key_id": "k", "token_uri": f"{server.url}/token"}  # fmt: skip
        (folder / "key.json").write_text(json.dumps(info))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(folder / "key.json"))
        yield server


@pytest.fixture
def google(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    """See ``signing_in``."""
    with signing_in(tmp_path, monkeypatch) as server:
        yield server


@pytest.mark.parametrize(
    "name", [GKE, f"//container.googleapis.com/{GKE}", GKE.replace("locations/europe-west1", "regions/europe-west1")]
)
def test_gke_takes_the_token_of_google(google: Google, clusters: Running, name: str) -> None:
    """Endpoint and authority come from the cluster's own record; secrets that it holds are not kept."""
    users = Known(lambda token: token in google.given)
    server = clusters.server(account("shop", "cart"), users=users)
    cloud = Cloud()
    cloud.add_project("shop", "1")
    authority = base64.b64encode(clusters.tls.ca_file.read_bytes()).decode()
    add_cluster(
        cloud, "shop", "web", endpoint=server.url.removeprefix("https://"),
        masterAuth={"clusterCaCertificate": authority, "clientKey": "hidden"}, location="europe-west1",
    )  # fmt: skip
    with rest_server(cloud) as url:
        found, coverage = read(clusters, name, endpoint_url=url)

    assert found == {"shop/cart"}
    assert users.seen <= set(google.given)
    assert cloud.log == [f"GET /v1/{GKE}"]
    assert "hidden" not in repr(coverage)


@pytest.mark.parametrize(
    ("fields", "status", "says"),
    [
        ({"endpoint": "", "masterAuth": {}}, "failed", "no endpoint"),
        ({"endpoint": "127.0.0.1:1", "masterAuth": {}}, "failed", "no certificate authority"),
        (None, "failed", "404"),
    ],
)
def test_what_google_says_wrong_is_a_gap(
    google: Google, clusters: Running, fields: dict[str, Any] | None, status: str, says: str
) -> None:
    """No cluster, or one that is not there yet."""
    cloud = Cloud()
    cloud.add_project("shop", "1")
    if fields is not None:
        add_cluster(cloud, "shop", "web", location="europe-west1", **fields)
    with rest_server(cloud) as url:
        found, coverage = read(clusters, GKE, endpoint_url=url)

    assert (found, coverage["core.namespaces"].status) == (set(), status)
    assert says in (coverage["core.namespaces"].detail or "")
    assert google.given


# --- AKS ---


class Azure:
    """A tenant with one cluster, whose kubeconfig has a user with a certificate that nobody asked for."""

    def __init__(self, clusters: Running, login: AzureServer, arm: AzureServer) -> None:
        self.arm, arm.login = arm, login.login
        self.users = Known(lambda token: token.endswith(f"-for-{SERVER_APP}"))
        server = clusters.server(account("shop", "cart"), users=self.users)
        authority = base64.b64encode(clusters.tls.ca_file.read_bytes()).decode()
        file = {
            "apiVersion": "v1", "kind": "Config", "current-context": "web",
            "clusters": [{"name": "web", "cluster": {"server": server.url, "certificate-authority-data": authority}}],
            "contexts": [{"name": "web", "context": {"cluster": "web", "user": "u"}}],
            "users": [{"name": "u", "user": {"client-key-data": "hidden-key"}}],
        }  # fmt: skip
        self.row: dict[str, Any] = {
            "id": AKS, "name": "web", "type": "Microsoft.ContainerService/managedClusters",
            "properties": {"fqdn": server.url.removeprefix("https://"), "aadProfile": {"managed": True}},
        }  # fmt: skip
        arm.tenant.resources.append(self.row)
        arm.tenant.kubeconfigs[AKS.lower()] = yaml.safe_dump(file)


@pytest.fixture
def azure(clusters: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[Azure]:
    """Entra by TLS, which its SDK insists on, and the resource manager beside it."""
    with ExitStack() as stack:
        login, arm = stack.enter_context(AzureServer()), stack.enter_context(AzureServer(tls=False))
        settings = {
            "AZURE_AUTHORITY_HOST": login.url, "AZURE_TENANT_ID": login.tenant.id,
            "AZURE_CLIENT_ID": login.tenant.client_id,
            "AZURE_CLIENT_SECRET": login.tenant.client_secret, "REQUESTS_CA_BUNDLE": str(login.ca_file),
        }  # fmt: skip
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        yield Azure(clusters, login, arm)


@pytest.mark.parametrize("has_file", [False, True])
def test_aks_takes_a_token_of_entra_for_its_server_application(
    azure: Azure, clusters: Running, *, has_file: bool
) -> None:
    """Of the kubeconfig only address and authority are read; with a file of the authority it is not asked for."""
    files = {"ca_file": str(clusters.tls.ca_file)} if has_file else {}

    found, coverage = read(clusters, AKS, endpoint_url=azure.arm.url, **files)

    asked = [f"GET {AKS}", *([] if has_file else [f"POST {AKS}/listClusterUserCredential"])]
    assert found == {"shop/cart"}
    assert azure.arm.asked("arm") == asked
    assert all(token.endswith(SERVER_APP) for token in azure.users.seen)
    assert "hidden-key" not in repr(coverage)


@pytest.mark.parametrize("profile", [None, {"managed": False, "serverAppID": "s"}])
def test_a_cluster_of_aks_without_entra_gives_nobody_its_certificates(
    azure: Azure, clusters: Running, profile: dict[str, Any] | None
) -> None:
    """Its kubeconfig would hold the key of an administrator: it is not asked for."""
    azure.row["properties"]["aadProfile"] = profile
    if profile is None:
        del azure.row["properties"]["aadProfile"]

    found, coverage = read(clusters, AKS, endpoint_url=azure.arm.url)

    assert (found, coverage["core.namespaces"].status) == (set(), "failed")
    assert "takes no tokens of Entra" in (coverage["core.namespaces"].detail or "")
    assert azure.arm.asked("arm") == [f"GET {AKS}"]


# --- Settings ---


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"cluster": "prod"}, "names no cluster"),
        ({"cluster": "arn:aws:iam::123456789012:role/x"}, "names no cluster"),
        ({"clusters": (EKS, "../x")}, "names no cluster"),
        ({"cluster": EKS, "clusters": (EKS,)}, "either cluster or clusters"),
        ({"cluster": EKS, "context": "prod"}, "give one of"),
        ({"profile": "audit"}, "belong to cluster"),
        ({"endpoint_url": "https://localhost:1"}, "belong to cluster"),
        ({"cluster": EKS, "endpoint_url": "http://example.com"}, "plain http"),
    ],
)
def test_settings_that_do_not_fit(settings: dict[str, Any], says: str) -> None:
    """Each says what to give instead."""
    with pytest.raises(ValueError, match=says):
        KubernetesSettings(**settings)


def test_several_clusters_are_scopes_of_their_own(aws: Aws, clusters: Running) -> None:
    """One that cannot be reached leaves the others."""
    names = (EKS, EKS.replace("cluster/shop", "cluster/other"))
    found = clusters.of_cloud(KubernetesSettings(clusters=names, endpoint_url=aws.url))

    assert "shop/cart" in found.accounts
    gaps = [one for one in found.records if isinstance(one, Coverage) and one.is_gap]
    assert [(one.section, one.status) for one in gaps] == [(f"core.namespaces:{names[1]}", "failed")]


WITHOUT = """
import sys
sys.modules.update(dict.fromkeys(("botocore", "google.auth", "azure.identity")))
from connectors.kubernetes.connector import KubernetesConnector
from connectors.kubernetes.settings import KubernetesSettings
from scanner.errors import MissingExtra
for name in sys.argv[1:]:
    try:
        KubernetesConnector("k8s", KubernetesSettings(cluster=name))
    except MissingExtra as error:
        print(error, error.hint)
"""


def test_without_the_sdk_of_its_cloud_a_cluster_names_the_extra() -> None:
    """Before anything is asked; none of them is imported until a token is needed."""
    command = [sys.executable, "-c", WITHOUT, EKS, GKE, AKS]

    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()

    extras = [line.partition("needs the extra ")[2].partition(":")[0].split()[0] for line in said]
    assert extras == ["'aws'", "'gcp'", "'azure'"]


def test_doctor_names_the_permission_of_the_cloud(aws: Aws) -> None:
    """Before those of the cluster."""
    settings = KubernetesSettings(cluster=EKS, endpoint_url=aws.url)
    assert [one.ok for one in KubernetesConnector("k8s", settings).check()][:2] == [True, True]

    aws.described = None
    (check_,) = KubernetesConnector("k8s", settings).check()

    assert (check_.name, check_.ok, check_.fix) == ("cluster", False, "eks:DescribeCluster")


# --- Tokens ---


def refused(token: str) -> Response:
    """The answer to a request with that token."""
    answer = Response()
    answer.request = PreparedRequest()
    answer.request.headers = CaseInsensitiveDict({"Authorization": f"Bearer {token}"})
    return answer


def test_a_token_is_renewed_before_it_ends_and_after_a_refusal() -> None:
    """One that another thread has renewed already is not renewed again."""
    now = time.time()
    ends = iter((now + RENEWED - 1, now + 3600, now + 3600, now + 3600))
    tokens = iter(("token-one", "token-two", "token-three", "token-three"))
    sign_in = TokenSignIn(lambda: Token(next(tokens), next(ends)))

    sent = [sign_in.headers()["Authorization"] for _ in range(3)]

    assert sent == ["Bearer token-one", "Bearer token-two", "Bearer token-two"]
    assert sign_in.renewed(refused("token-one"))
    assert sign_in.headers()["Authorization"] == "Bearer token-two"
    assert sign_in.renewed(refused("token-two"))
    assert sign_in.headers()["Authorization"] == "Bearer token-three"
    assert not sign_in.renewed(refused("token-three"))


def test_a_token_that_the_cluster_refuses_is_replaced(google: Google, clusters: Running) -> None:
    """Once: the request is sent again with the new one."""
    users = Known(lambda token: token in google.given[1:])
    server = clusters.server(account("shop", "cart"), users=users)
    cloud = Cloud()
    cloud.add_project("shop", "1")
    authority = base64.b64encode(clusters.tls.ca_file.read_bytes()).decode()
    endpoint, keys = server.url.removeprefix("https://"), {"clusterCaCertificate": authority}
    add_cluster(cloud, "shop", "web", endpoint=endpoint, masterAuth=keys, location="europe-west1")
    with rest_server(cloud) as url:
        found, _ = read(clusters, GKE, endpoint_url=url)

    assert found == {"shop/cart"}
    assert len(google.given) == 2
