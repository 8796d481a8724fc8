"""The contract kit against the clouds and Vault, whose stand-ins, or a real server, give the healthy answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.parsers import create_parser
from moto.core.utils import get_service_model
from msgspec import field, structs

from connectors.aws.connector import AwsConnector
from connectors.aws.settings import AwsSettings
from connectors.azure.connector import AzureConnector
from connectors.azure.settings import AzureSettings
from connectors.core.contract import Connector
from connectors.gcp.connector import GcpConnector
from connectors.gcp.settings import GcpSettings
from connectors.testing import (
    Asked,
    Estate,
    Reply,
    Server,
    check_denied,
    check_foreign_host,
    check_hostile_names,
    check_loop,
    check_not_the_api,
    check_throttled,
    read,
)
from connectors.vault.connector import VaultConnector
from connectors.vault.settings import VaultSettings
from scanner.demo.fakes.azure.server import AzureServer
from scanner.demo.fakes.azure.wire import Service
from scanner.demo.fakes.gcp.server import rest_server
from scanner.model import Coverage
from scanner.redaction.redact import SecretRef
from tests.connectors.aws.conftest import moto, running_proxy
from tests.connectors.aws.estate import Estate as AwsEstate
from tests.connectors.azure.estate import AzureEstate
from tests.connectors.gcp.conftest import TOKEN, small_company
from tests.connectors.vault.conftest import estate, openbao
from tests.connectors.vault.estate import Place
from tests.servers.fault_proxy import Fault, FaultProxy, call_of, failure
from tests.servers.moto_server import ENVIRONMENT, MotoServer
from tests.servers.proxy import Request
from tests.servers.wire import Wrong, written

__all__ = ["estate", "moto", "openbao", "running_proxy"]

VARIABLE = "KIT_TOKEN"
AWS_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
AWS_ENVIRONMENT = {**ENVIRONMENT, "AWS_SECRET_ACCESS_KEY": AWS_SECRET}
_TOKENS: dict[str, Service] = {"access_token": "graph", "arm_token": "arm", "vault_token": "vault"}
_OF_A_CONNECTION = {"host", "connection", "content-length", "accept-encoding"}


class Behind(Estate, frozen=True, kw_only=True):
    """A provider that the server at ``upstream`` answers for: once for each request, then from memory."""

    upstream: str
    memory: dict[tuple[str, str, bytes], Reply] = field(default_factory=dict)

    def healthy(self, asked: Asked) -> Reply:
        """What that server answers."""
        key = (asked.method, asked.target, asked.body)
        if key not in self.memory:
            self.memory[key] = self.parsed(asked, self._forwarded(asked))
        return self.memory[key]

    def parsed(self, asked: Asked, reply: Reply) -> Reply:
        """The reply with a body that the checks can change."""
        del asked  # AWS has a format for each service
        text = reply.body.decode().replace(self.upstream, "{url}")
        return structs.replace(reply, body=json.loads(text) if text else b"")

    def _forwarded(self, asked: Asked) -> Reply:
        headers = {name: value for name, value in asked.headers.items() if name.lower() not in _OF_A_CONNECTION}
        with closing(HTTPConnection(urlsplit(self.upstream).netloc)) as connection:
            connection.request(asked.method, asked.target, asked.body or None, headers)
            response = connection.getresponse()
            return Reply(
                status=response.status,
                headers={"Content-Type": response.getheader("Content-Type", "")},
                body=response.read(),
            )


class BehindAws(Behind, frozen=True, kw_only=True):
    """AWS, which has one path for all of a service, and answers in XML or JSON."""

    def parsed(self, asked: Asked, reply: Reply) -> Reply:
        """With what the SDK finds in it, and how the service writes that."""
        if reply.status != HTTPStatus.OK:
            return reply
        operation = self.operation(asked)
        service, _, name = operation.partition(":")
        model = get_service_model(service)
        held = {"status_code": reply.status, "headers": reply.headers, "body": reply.body}
        body = create_parser(model.protocol).parse(held, model.operation_model(name).output_shape)

        def encode(changed: Any) -> bytes:
            if changed == body:
                return bytes(reply.body)
            return written(operation, Wrong(changed)).body.replace(b"\x1b", b"")  # XML has no such character

        return structs.replace(reply, body=body, encode=encode)

    def operation(self, asked: Asked) -> str:
        """As permissions name it."""
        return call_of(Request(asked.method, asked.target, asked.headers, asked.body)).operation

    def refusal(self, asked: Asked, message: str) -> Reply:
        """In the form of the service."""
        return self._failing(Fault("denied", message=message), asked)

    def throttled(self, asked: Asked) -> Reply:
        """The same."""
        return self._failing(Fault("throttled"), asked)

    def _failing(self, fault: Fault, asked: Asked) -> Reply:
        answer = failure(fault, self.operation(asked))
        assert answer is not None
        return Reply(status=answer.status, headers=answer.headers, body=answer.body)


def learnt(upstream: str, make: Callable[[str], Connector], kind: type[Behind] = Behind, **facts: Any) -> Behind:
    """That provider, with what it answers to a healthy reading."""
    behind = kind(upstream=upstream, make=make, answers={}, patience=0.5, **facts)
    with Server(behind.healthy) as server:
        read(behind.make(server.url))
        answers = {behind.operation(asked): behind.healthy(asked) for asked in server.asked}
    return structs.replace(behind, answers=answers)


@pytest.fixture(autouse=True)
def aws_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which the SDK takes from the environment, that each test has for itself."""
    for name, value in AWS_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module", params=["aws", "azure", "gcp", "vault"])
def provider(request: pytest.FixtureRequest) -> Iterator[Behind]:
    """Each of them, with more than one page where it has pages."""
    with pytest.MonkeyPatch.context() as patch:
        match request.param:
            case "aws":
                yield _aws(request.getfixturevalue("moto"), request.getfixturevalue("running_proxy"), patch)
            case "azure":
                with _azure(patch) as behind:
                    yield behind
            case "gcp":
                with _gcp(patch) as behind:
                    yield behind
            case _:
                yield _vault(request.getfixturevalue("estate"), patch)


def _aws(moto: MotoServer, proxy: FaultProxy, patch: pytest.MonkeyPatch) -> Behind:
    for name, value in AWS_ENVIRONMENT.items():
        patch.setenv(name, value)
    proxy.reset()
    proxy.page_size = 1
    moto.hold(_fill_aws, AwsEstate(moto, proxy))
    settings: dict[str, Any] = {
        "regions": ("eu-west-1",),
        "resources": "secretsmanager",
        "max_attempts": 2,
        "max_rate": 1000.0,
    }
    return learnt(
        proxy.url,
        lambda url: AwsConnector("prod", AwsSettings(endpoint_url=url, **settings)),
        BehindAws,
        secret=AWS_SECRET,
        names=("UserName", "RoleName", "PolicyName", "Name"),
        waits=False,  # its refusals have no Retry-After: the SDK waits longer each time
    )


def _fill_aws(aws: AwsEstate) -> None:
    aws.user("deploy", keys=1, allow="*")
    aws.user("build")
    aws.role("worker", allow="s3:GetObject")
    aws.secret("db")
    aws.secret("queue")


@contextmanager
def _azure(patch: pytest.MonkeyPatch) -> Iterator[Behind]:
    with AzureServer(tls=False) as server:
        emulator, tenant = AzureEstate(server), server.tenant
        server.pages.largest = 1
        subscription = tenant.add_subscription("prod")["subscriptionId"]
        for name in ("svc-a", "svc-b"):
            tenant.add_application(name)
        tenant.assign_role(f"/subscriptions/{subscription}", next(iter(tenant.service_principals.values()))["id"])
        tenant.add_vault(subscription, "kv")
        given = {}
        for setting, service in _TOKENS.items():
            patch.setenv(f"KIT_{setting}", emulator.token(service))
            given[setting] = SecretRef(env=f"KIT_{setting}")
        facts: dict[str, Any] = {"tenant_id": tenant.id, **given}
        yield learnt(
            server.url,
            lambda url: AzureConnector("prod", AzureSettings(endpoint_url=url, max_attempts=2, backoff=0.001, **facts)),
            secret=SecretRef(env="KIT_access_token").resolve(),
            names=("displayName", "appDisplayName"),
        )


@contextmanager
def _gcp(patch: pytest.MonkeyPatch) -> Iterator[Behind]:
    patch.setenv(VARIABLE, TOKEN)
    cloud = small_company()
    cloud.add_account("acme-prod", "mailer")
    with rest_server(cloud) as upstream:
        yield learnt(
            upstream,
            lambda url: GcpConnector(
                "prod",
                GcpSettings(
                    endpoint_url=url, access_token=SecretRef(env=VARIABLE), backoff=0.001, max_attempts=2,
                    locations=("europe-west1",),
                ),
            ),
            secret=TOKEN,
            spare=("/v1/organizations/123456789012/assets",),
        )  # fmt: skip


def _vault(estate: Place, patch: pytest.MonkeyPatch) -> Behind:
    patch.setenv(VARIABLE, estate.server.token)
    token = SecretRef(env=VARIABLE)
    return learnt(
        estate.server.url,
        lambda url: VaultConnector(
            "prod", VaultSettings(url=url, token=token, namespace=estate.namespace, backoff=0.001)
        ),
        secret=estate.server.token,
        paged=False,
        names=("keys", "name"),
        spare=(
            "/v1/sys/seal-status",
            "/v1/auth/token/lookup-self",
            "/v1/kv/detailed-metadata",
            "/v1/sys/policies/detailed/acl",
        ),
    )


# What is malformed or has no end is tried where the parsers are, and in test_silence.py.
@pytest.mark.parametrize(
    "check",
    [check_foreign_host, check_not_the_api, check_throttled, check_loop, check_denied, check_hostile_names],
    ids=lambda check: check.__name__,
)
def test_it_keeps_the_contract(provider: Behind, check: Callable[[Estate], None]) -> None:
    """Also where it is slow, hostile, or refuses a single address."""
    check(provider)


def test_an_answer_that_no_parser_gets_through_is_a_gap(provider: Behind) -> None:
    """JSON that is nested too deeply, in one operation after the other."""
    deep = Reply(body=b"[" * 100_000)
    for operation in (one for one, reply in provider.answers.items() if reply.content()[:1] in (b"{", b"[")):

        def answering(asked: Asked, operation: str = operation) -> Reply:
            return deep if provider.operation(asked) == operation else provider.healthy(asked)

        with Server(answering) as server:
            coverage = [one for one in read(provider.make(server.url)) if isinstance(one, Coverage)]

        assert operation in provider.spare or any(one.is_gap for one in coverage), operation
