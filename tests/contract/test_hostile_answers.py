"""Whatever a provider answers, a scan ends in records and coverage, and what is recorded can be judged and reported."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, structs

from connectors.core.contract import Connector
from connectors.gcp.connector import GcpConnector
from connectors.gcp.settings import GcpSettings
from connectors.kubernetes.connector import KubernetesConnector
from connectors.kubernetes.settings import KubernetesSettings
from connectors.testing import Server
from connectors.vault.connector import VaultConnector
from connectors.vault.settings import VaultSettings
from scanner.demo.azure_tenant import make_tenant
from scanner.demo.estate import load_estate
from scanner.demo.fakes.azure.server import AzureServer
from scanner.demo.fakes.azure.wire import Call, Reply
from scanner.demo.gcp_cloud import gcp_server
from scanner.redaction.redact import SecretRef
from tests.connectors.anthropic import estates as anthropic
from tests.connectors.azure.estate import AzureEstate
from tests.connectors.github import estates as github
from tests.connectors.github.fake import GithubServer
from tests.connectors.hostile import Answers, read, reported
from tests.connectors.okta import estates as okta
from tests.connectors.openai import estates as openai
from tests.connectors.vault.conftest import estate, openbao
from tests.contract.test_connectors import SECRET, kubernetes_url
from tests.contract.test_silence import NETWORKED
from tests.examples import examples
from tests.hostile_json import TIMES, mutated, with_times
from tests.servers.hostile_proxy import HostileProxy

__all__ = ["estate", "kubernetes_url", "openbao"]

TOKEN = SecretRef(env="HOSTILE_TOKEN")
ENVIRONMENT = {
    "HOSTILE_TOKEN": SECRET,
    github.TOKEN: github.VALUE,
    openai.TOKEN: openai.VALUE,
    openai.AGENTS_TOKEN: openai.AGENTS_VALUE,
    **anthropic.VALUES,
}


class Hostile(Struct, frozen=True):
    """A provider whose right answers have been learnt, and who asks it."""

    answers: Answers
    connector: Connector


class HostileTenant(AzureServer):
    """The demo's tenant, which a proxy would not do for: each answer within a batch is one of its own."""

    def __init__(self) -> None:
        super().__init__(make_tenant(load_estate()["azure"]))
        self.learnt: dict[str, Any] = {}
        self.instead: dict[str, Any] = {}

    def answer(self, call: Call, token: str) -> Reply | None:
        """The right one, unless another one stands in its place."""
        reply = super().answer(call, token)
        if reply is None or reply.status != 200 or call.service == "login":
            return reply
        asked = f"{call.method} {call.path} {json.dumps([call.query, call.body], sort_keys=True)}"
        if not self.instead:
            self.learnt[asked] = reply.body
        return structs.replace(reply, body=self.instead.get(asked, reply.body))


@contextmanager
def _anthropic(_: pytest.FixtureRequest) -> Iterator[Hostile]:
    with Server(anthropic.organization(), most=None) as server, HostileProxy(server.url) as proxy:
        yield Hostile(proxy, anthropic.connector(proxy.url, max_attempts=1))


@contextmanager
def _azure(request: pytest.FixtureRequest) -> Iterator[Hostile]:
    with HostileTenant() as server:
        yield Hostile(
            server,
            AzureEstate(server).connector(max_attempts=1, client_secret=_file(request, server.tenant.client_secret)),
        )


@contextmanager
def _gcp(_: pytest.FixtureRequest) -> Iterator[Hostile]:
    with gcp_server(load_estate()["gcp"]) as url, HostileProxy(url) as proxy:
        quick: dict[str, Any] = {"backoff": 0.001, "max_attempts": 1}
        settings = GcpSettings(
            endpoint_url=proxy.url, access_token=TOKEN, locations=("europe-west1",), resources="all", **quick
        )
        yield Hostile(proxy, GcpConnector("prod", settings))


@contextmanager
def _github(_: pytest.FixtureRequest) -> Iterator[Hostile]:
    fake = GithubServer(github.organization(), token=github.VALUE)
    with Server(fake, most=None) as server, HostileProxy(server.url) as proxy:
        yield Hostile(proxy, github.connector(proxy.url, **github.EVERYTHING, max_attempts=1))


@contextmanager
def _kubernetes(request: pytest.FixtureRequest) -> Iterator[Hostile]:
    with HostileProxy(request.getfixturevalue("kubernetes_url")) as proxy:
        yield Hostile(proxy, KubernetesConnector("prod", KubernetesSettings(url=proxy.url, token=TOKEN, secrets=True)))


@contextmanager
def _okta(request: pytest.FixtureRequest) -> Iterator[Hostile]:
    with okta.served() as url, HostileProxy(url) as proxy:
        token = _file(request, okta.VALUE)
        yield Hostile(proxy, okta.connector(proxy.url, token=token, max_attempts=1))


@contextmanager
def _openai(_: pytest.FixtureRequest) -> Iterator[Hostile]:
    with Server(openai.organization(), most=None) as server, HostileProxy(server.url) as proxy:
        yield Hostile(proxy, openai.connector(proxy.url, max_attempts=1))


@contextmanager
def _vault(request: pytest.FixtureRequest) -> Iterator[Hostile]:
    place = request.getfixturevalue("estate")
    with HostileProxy(place.server.url) as proxy:
        settings = VaultSettings(url=proxy.url, token=_file(request, place.server.token), namespace=place.namespace)
        yield Hostile(proxy, VaultConnector("prod", settings))


def _file(request: pytest.FixtureRequest, secret: str) -> SecretRef:
    """Where a secret lies that is another one in each run."""
    path: Path = request.getfixturevalue("tmp_path_factory").mktemp("secret") / "secret"
    path.write_text(secret)
    return SecretRef(file=str(path))


# AWS and LDAP answer in formats of their own: tests/connectors/aws/test_malformed.py, tests/connectors/ldap.
ESTATES: Mapping[str, Callable[[pytest.FixtureRequest], Any]] = {
    "anthropic": _anthropic,
    "azure": _azure,
    "gcp": _gcp,
    "github": _github,
    "kubernetes": _kubernetes,
    "okta": _okta,
    "openai": _openai,
    "vault": _vault,
}


@pytest.fixture(scope="module", params=sorted(ESTATES))
def hostile(request: pytest.FixtureRequest) -> Iterator[Hostile]:
    """Each provider after a healthy reading."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        with ESTATES[request.param](request) as made:
            read(made.connector)
            yield made


def test_every_connector_that_reads_json_is_tried() -> None:
    """A new one brings its estate here."""
    assert sorted({*ESTATES, "aws", "ldap"}) == sorted(NETWORKED)


@examples(4)
@given(data=st.data())
def test_any_part_of_any_answer_may_be_anything(hostile: Hostile, data: st.DataObject) -> None:
    """No exception, then or later: what was read can be judged, kept and reported."""
    learnt = hostile.answers.learnt
    asked = data.draw(st.sampled_from(sorted(learnt)))
    hostile.answers.instead = {asked: data.draw(mutated(learnt[asked]))}

    reported(read(hostile.connector))


@pytest.mark.parametrize("time", TIMES)
def test_times_may_be_none_that_can_be_compared(hostile: Hostile, time: str) -> None:
    """Wherever one is reported: it is of no zone, or lies beyond the years that there are."""
    hostile.answers.instead = {asked: with_times(answer, time) for asked, answer in hostile.answers.learnt.items()}

    reported(read(hostile.connector))
