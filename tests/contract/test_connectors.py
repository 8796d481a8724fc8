"""What every connector owes: declared sections and kinds, stable unique keys, honest coverage, no secret value."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.base import Connector, DiscoveredRecord, LeastPrivilege, Preflight, Scope
from connectors.catalog import connector_catalog
from connectors.fakes.azure.estate import add_user_assigned, run, trust_issuer
from connectors.fakes.azure.tenant import guid
from connectors.fakes.gcp.consumers import add_instance, add_run, add_secret
from connectors.fakes.gcp.identities import add_api_key, add_auth_provider, add_key
from connectors.fakes.gcp.usage import add_use
from connectors.file import FileConnector, FileSettings
from connectors.vault.connector import VaultConnector
from connectors.vault.settings import VaultSettings
from scanner.discovery.inventory import Reading, join
from scanner.model import ANY_KIND, Coverage, Identity
from scanner.redaction.redact import SecretRef
from tests.connectors.aws.conftest import aws, moto, running_proxy
from tests.connectors.aws.estate import Estate
from tests.connectors.azure.conftest import azure
from tests.connectors.azure.estate import AzureEstate
from tests.connectors.gcp.conftest import Place, place, start
from tests.pickled import pickled
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


def _azure(request: pytest.FixtureRequest) -> Connector:
    estate: AzureEstate = request.getfixturevalue("azure")
    tenant, estate.is_hostile = estate.tenant, True  # the service itself would never tell the secret
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


ESTATES: dict[str, Callable[[pytest.FixtureRequest], Connector]] = {
    "aws": _aws,
    "azure": _azure,
    "file": _file,
    "gcp": _gcp,
    "vault": _vault,
}


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


def _read(connector: Connector) -> list[DiscoveredRecord]:
    records: list[DiscoveredRecord] = []
    for scope in connector.scopes():
        if isinstance(scope, Scope):
            records += connector.discover(scope)
        else:
            records.append(scope)
    return records


def _joined(seen: Iterable[Identity]) -> tuple[Identity, ...]:
    """Units that see the same one from two sides tell of one."""
    return join([Reading(source="prod", scope="all", identities=tuple(seen))], {"prod": 0}).identities


def test_every_installed_connector_is_held_to_this() -> None:
    """A new one brings its estate here."""
    assert sorted(ESTATES) == list(connector_catalog().names)


def test_identities_are_of_declared_kinds_with_unique_keys(connector: Connector) -> None:
    """Keys join the scans of years, so no two things may share one."""
    seen = [record for record in _read(connector) if isinstance(record, Identity)]
    identities = _joined(seen)
    credentials = [credential.key for identity in identities for credential in identity.credentials]

    assert len(identities) >= 2
    assert len({(one.key, one.scope, one.kind, one.name, one.unique_id) for one in seen}) == len(identities)
    assert len(set(credentials)) == len(credentials)
    assert ANY_KIND in connector.spec.kinds or {one.kind for one in identities} <= set(connector.spec.kinds)
    assert {(one.source, one.name.strip() != "") for one in identities} == {("prod", True)}


def test_every_section_is_declared_and_reported_once(connector: Connector) -> None:
    """Coverage names sections of the spec, once for each place; a healthy estate has no gap."""
    coverage = [record for record in _read(connector) if isinstance(record, Coverage)]
    declared = {section.name for section in connector.spec.sections}

    assert {one.section.partition(":")[0] for one in coverage} <= declared
    assert len({(one.scope, one.section) for one in coverage}) == len(coverage)
    assert [(one.section, one.status, one.detail) for one in coverage if one.is_gap] == []
    assert sum(one.identities for one in coverage) >= 2


def test_the_same_estate_reads_the_same(connector: Connector) -> None:
    """What changes between two readings of a still estate would be news every night."""

    def still(record: DiscoveredRecord) -> Any:
        return msgspec.structs.replace(record, calls=0, detail=None) if isinstance(record, Coverage) else record

    first, second = ([still(record) for record in _read(connector)] for _ in range(2))

    assert sorted(map(repr, first)) == sorted(map(repr, second))


def test_no_secret_value_is_read(connector: Connector) -> None:
    """Neither records nor what the store would keep hold the planted value."""
    assert SECRET not in repr(_read(connector))


def test_sources_and_scopes_pickle(connector: Connector) -> None:
    """A scope can be read on another machine."""
    again = pickled(connector)
    scopes = [scope for scope in connector.scopes() if isinstance(scope, Scope)]

    assert type(again) is type(connector)
    assert pickled(scopes) == scopes


def test_what_was_read_whole_has_nothing_unread(connector: Connector) -> None:
    """The last scan's knowledge is only drawn on where a gap is."""
    identities = _joined(record for record in _read(connector) if isinstance(record, Identity))

    assert {identity.name: identity.unread for identity in identities if identity.unread} == {}


SDKS = {
    "aws": ("boto3", "botocore", "cryptography"),
    "azure": ("azure.identity", "azure.core"),
    "gcp": ("google.auth", "google.cloud.iam_admin_v1"),
    "vault": ("requests",),
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

    assert spec.name == name
    assert len({section.name for section in spec.sections}) == len(spec.sections)
    assert all(section.title and section.without for section in spec.sections)
    assert [section.name for section in spec.sections if not section.permissions and not section.optional] == []
    assert spec.settings.__struct_config__.forbid_unknown_fields
    assert issubclass(kind, Preflight)
    assert issubclass(kind, LeastPrivilege) == (spec.extra is not None)
