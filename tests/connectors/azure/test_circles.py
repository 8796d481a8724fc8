"""Pages that lead back to one that was read: a list of them has no end, and must have one here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from connectors.azure.client.api import AzureApi
from connectors.azure.client.batch import graph_batch, resource_graph
from connectors.azure.client.errors import each_of
from connectors.core.contract import Malformed, Meter
from scanner.demo.fakes.azure.faults import Fault
from scanner.demo.fakes.azure.tenant import guid
from scanner.demo.fakes.azure.wire import Reply, Service
from tests.connectors.azure.estate import AzureEstate

PRINCIPALS, OWNERS = "/servicePrincipals", f"/servicePrincipals/{guid('a')}/owners"
ROLES = f"/subscriptions/{guid('prod')}/providers/Microsoft.Authorization/roleAssignments"
VAULT = "https://kv.vault.azure.net/"
Read = Callable[[AzureApi], Iterable[Any]]


def _by_sdk(api: AzureApi) -> Iterable[Any]:
    return each_of(api.role_client(guid("prod")).role_assignments.list_for_subscription(), "roles")


READS: dict[str, tuple[Service, str, str, Read]] = {
    "graph": ("graph", f"/v1.0{PRINCIPALS}", "@odata.nextLink", lambda api: api.graph_pages(PRINCIPALS)),
    "arm": ("arm", ROLES, "nextLink", lambda api: api.arm_pages(ROLES, api_version="2022-04-01")),
    "vault": ("vault", "/vault/kv/keys", "nextLink", lambda api: api.vault_pages(VAULT, "/keys")),
    "the SDK": ("arm", ROLES, "nextLink", _by_sdk),
}


@pytest.mark.parametrize("circle", [("x",), ("x", "y"), ("x", "y", "z")], ids=["itself", "two", "three"])
@pytest.mark.parametrize("read", READS)
def test_a_list_that_leads_round_in_a_circle_ends(
    azure: AzureEstate, api: AzureApi, meter: Meter, read: str, circle: tuple[str, ...]
) -> None:
    """With a failure, so that no one takes it for whole; no page is asked for twice."""
    service, path, link, listed = READS[read]
    azure.is_hostile = True
    for here, onward in (("", circle[0]), *zip(circle, (*circle[1:], circle[0]), strict=True)):
        url = f"{azure.server.url}{path}?$skiptoken={onward}"
        fault = Fault(service=service, path=_asked(path, here), reply=Reply(body={"value": [], link: url}))
        azure.server.faults.add(fault)

    with pytest.raises(Malformed, match="links back"):
        list(listed(api))
    assert meter.calls == 1 + len(circle)


def _asked(path: str, token: str) -> str:
    """The request for a page, as faults know it: the address of a vault begins after its prefix."""
    plain = path.removeprefix("/vault").replace("$", r"\$")
    return rf"{plain}\?.*skiptoken={token}" if token else rf"{plain}\?(?!.*skiptoken)"


@pytest.mark.parametrize("tokens", [("x", "x"), ("x", "y", "x")])
def test_a_query_whose_tokens_come_round_again_ends(
    azure: AzureEstate, api: AzureApi, meter: Meter, tokens: tuple[str, ...]
) -> None:
    """Resource Graph's pages go by a token in the body."""
    azure.is_hostile = True
    for token in tokens:
        reply = Reply(body={"data": [{"name": token}], "$skipToken": token})
        azure.server.faults.add(Fault(service="arm", path=".*", reply=reply, times=1))

    with pytest.raises(Malformed, match="links back"):
        list(resource_graph(api, "resources | order by id asc"))
    assert meter.calls == len(tokens)


def test_a_list_inside_a_batch_that_leads_round_in_a_circle_is_its_failure(azure: AzureEstate, api: AzureApi) -> None:
    """And none of the others'."""
    azure.is_hostile = True
    for token, onward in (("y", "x"), ("", "y")):
        url = f"{azure.server.url}/v1.0{OWNERS}?$skiptoken={onward}"
        reply = Reply(body={"value": [], "@odata.nextLink": url})
        azure.server.faults.add(Fault(service="graph", path=rf"/v1.0{OWNERS}\?.*{token}", reply=reply))
    fine = f"/applications/{azure.tenant.add_application('fine')['id']}/owners"

    answers = dict(graph_batch(api, [OWNERS, fine]))

    assert isinstance(answers[OWNERS], Malformed)
    assert answers[fine] == []
