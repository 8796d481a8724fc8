"""Lists in pages: followed to their end, on the same host only, and begun again where a link has expired."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from connectors.azure.client.api import AzureApi
from connectors.azure.client.batch import resource_graph
from connectors.azure.client.errors import ExpiredPage
from connectors.azure.client.requests import Forbidden, request_of
from connectors.core.contract import Malformed, Meter
from scanner.demo.fakes.azure.faults import Fault
from scanner.demo.fakes.azure.wire import Reply
from scanner.errors import SourceError, Unreachable
from tests.connectors.azure.estate import AzureEstate

PRINCIPALS = "/servicePrincipals"
VAULT = "https://kv-shop.vault.azure.net/"
RESOURCES = "resources | order by id asc"


def _names(pages: Any) -> list[str]:
    return [msgspec.json.decode(row)["displayName"] for page in pages for row in page]


def _seed(azure: AzureEstate, many: int) -> list[str]:
    names = [f"svc-{number}" for number in range(many)]
    for name in names:
        azure.tenant.add_service_principal(name)
    return names


@pytest.mark.parametrize(("largest", "calls"), [(None, 1), (3, 4), (1, 10), (10, 1)])
def test_a_list_is_followed_to_its_end(
    azure: AzureEstate, api: AzureApi, meter: Meter, largest: int, calls: int
) -> None:
    """Whatever the size of its pages."""
    names = _seed(azure, 10)
    azure.server.pages.largest = largest

    assert _names(api.graph_pages(PRINCIPALS, params={"$top": 999, "$select": "id,displayName"})) == names
    assert meter.calls == calls


def test_headers_are_sent_with_every_page(azure: AzureEstate, api: AzureApi) -> None:
    """Advanced queries lose their meaning on later pages without theirs."""
    _seed(azure, 3)
    azure.server.pages.largest = 1

    list(api.graph_pages(PRINCIPALS, headers={"ConsistencyLevel": "eventual"}))

    assert [call.headers["consistencylevel"] for call in azure.server.log] == ["eventual"] * 3
    assert {call.headers["x-ms-throttle-priority"] for call in azure.server.log} == {"low"}


def test_a_page_on_another_host_is_refused(azure: AzureEstate, api: AzureApi) -> None:
    """The token would go wherever the link says."""
    _seed(azure, 2)
    azure.server.pages.largest, azure.server.pages.foreign_host = 1, "https://elsewhere.example"
    pages = api.graph_pages(PRINCIPALS)

    assert len(next(pages)) == 1
    with pytest.raises(Forbidden, match=r"elsewhere\.example is not the endpoint of graph"):
        next(pages)


@pytest.mark.parametrize(
    "link",
    [
        "{url}/v1.0/me/messages",
        "{url}/v1.0/servicePrincipals/../users",
        "{url}/v1.0/servicePrincipals/%2e%2e/users",
        "{url}/beta/servicePrincipals",
        "{url}/v2.0/servicePrincipals",
        "{url}/subscriptions",
        "{url}@elsewhere.example/v1.0/servicePrincipals",
        "http://localhost/v1.0/servicePrincipals",
        "/v1.0/servicePrincipals",
        "javascript:alert(1)",
        "https://[",
    ],
)
def test_a_link_leads_to_nothing_but_allowed_requests(azure: AzureEstate, api: AzureApi, link: str) -> None:
    """An answer cannot make us ask what we would not ask."""
    body = {"value": [], "@odata.nextLink": link.format(url=azure.server.url)}
    azure.server.faults.add(Fault(service="graph", path=".*", reply=Reply(body=body), times=1))

    with pytest.raises(Forbidden):
        list(api.graph_pages(PRINCIPALS))
    assert len(azure.server.log) == 1


def test_an_expired_link_begins_the_list_again_once(azure: AzureEstate, api: AzureApi, meter: Meter) -> None:
    """And no row is given twice."""
    names = _seed(azure, 6)
    azure.server.pages.largest = 2
    pages = api.graph_pages(PRINCIPALS)
    first = next(pages)
    azure.server.pages.expire()

    assert _names([first, *pages]) == names
    assert meter.calls == 1 + 1 + 3


def test_a_list_whose_links_keep_expiring_ends_as_a_failure(azure: AzureEstate, api: AzureApi) -> None:
    """What was given until then stays."""
    _seed(azure, 6)
    azure.server.pages.largest = 2
    pages = api.graph_pages(PRINCIPALS)

    for _ in range(2):
        next(pages)
        azure.server.pages.expire()
    with pytest.raises(ExpiredPage):
        next(pages)


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        (b"<html>welcome</html>", Unreachable, "not JSON"),
        (b"", Unreachable, "not JSON"),
        (b"\xff\xfe", Unreachable, "not JSON"),
        (b'{"value": ' + b"[" * 5000, Unreachable, "not JSON"),
        ({"value": None}, Malformed, "unexpected structure"),
        ({"error": {}}, Malformed, "unexpected structure"),
        ([], Malformed, "unexpected structure"),
        ({"value": [], "@odata.nextLink": 7}, Malformed, "unexpected structure"),
    ],
)
def test_an_answer_that_is_none_is_reported_as_such(
    azure: AzureEstate, api: AzureApi, body: Any, error: type[SourceError], words: str
) -> None:
    """A portal's page with status 200 is no empty list."""
    azure.server.faults.add(Fault(service="graph", path=".*", reply=Reply(body=body)))

    with pytest.raises(error, match=words):
        list(api.graph_pages(PRINCIPALS))


def test_vaults_give_pages_of_twenty_five(azure: AzureEstate, api: AzureApi, meter: Meter) -> None:
    """They refuse to give more."""
    azure.tenant.vault_items["kv-shop"] = {"secrets": [{"id": f"{VAULT}secrets/s{number}"} for number in range(30)]}

    assert [len(page) for page in api.vault_pages(VAULT, "/secrets")] == [25, 5]
    assert meter.calls == 2


@pytest.mark.parametrize(
    "path", ["/secrets/s1", "/secrets/s1/0123", "/secrets/s1/backup", "/deletedsecrets", "/keys/k/sign"]
)
def test_no_value_of_a_secret_can_be_asked_for(azure: AzureEstate, api: AzureApi, path: str) -> None:
    """Not by any path, whatever a vault's own links say."""
    with pytest.raises(Forbidden):
        list(api.vault_pages(VAULT, path))
    assert azure.server.log == []


@pytest.mark.parametrize(
    "uri",
    ["https://kv.vault.azure.net.example.com/", "https://example.com/", "http://kv.vault.azure.net/",
     "https://vault.azure.net/", "https://a.b.vault.azure.net/", "https://kv.vault.azure.net:444/",
     "https://u@kv.vault.azure.net/", "", "kv"],
)  # fmt: skip
def test_a_vault_elsewhere_is_refused(azure: AzureEstate, uri: str) -> None:
    """Its address is a server's answer, and the token would go there."""
    with azure.api(endpoint_url=None) as api, pytest.raises(Forbidden, match="not a key vault of this cloud"):
        list(api.vault_pages(uri, "/secrets"))


@pytest.mark.parametrize(
    ("uri", "asked"),
    [
        ("https://kv.vault.azure.net/", "/vault/kv/secrets"),
        ("https://elsewhere.example/kv", "/vault/elsewhere/secrets"),
        ("{url}/vault/kv/", "/vault/kv/secrets"),
        ("{url}/some/kv", "/some/kv/secrets"),
        ("{url}", "/secrets"),
    ],
)
def test_where_one_address_stands_in_a_vault_is_there(azure: AzureEstate, uri: str, asked: str) -> None:
    """At its own path if it says one there, else below ``/vault``."""
    endpoints, url = azure.settings().endpoints, uri.format(url=azure.server.url)

    with azure.api() as api:
        assert api.vault_address(url) + "/secrets" == azure.server.url + asked
    assert request_of(endpoints, "vault", "GET", azure.server.url + asked).path == "/secrets"


@pytest.mark.parametrize(
    "path",
    ["/some/kv/secrets/a", "/some/kv/secrets/secrets", "/secrets/a/keys", "/some/%73ecrets/a/secrets",
     "/some/../secrets", "/vault/secrets/secrets/a", "/vault/../secrets", "/vault//secrets",
     "/some/kv", "/some/Secrets/a/secrets"],
)  # fmt: skip
def test_no_path_there_leads_to_a_value(azure: AzureEstate, path: str) -> None:
    """Whatever a vault's address says that it is called."""
    with pytest.raises(Forbidden):
        request_of(azure.settings().endpoints, "vault", "GET", azure.server.url + path)


def test_an_address_that_is_none_is_refused(api: AzureApi) -> None:
    """Also where one address stands in for all vaults."""
    with pytest.raises(Forbidden):
        list(api.vault_pages("https://[", "/secrets"))


def test_a_query_is_followed_to_its_end(azure: AzureEstate, api: AzureApi, meter: Meter) -> None:
    """Resource Graph's pages go by a token in the body."""
    here, there = (azure.tenant.add_subscription(name)["subscriptionId"] for name in ("prod", "test"))
    for number in range(5):
        azure.tenant.add_resource(here, "Microsoft.Web/sites", f"site-{number}")
    azure.tenant.add_resource(there, "Microsoft.Web/sites", "elsewhere")
    azure.tenant.resource_graph_page = 2

    rows = [msgspec.json.decode(row)["name"] for row in resource_graph(api, RESOURCES, subscriptions=[here])]

    assert rows == [f"site-{number}" for number in range(5)]
    assert meter.calls == 3


def test_a_query_that_was_cut_off_says_so(azure: AzureEstate, api: AzureApi) -> None:
    """What was given is kept; that it was all is not claimed."""
    body = {"data": [{"name": "a"}], "resultTruncated": "true"}
    azure.server.faults.add(Fault(service="arm", path=".*", reply=Reply(body=body)))
    rows = resource_graph(api, RESOURCES)

    assert bytes(next(rows)) == b'{"name": "a"}'
    with pytest.raises(SourceError, match="truncated"):
        next(rows)
