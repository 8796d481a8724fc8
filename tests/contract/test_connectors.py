"""What every connector owes: declared sections and kinds, stable unique keys, honest coverage, no secret value."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.agent_config.connector import AgentConfigConnector, AgentConfigSettings
from connectors.catalog import connector_catalog
from connectors.core.budget import Limits
from connectors.core.contract import Connector, LeastPrivilege, Preflight
from connectors.file.connector import FileConnector, FileSettings
from connectors.kubernetes.connector import KubernetesConnector
from connectors.kubernetes.settings import KubernetesSettings
from connectors.ldap.connector import LdapConnector
from connectors.secrets_report.connector import ReportConnector, ReportSettings
from connectors.testing import check_reading, check_spec
from connectors.vault.connector import VaultConnector
from connectors.vault.settings import VaultSettings
from scanner.demo.fakes.azure.estate import add_user_assigned, run, trust_issuer
from scanner.demo.fakes.azure.tenant import guid
from scanner.demo.fakes.gcp.consumers import add_instance, add_run, add_secret
from scanner.demo.fakes.gcp.identities import add_api_key, add_auth_provider, add_key
from scanner.demo.fakes.gcp.usage import add_use
from scanner.demo.fakes.kubernetes.authorizer import User
from scanner.demo.fakes.kubernetes.cluster import Cluster
from scanner.demo.fakes.kubernetes.server import KubernetesServer
from scanner.redaction.redact import SecretRef
from tests.connectors.agent_config import configs as agents
from tests.connectors.ai_vendors import fake as vendors
from tests.connectors.anthropic import estates as anthropic
from tests.connectors.aws.conftest import aws, moto, running_proxy
from tests.connectors.aws.estate import Estate
from tests.connectors.azure.conftest import azure
from tests.connectors.azure.estate import AzureEstate
from tests.connectors.gcp.conftest import Place, place, start
from tests.connectors.github import estates as github
from tests.connectors.github.fake import served
from tests.connectors.kubernetes.manifests import account, deployment, token
from tests.connectors.ldap.company import READS_WITH, company, company_settings
from tests.connectors.mysql import estates as mysql
from tests.connectors.okta import estates as okta
from tests.connectors.openai import estates as openai
from tests.connectors.postgresql import estates as postgresql
from tests.connectors.secrets_report import reports as leaks
from tests.servers import mariadb, postgres, slapd
from tests.servers.openbao import OpenBao

__all__ = ["aws", "azure", "moto", "place", "running_proxy", "start"]

SECRET = "the-value-that-nobody-may-see"  # planted, to be looked for
Made = tuple[type[Any], Connector]


def _aws(request: pytest.FixtureRequest) -> Connector:
    account: Estate = request.getfixturevalue("aws")
    account.iam.create_user(UserName="svc-a", Tags=[{"Key": "owner", "Value": "ada@example.com"}])
    account.iam.create_access_key(UserName="svc-a")
    account.iam.create_user(UserName="svc-b")
    account.moto.client("secretsmanager").create_secret(Name="s", SecretString=SECRET)
    return account.connector()


def _vault(request: pytest.FixtureRequest) -> Connector:
    server: OpenBao = request.getfixturevalue("openbao")
    request.getfixturevalue("monkeypatch").setenv("VAULT_TOKEN", server.token)
    return VaultConnector("prod", VaultSettings(url=server.url, token=SecretRef(env="VAULT_TOKEN")))


def _file(request: pytest.FixtureRequest) -> Connector:
    path: Path = request.getfixturevalue("tmp_path") / "bots.csv"
    path.write_text(f"name,kind,password\na,bot,{SECRET}\nb,agent,\n", encoding="utf-8")
    return FileConnector("prod", FileSettings(path=path))


def _agent_config(request: pytest.FixtureRequest) -> Connector:
    folder: Path = request.getfixturevalue("tmp_path")
    client = agents.server(args=["-y", "@acme/db-mcp", SECRET], env={"TOKEN": SECRET}, headers={"X-Key": SECRET})
    agents.written(folder, {"mcpServers": {"db": client}, "inputs": [SECRET]}, "shop/.cursor/mcp.json")
    agents.written(folder, agents.card(securitySchemes={"k": {"type": "apiKey", "name": SECRET}}), "agent-card.json")
    return AgentConfigConnector("prod", AgentConfigSettings(path=folder))


def _secrets_report(request: pytest.FixtureRequest) -> Connector:
    found = leaks.gitleaks(Match=SECRET, Message=SECRET, Entropy=SECRET)
    tried = leaks.trufflehog(RawV2=SECRET, SecretParts={"secret": SECRET}, StructuredData=SECRET)
    folder: Path = request.getfixturevalue("tmp_path")
    leaks.written(folder, [found, leaks.alert(secret_type_display_name=SECRET)], "leaks.json")
    leaks.written(folder, leaks.lines(SECRET, tried), "leaks.ndjson")
    return ReportConnector("prod", ReportSettings(path=folder))


def _azure(request: pytest.FixtureRequest) -> Connector:
    estate: AzureEstate = request.getfixturevalue("azure")
    tenant, estate.is_hostile = estate.tenant, True  # the service itself would never give the secret
    tenant.add_application("svc-a", passwordCredentials=[{"keyId": guid("key"), "secretText": SECRET}])
    tenant.add_application("svc-b", principal=False)
    tenant.add_management_group("corp")
    subscription = tenant.add_subscription("prod", group="corp")["subscriptionId"]
    reader = add_user_assigned(tenant, subscription, "reader", tags={"owner": "ada@example.com"})
    trust_issuer(
        tenant, reader, "ci", "https://token.actions.githubusercontent.com", "repo:tide/shop:ref:refs/heads/main"
    )
    run(tenant, subscription, "Microsoft.Web/sites", "shop", as_=[reader])
    tenant.assign_role(f"/subscriptions/{subscription}", guid("principal/svc-a"))
    return estate.connector()


def _gcp(request: pytest.FixtureRequest) -> Connector:
    place: Place = request.getfixturevalue("place")
    add_key(place.cloud, "acme-prod", "billing", "0a1b", privateKeyData=SECRET)
    add_api_key(place.cloud, "acme-prod", "maps", keyString=SECRET)
    held = {"twoLeggedOauth": {"clientId": "c", "clientSecret": SECRET}}
    add_auth_provider(place.cloud, "acme-prod", "europe-west1", "crm", authProviderTypeParams=held)
    variable = {"name": "PASSWORD", "value": SECRET}
    template = {"containers": [{"env": [variable]}]}
    add_run(place.cloud, "acme-prod", "shop", functionalType="FUNCTIONAL_TYPE_AGENT", template=template)
    add_instance(place.cloud, "acme-prod", "vm", metadata={"items": [{"key": "password", "value": SECRET}]})
    add_secret(place.cloud, "acme-prod", "db")
    add_use(place.cloud, "acme-prod", "billing", 3)
    return place.connector(resources="all")


def _github(request: pytest.FixtureRequest) -> Connector:
    request.getfixturevalue("monkeypatch").setenv(github.TOKEN, github.VALUE)
    url: str = request.getfixturevalue("github_url")
    return github.connector(url, **github.EVERYTHING)


def _kubernetes(request: pytest.FixtureRequest) -> Connector:
    request.getfixturevalue("monkeypatch").setenv("KUBERNETES_TOKEN", SECRET)
    url: str = request.getfixturevalue("kubernetes_url")
    return KubernetesConnector("prod", KubernetesSettings(url=url, secrets=True))


def _anthropic(request: pytest.FixtureRequest) -> Connector:
    for name, value in anthropic.VALUES.items():
        request.getfixturevalue("monkeypatch").setenv(name, value)
    url: str = request.getfixturevalue("anthropic_url")
    return anthropic.connector(url)


def _openai(request: pytest.FixtureRequest) -> Connector:
    patch = request.getfixturevalue("monkeypatch")
    patch.setenv(openai.TOKEN, openai.VALUE)
    patch.setenv(openai.AGENTS_TOKEN, openai.AGENTS_VALUE)
    url: str = request.getfixturevalue("openai_url")
    return openai.connector(url)


def _mysql(request: pytest.FixtureRequest) -> Connector:
    if reason := mariadb.missing():
        pytest.skip(reason)
    request.getfixturevalue("monkeypatch").setenv(mysql.VARIABLE, mysql.VALUE)
    server: mariadb.MariaDb = request.getfixturevalue("mariadb_server")
    return mysql.connector(server)


def _postgresql(request: pytest.FixtureRequest) -> Connector:
    if reason := postgres.missing():
        pytest.skip(reason)
    request.getfixturevalue("monkeypatch").setenv(postgresql.VARIABLE, postgresql.VALUE)
    server: postgres.Postgres = request.getfixturevalue("postgresql_server")
    return postgresql.connector(server)


def _ldap(request: pytest.FixtureRequest) -> Connector:
    server: slapd.Slapd = request.getfixturevalue("directory")
    request.getfixturevalue("monkeypatch").setenv("LDAP_PASSWORD", READS_WITH)
    return LdapConnector("prod", company_settings(server))


def _okta(request: pytest.FixtureRequest) -> Connector:
    request.getfixturevalue("monkeypatch").setenv(okta.VARIABLE, okta.VALUE)
    return okta.connector(request.getfixturevalue("okta_url"))


ESTATES: dict[str, Callable[[pytest.FixtureRequest], Connector]] = {
    "agent_config": _agent_config,
    "anthropic": _anthropic,
    "aws": _aws,
    "azure": _azure,
    "file": _file,
    "gcp": _gcp,
    "github": _github,
    "kubernetes": _kubernetes,
    "ldap": _ldap,
    "mysql": _mysql,
    "okta": _okta,
    "openai": _openai,
    "postgresql": _postgresql,
    "secrets_report": _secrets_report,
    "vault": _vault,
}


@pytest.fixture(scope="module")
def github_url() -> Iterator[str]:
    """An organization with secrets wherever GitHub could answer with any."""
    with served(github.organization(secret=SECRET), token=github.VALUE) as (_, url):
        yield url


@pytest.fixture(scope="module")
def anthropic_url() -> Iterator[str]:
    """An organization with secrets wherever Anthropic could answer with any."""
    with vendors.served(anthropic.organization(secret=SECRET)) as url:
        yield url


@pytest.fixture(scope="module")
def okta_url() -> Iterator[str]:
    """An organization with secrets wherever Okta could answer with any."""
    with okta.served(SECRET) as url:
        yield url


@pytest.fixture(scope="module")
def openai_url() -> Iterator[str]:
    """An organization with secrets wherever OpenAI could answer with any."""
    with vendors.served(openai.organization(secret=SECRET)) as url:
        yield url


@pytest.fixture(scope="module")
def mariadb_server() -> Iterator[mariadb.MariaDb]:
    """A server with secrets wherever one could be."""
    with mysql.running(SECRET) as server:
        yield server


@pytest.fixture(scope="module")
def postgresql_server() -> Iterator[postgres.Postgres]:
    """A server with secrets wherever one could be."""
    with postgresql.running(SECRET) as server:
        yield server


@pytest.fixture(scope="module")
def kubernetes_url() -> Iterator[str]:
    """A cluster with secrets wherever an object could hold one."""
    variable = {"name": "PASSWORD", "value": SECRET}
    hidden = {"kubectl.kubernetes.io/last-applied-configuration": SECRET}
    cluster = Cluster(
        [
            account("shop", "web", annotations=hidden),
            account("shop", "ci", secrets=("ci-token-abcde",)),
            deployment("shop", "web", "web", containers=[{"name": "c", "image": "i", "env": [variable]}]),
            token("shop", "web-token", "web", annotations=hidden),
        ]
    )
    with KubernetesServer(cluster, {SECRET: User("root", ("system:masters",))}) as server:
        yield server.url


@pytest.fixture(scope="module")
def directory() -> Iterator[slapd.Slapd]:
    """A directory with a secret as password, and in a description."""
    if (why := slapd.missing()) is not None:
        pytest.skip(why)
    with slapd.Slapd(company(SECRET)) as server:
        yield server


@pytest.fixture(scope="module")
def openbao() -> Iterator[OpenBao]:
    """A server with an approle and a secret in it."""
    with OpenBao() as server:
        client = server.client
        client.sys.enable_auth_method("approle")
        client.auth.approle.create_or_update_approle("svc-a", token_policies=["default"])
        client.auth.approle.generate_secret_id("svc-a")
        client.secrets.kv.v2.create_or_update_secret(path="s", secret={"value": SECRET})
        yield server


@pytest.fixture(params=sorted(ESTATES))
def connector(request: pytest.FixtureRequest) -> Connector:
    """Each connector with something to read."""
    return ESTATES[request.param](request)


def test_every_installed_connector_is_held_to_this() -> None:
    """A new one brings its estate here."""
    assert sorted(ESTATES) == list(connector_catalog().names)


def test_a_healthy_estate_is_read_whole(connector: Connector) -> None:
    """As any connector of another package: see ``check_reading``."""
    check_reading(connector, secret=SECRET, deadline=120.0, limits=Limits())


SDKS = {
    "anthropic": ("requests",),
    "aws": ("boto3", "botocore", "cryptography"),
    "azure": ("azure.identity", "azure.core"),
    "gcp": ("google.auth", "google.cloud.iam_admin_v1"),
    "github": ("requests", "cryptography"),
    "kubernetes": ("requests",),
    "ldap": ("cryptography",),
    "mysql": ("pymysql",),
    "okta": ("requests",),
    "openai": ("requests",),
    "postgresql": ("psycopg",),
    "vault": ("hvac",),
}
"""What each extra brings."""
WITHOUT = """
import sys
sys.modules.update(dict.fromkeys({packages!r}))
from connectors.catalog import connector_catalog
from scanner.errors import MissingExtra
kind = connector_catalog().load({name!r})
kind.base_policy()
try:
    kind("prod", kind.spec.settings())
except MissingExtra as error:
    print(error, error.hint)
"""


def test_every_extra_s_sdk_is_known() -> None:
    """A new connector with an extra says here what the extra brings."""
    catalog = connector_catalog()

    assert sorted(SDKS) == [name for name in catalog.names if catalog.load(name).spec.extra is not None]


@pytest.mark.parametrize("name", sorted(SDKS))
def test_without_its_sdk_a_connector_names_its_extra(name: str) -> None:
    """It imports, prints its policy, and says what to install when one is made; settings need no SDK."""
    extra = connector_catalog().load(name).spec.extra
    program = WITHOUT.format(packages=SDKS[name], name=name)

    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert f"source type {name} needs the extra '{extra}'" in said
    assert f"nhi-muster[{extra}]" in said


@pytest.mark.parametrize("name", sorted(ESTATES))
def test_the_spec_reports_what_is_needed_and_lost(name: str) -> None:
    """Docs, doctor, policy and a gap's advice are all made from it."""
    kind = connector_catalog().load(name)
    spec = kind.spec

    check_spec(kind)
    assert spec.name == name
    assert issubclass(kind, Preflight)
    assert issubclass(kind, LeastPrivilege) == (spec.extra is not None)
