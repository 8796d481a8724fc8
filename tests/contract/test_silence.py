"""Silence means nothing: what a provider that is dead, or answers without end, costs, and what is reported about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from connectors import testing
from connectors.anthropic.connector import AnthropicConnector
from connectors.anthropic.settings import AnthropicSettings
from connectors.aws.connector import AwsConnector
from connectors.aws.settings import AwsSettings
from connectors.azure.connector import AzureConnector
from connectors.azure.settings import AzureSettings
from connectors.catalog import connector_catalog
from connectors.core.contract import Connector
from connectors.gcp.connector import GcpConnector
from connectors.gcp.settings import GcpSettings
from connectors.github.connector import GithubConnector
from connectors.github.settings import GithubSettings
from connectors.kubernetes.connector import KubernetesConnector
from connectors.kubernetes.settings import KubernetesSettings
from connectors.ldap.connector import LdapConnector
from connectors.ldap.settings import LdapSettings
from connectors.okta.connector import OktaConnector
from connectors.okta.settings import OktaSettings
from connectors.openai.connector import OpenaiConnector
from connectors.openai.settings import OpenaiSettings
from connectors.testing import check_endless, check_not_the_api, read
from connectors.vault.connector import VaultConnector
from connectors.vault.settings import VaultSettings
from scanner.model import Coverage
from scanner.redaction.redact import SecretRef
from scanner.store.store import open_store
from tests.cli.conftest import Muster, muster
from tests.connectors.aws.conftest import aws, moto, running_proxy
from tests.connectors.aws.estate import Estate
from tests.processes import PATIENCE
from tests.servers.hostile_server import HostileServer
from tests.servers.moto_server import ENVIRONMENT

__all__ = ["aws", "moto", "muster", "running_proxy"]

TOKEN = "TOKEN_OF_NOBODY"
_TOKEN = SecretRef(env=TOKEN)
REFUSED = "http://127.0.0.1:1"
TENANT = "11111111-2222-3333-4444-555555555555"
NETWORKED = ("anthropic", "aws", "azure", "gcp", "github", "kubernetes", "ldap", "okta", "openai", "vault")
OVER_HTTP = tuple(name for name in NETWORKED if name != "ldap")
SOURCES = {
    "agent_config": "agent_config:path=missing.json",
    "anthropic": f"anthropic:endpoint_url={{url}},token=env:{TOKEN},max_attempts=2,backoff=0.001",
    "aws": "aws:endpoint_url={url},max_attempts=2,regions=eu-west-1",
    "azure": f"azure:endpoint_url={{url}},tenant_id={TENANT},access_token=env:{TOKEN},max_attempts=2,backoff=0.001",
    "file": "file:path=missing.csv",
    "gcp": f"gcp:endpoint_url={{url}},access_token=env:{TOKEN},max_attempts=2,backoff=0.001",
    "github": f"github:endpoint_url={{url}},organization=acme,token=env:{TOKEN},max_attempts=2,backoff=0.001",
    "kubernetes": f"kubernetes:url={{url}},token=env:{TOKEN},backoff=0.001",
    "ldap": "ldap:url=ldap://{at},timeout=1",
    "mysql": f"mysql:url=mysql://muster@{{at}}/,password=env:{TOKEN},timeout=1",
    "okta": f"okta:url={{url}},token=env:{TOKEN},max_attempts=2,backoff=0.001",
    "openai": f"openai:endpoint_url={{url}},token=env:{TOKEN},max_attempts=2,backoff=0.001",
    "postgresql": f"postgresql:url=postgresql://muster@{{at}}/,password=env:{TOKEN},timeout=1",
    "secrets_report": "secrets_report:path=missing.json",
    "vault": f"vault:url={{url}},token=env:{TOKEN},backoff=0.001",
}
"""Each connector as a source on the command line, at an address."""
DEADLINE = 1.0


def _source(name: str, url: str) -> str:
    return SOURCES[name].format(url=url, at=url.removeprefix("http://"))


def _by_ldap(url: str) -> str:
    """The address of a server, for a client that speaks LDAP to it."""
    return url.replace("http://", "ldap://")


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of no one."""
    monkeypatch.setenv(TOKEN, "of-nobody")
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(params=["refused", "page", "error"])
def dead(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a provider that answers nothing of use."""
    if request.param == "refused":
        yield REFUSED
        return
    with HostileServer(request.param) as server:
        yield server.url


def test_every_connector_is_tried() -> None:
    """A new one brings its source here."""
    assert sorted(SOURCES) == list(connector_catalog().names)


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_of_a_dead_provider_nothing_is_scanned(name: str, dead: str, muster: Muster, tmp_path: Path) -> None:
    """Exit 4, a reason, and nothing stored: no scan of no identities."""
    done = muster("scan", _source(name, dead))

    assert (done.code, done.out) == (4, "")
    assert "nothing could be scanned" in done.err
    with open_store(f"sqlite:///{tmp_path / 'muster.db'}") as store:
        assert not store.has_scans()


@pytest.mark.parametrize("name", NETWORKED)
def test_of_a_provider_that_says_only_empty_objects_nothing_is_scanned(
    name: str, muster: Muster, tmp_path: Path
) -> None:
    """A proxy that answers `{}` to all, with 200: no account, tenant, project or mount goes without a name."""
    with HostileServer("empty") as server:
        named = ["", ",projects=acme-prod", ",organization=1", ",folders=2"] if name == "gcp" else [""]
        for more in named:
            done = muster("scan", _source(name, server.url) + more)

            assert (more, done.code, done.out) == (more, 4, "")
            assert "nothing could be scanned" in done.err
    with open_store(f"sqlite:///{tmp_path / 'muster.db'}") as store:
        assert not store.has_scans()


_QUICK: dict[str, Any] = {"backoff": 0.001}
_TWICE: dict[str, Any] = {"max_attempts": 2, **_QUICK}
MADE: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "anthropic": (AnthropicConnector, AnthropicSettings, {"token": _TOKEN, **_TWICE}),
    "aws": (AwsConnector, AwsSettings, {"max_attempts": 2, "regions": ("eu-west-1",)}),
    "azure": (AzureConnector, AzureSettings, {"tenant_id": TENANT, "access_token": _TOKEN, **_TWICE}),
    "gcp": (GcpConnector, GcpSettings, {"access_token": _TOKEN, **_TWICE}),
    "github": (GithubConnector, GithubSettings, {"organization": "acme", "token": _TOKEN, **_TWICE}),
    "kubernetes": (KubernetesConnector, KubernetesSettings, {"token": _TOKEN, **_QUICK}),
    "ldap": (LdapConnector, LdapSettings, {"timeout": 1.0}),
    "okta": (OktaConnector, OktaSettings, {"token": _TOKEN, **_TWICE}),
    "openai": (OpenaiConnector, OpenaiSettings, {"token": _TOKEN, **_TWICE}),
    "vault": (VaultConnector, VaultSettings, {"token": _TOKEN, **_QUICK}),
}
"""Connector, settings, and what these say besides an address."""


def _connector(name: str, url: str) -> Connector:
    made, settings, given = MADE[name]
    address = "url" if hasattr(settings, "url") else "endpoint_url"  # a cluster has both, the second for its cloud
    connector: Connector = made("prod", settings(**{address: _by_ldap(url) if name == "ldap" else url}, **given))
    return connector


def _coverage(connector: Connector, deadline: float = DEADLINE) -> list[Coverage]:
    return [one for one in read(connector, deadline=deadline) if isinstance(one, Coverage)]


@pytest.mark.parametrize("check", [check_not_the_api, check_endless], ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", NETWORKED)
def test_no_section_is_complete_without_an_answer(name: str, check: Callable[[testing.Estate], None]) -> None:
    """As of any connector of another package: a page, an error, nothing, or an answer without end."""
    check(testing.Estate(make=lambda url: _connector(name, url), answers={}, secret="of-nobody", patience=0.5))


@pytest.mark.parametrize("name", ["azure", "gcp"])
def test_pages_without_end_are_a_gap(name: str) -> None:
    """Each leads to a new one; the time of a section ends it, and what comes after it is still tried."""
    with HostileServer("endless pages") as server:
        coverage = _coverage(_connector(name, server.url))

    ended = [one for one in coverage if "not done in the time for one section" in (one.detail or "")]
    assert ended != []
    assert {one.status for one in ended} <= {"failed", "partial"}


def test_pages_of_aws_without_end_are_a_gap(aws: Estate) -> None:
    """As for the others."""
    numbers = iter(range(10**9))
    lists = ("UserDetailList", "RoleDetailList", "GroupDetailList", "Policies")
    empty: dict[str, list[Any]] = {name: [] for name in lists}
    aws.proxy.made["iam:GetAccountAuthorizationDetails"] = lambda _: {
        **empty,
        "IsTruncated": True,
        "Marker": f"m{next(numbers)}",
    }

    # Some seconds for the users, and for the account's id before them: on a busy machine the server needs two for that.
    limits = structs.replace(testing.LIMITS, share=5 * DEADLINE / PATIENCE)
    records = read(aws.connector(regions=("eu-west-1",)), deadline=PATIENCE, limits=limits)
    coverage = {one.section: one for one in records if isinstance(one, Coverage)}

    assert coverage["iam.users"].status in ("failed", "partial")
    assert "not done in the time for one section" in str(coverage["iam.users"].detail)
    assert coverage["iam.credential_report"].status == "complete"
