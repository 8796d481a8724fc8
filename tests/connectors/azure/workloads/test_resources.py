"""One subscription from end to end: what is found, at what cost, and what is said where it cannot be."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scanner.demo.fakes.azure.estate import add_user_assigned, run
from scanner.demo.fakes.azure.tenant import guid
from scanner.model import Assignment, Coverage, Identity, Workload
from tests.connectors.azure.estate import AzureEstate
from tests.connectors.azure.workloads.conftest import CLUSTERS, IDENTITIES, MINE, SITES, Subscription

_DEFAULT = "/providers/microsoft.managedidentity/identities/default"


def test_identities_carry_the_tags_of_what_they_are(full: Subscription) -> None:
    """A user-assigned one its own, another one those of its resource; with the subscription's name."""
    found = {one.name: one for one in full.records(Identity)}

    assert sorted(found) == ["Deployer", "Shop", "aks", "idle"]
    assert (found["Deployer"].tags, found["Shop"].tags) == ({"owner": "ada@example.com"}, {"env": "prod"})
    assert {one.attributes["scope_name"] for one in found.values()} == {"prod"}
    assert (found["Shop"].attributes["assigned"], found["Shop"].attributes["resource"]) == ("system", "function_app")
    assert found["Deployer"].unique_id == guid(f"principal/{full.arm_id(IDENTITIES, 'Deployer')}")


def test_the_directory_and_the_subscription_say_of_the_same_identities(full: Subscription) -> None:
    """Their records are joined by key, and must agree in what distinguishes them."""
    seen: dict[str, list[Identity]] = {}
    for one in full.read():
        if isinstance(one, Identity):
            seen.setdefault(one.key, []).append(one)

    assert [len(views) for views in seen.values()] == [2, 2, 2, 2]
    for views in seen.values():
        assert len({(one.scope, one.kind, one.name, one.unique_id) for one in views}) == 1


def test_a_resource_runs_as_its_own_identity_and_as_those_it_is_given(full: Subscription) -> None:
    """By the keys that these have."""
    found = {one.name: one for one in full.records(Workload)}

    assert sorted(found) == ["Shop", "aks"]
    assert found["Shop"].runs_as == (
        full.arm_id(IDENTITIES, "Deployer").lower(),
        full.arm_id(SITES, "Shop").lower() + _DEFAULT,
    )
    assert (found["Shop"].key, found["Shop"].kind) == (full.arm_id(SITES, "Shop").lower(), "function_app")


def test_the_case_of_an_id_makes_no_difference(empty: Subscription) -> None:
    """Azure writes the same id in several ways."""
    row = add_user_assigned(empty.tenant, empty.here, "Deployer")
    run(empty.tenant, empty.here, SITES, "shop", own=False, as_=[row | {"id": row["id"].upper()}])

    (workload,) = empty.records(Workload)

    assert workload.runs_as == (row["id"].lower(),)
    assert [one.key for one in empty.records(Identity)] == [row["id"].lower()]


@pytest.mark.parametrize(("users", "vaults"), [(0, 0), (3, 0), (0, 4), (5, 2)])
def test_no_request_is_made_that_could_be_spared(empty: Subscription, users: int, vaults: int) -> None:
    """One query for all resources; one list for each user-assigned identity, and three for each vault.

    Where the query finds nothing, three lists show whether that is so.
    """
    for number in range(users):
        add_user_assigned(empty.tenant, empty.here, f"user-{number}")
    for number in range(vaults):
        empty.tenant.add_vault(empty.here, f"vault-{number}")
        run(empty.tenant, empty.here, SITES, f"site-{number}")

    coverage = empty.coverage()

    lists = 0 if users or vaults else 3
    assert sum(coverage[name].calls for name in MINE) == 1 + lists + users + 3 * vaults
    assert sum(one.calls for one in coverage.values()) + 1 == len(empty.server.log)


@pytest.mark.parametrize("facts", [{"workers": 1}, {"workers": 8}])
def test_how_many_ask_at_once_changes_nothing(full: Subscription, facts: dict[str, Any]) -> None:
    """Neither what is found nor its order."""
    assert list(map(repr, full.of_unit(**facts))) == list(map(repr, full.of_unit()))


def test_how_long_its_pages_are_changes_nothing(full: Subscription) -> None:
    """No row is lost between them, nor reported twice."""
    before = [repr(one) for one in full.of_unit() if not isinstance(one, Coverage)]
    full.tenant.resource_graph_page = 1

    assert [repr(one) for one in full.of_unit() if not isinstance(one, Coverage)] == before


def test_seeing_nothing_is_said_to_be_no_proof(empty: Subscription) -> None:
    """Resource Graph gives an empty answer where the right is missing."""
    assert "right to read them is missing" in str(empty.coverage()["arm.managed_identities"].detail)


def test_no_setting_of_a_resource_is_asked_for(full: Subscription) -> None:
    """The query names what it wants: settings hold other people's secrets."""
    run(full.tenant, full.here, SITES, "leaky", properties={"siteConfig": {"appSettings": "the-planted-value"}})
    records = list(full.of_unit())

    queries = [json.dumps(call.body) for call in full.server.log if "ResourceGraph" in call.path]
    assert not any(", properties," in query and "resourcecontainers" not in query for query in queries)
    assert "the-planted-value" not in repr(records)


def test_a_federation_that_cannot_be_read_leaves_its_facts_uncertain(full: Subscription) -> None:
    """Of that identity only."""
    full.server.faults.deny("arm", ".*/Deployer/federatedIdentityCredentials")

    unread = {one.name: one.unread for one in full.records(Identity) if one.unread}

    assert unread == {"Deployer": ("credentials", "trusts")}
    gap = full.coverage()["arm.federated_credentials"]
    assert (gap.status, "1 of 2 identities not read: Deployer" in str(gap.detail)) == ("partial", True)


def test_an_agent_s_identity_is_known_for_one_wherever_it_lies(azure: AzureEstate) -> None:
    """One of another subscription, too, which may not be readable."""
    estate = Subscription(azure)
    other = azure.tenant.add_subscription("shared")["subscriptionId"]
    theirs = add_user_assigned(azure.tenant, other, "shared-agent")
    own = add_user_assigned(azure.tenant, estate.here, "agent")
    run(azure.tenant, estate.here, "Microsoft.App/agents", "sre", own=False, as_=[theirs, own])
    run(azure.tenant, estate.here, SITES, "shop", own=False, as_=[theirs])

    found = {one.name: one for one in estate.records(Identity)}

    assert sorted(found) == ["agent", "shared-agent"]
    assert (found["shared-agent"].scope, found["shared-agent"].key) == (other, theirs["id"].lower())
    assert found["shared-agent"].unique_id == theirs["properties"]["principalId"]
    for one in found.values():
        assert [(signal.strength, signal.evidence) for signal in one.signals if signal.says == "agent"] == [
            ("strong", "the Azure SRE Agent sre runs as it")
        ]


def test_a_cluster_s_nodes_and_a_bot_name_their_identities_elsewhere(empty: Subscription) -> None:
    """The kubelet's is in the cluster's properties; a bot is an application, or a managed identity."""
    kubelet = add_user_assigned(empty.tenant, empty.here, "kubelet")
    profile = {"identityProfile": {"kubeletidentity": {"resourceId": kubelet["id"]}}}
    run(empty.tenant, empty.here, CLUSTERS, "aks", own=False, properties=profile)
    bots = "Microsoft.BotService/botServices"
    client = guid("client/bot")
    empty.tenant.add_resource(empty.here, bots, "plain", properties={"msaAppId": client})
    managed = {"msaAppId": client, "msaAppMSIResourceId": kubelet["id"]}
    empty.tenant.add_resource(empty.here, bots, "managed", properties=managed)

    runs_as = {one.name: one.runs_as for one in empty.records(Workload)}

    assert runs_as == {
        "aks": (kubelet["id"].lower(),),
        "managed": (kubelet["id"].lower(),),
        "plain": (f"azure://{empty.tenant.id}/applications/{client}",),
    }


def test_policies_of_vaults_that_go_by_roles_are_no_rights(full: Subscription) -> None:
    """Azure does not look at them."""
    full.tenant.resources[-1]["properties"]["enableRbacAuthorization"] = True

    assert [one for one in full.records(Assignment) if one.grant.via == "access policy"] == []
