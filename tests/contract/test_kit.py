"""The contract kit against the clouds and Vault, whose stand-ins, or a real server, give the healthy answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from msgspec import field, structs

from connectors.azure.connector import AzureConnector
from connectors.azure.settings import AzureSettings
from connectors.base import Connector
from connectors.fakes.azure.server import AzureServer
from connectors.fakes.azure.wire import Service
from connectors.fakes.gcp.server import rest_server
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
from scanner.model import Coverage
from scanner.redaction.redact import SecretRef
from tests.connectors.azure.estate import AzureEstate
from tests.connectors.gcp.conftest import TOKEN, small_company
from tests.connectors.vault.conftest import estate, openbao
from tests.connectors.vault.estate import Place

__all__ = ["estate", "openbao"]

VARIABLE = "KIT_TOKEN"
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
            self.memory[key] = self._forwarded(asked)
        return self.memory[key]

    def _forwarded(self, asked: Asked) -> Reply:
        headers = {name: value for name, value in asked.headers.items() if name.lower() not in _OF_A_CONNECTION}
        with closing(HTTPConnection(urlsplit(self.upstream).netloc)) as connection:
            connection.request(asked.method, asked.target, asked.body or None, headers)
            response = connection.getresponse()
            text = response.read().decode().replace(self.upstream, "{url}")
        return Reply(status=response.status, body=json.loads(text) if text else b"")


def learnt(upstream: str, make: Callable[[str], Connector], **facts: Any) -> Behind:
    """That provider, with what it answers to a healthy reading."""
    behind = Behind(upstream=upstream, make=make, answers={}, **facts)
    with Server(behind.healthy) as server:
        read(behind.make(server.url))
    answers = {target: reply.body for (_, target, _), reply in behind.memory.items() if reply.status == 200}
    return structs.replace(behind, answers=answers)


@pytest.fixture(scope="module", params=["azure", "gcp", "vault"])
def provider(request: pytest.FixtureRequest) -> Iterator[Behind]:
    """Each of them, with more than one page where it has pages."""
    with pytest.MonkeyPatch.context() as patch:
        match request.param:
            case "azure":
                with _azure(patch) as behind:
                    yield behind
            case "gcp":
                with _gcp(patch) as behind:
                    yield behind
            case _:
                yield _vault(request.getfixturevalue("estate"), patch)


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
            lambda url: AzureConnector("prod", AzureSettings(endpoint_url=url, max_attempts=2, **facts)),
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
        lambda url: VaultConnector("prod", VaultSettings(url=url, token=token, namespace=estate.namespace)),
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
    """JSON that is nested too deeply, at one address after the other."""
    deep = Reply(body=b"[" * 100_000)
    for path in {target.partition("?")[0] for target in provider.answers}:

        def answering(asked: Asked, path: str = path) -> Reply:
            return deep if asked.path == path else provider.healthy(asked)

        with Server(answering) as server:
            coverage = [one for one in read(provider.make(server.url)) if isinstance(one, Coverage)]

        assert path in provider.spare or any(one.is_gap for one in coverage), path
