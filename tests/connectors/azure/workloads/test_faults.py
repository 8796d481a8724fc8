"""What goes wrong in one subscription: each failure is a gap of its own sections, and the rest is read."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.demo.fakes.azure.estate import add_user_assigned, put, run, trust_issuer
from scanner.demo.fakes.azure.faults import Fault
from scanner.demo.fakes.azure.tenant import guid
from scanner.demo.fakes.azure.wire import Reply
from scanner.model import Coverage, Identity, StoredSecret, Workload
from tests.connectors.azure.workloads.conftest import GITHUB, GRAPH, IDENTITIES, MINE, SITES, Subscription


def test_without_resource_graph_the_resource_manager_lists_the_same(full: Subscription) -> None:
    """But for what it does not report on workloads, which is a gap."""
    before = {repr(one) for one in full.records(StoredSecret)} | {one.key for one in full.records(Identity)}
    full.server.faults.deny("arm", GRAPH)

    after = {repr(one) for one in full.records(StoredSecret)} | {one.key for one in full.records(Identity)}
    coverage = full.coverage()

    assert after == before
    assert {name: one.status for name, one in coverage.items() if one.is_gap} == {"arm.workloads": "partial"}
    assert "was used instead" in str(coverage["arm.managed_identities"].detail)
    assert [one.name for one in full.records(Workload)] == ["Shop", "aks"]


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_query_that_finds_nothing_is_not_trusted(full: Subscription, *, elsewhere: bool) -> None:
    """Resource Graph lags behind. Rows of another subscription are nothing, too."""
    before = {one.key for one in full.records(Identity)}
    row = {"id": "/subscriptions/x/resourceGroups/r/providers/m/t/d", "name": "d", "type": "Microsoft.Compute/disks"}
    data = [row] if elsewhere else []
    full.is_hostile = elsewhere
    reply = Reply(body={"data": data, "totalRecords": 0, "count": 0, "facets": [], "resultTruncated": "false"})
    full.server.faults.add(Fault(service="arm", path=GRAPH, reply=reply))
    facts = {"subscriptions": (full.here,)}

    coverage = full.coverage(**facts)

    assert {one.key for one in full.records(Identity, **facts)} == before
    assert coverage["arm.workloads"].status == "partial"


def test_a_subscription_with_nothing_in_it_is_no_gap(empty: Subscription) -> None:
    """Where the lists of the resource manager say the same."""
    assert [one.section for one in empty.coverage().values() if one.is_gap] == []


@pytest.mark.parametrize(
    ("path", "section", "permission"),
    [
        (f"/subscriptions/.*/{IDENTITIES}\\?", "arm.managed_identities",
         "Microsoft.ManagedIdentity/userAssignedIdentities/read"),
        ("/subscriptions/[^/]*/resources", "arm.workloads", "Microsoft.Resources/subscriptions/resources/read"),
        ("/subscriptions/.*/Microsoft.KeyVault/vaults", "vault.vaults", "Microsoft.KeyVault/vaults/read"),
    ],
)  # fmt: skip
def test_without_either_list_it_is_a_gap_that_says_what_is_missing(
    full: Subscription, path: str, section: str, permission: str
) -> None:
    """Of that section, and of what hangs on it."""
    full.server.faults.deny("arm", GRAPH)
    full.server.faults.deny("arm", path)

    gap = full.coverage()[section]

    assert (gap.status, gap.permission) == ("denied", permission)


def test_without_a_list_of_vaults_nothing_is_claimed_of_what_they_hold(full: Subscription) -> None:
    """It was not tried."""
    full.server.faults.deny("arm", GRAPH)
    full.server.faults.deny("arm", ".*/vaults")

    coverage = full.coverage()

    assert {coverage[name].status for name in ("vault.secrets", "vault.keys", "vault.certificates")} == {"skipped"}
    assert full.server.asked("vault") == []


def test_what_a_failing_query_gave_first_is_kept(full: Subscription) -> None:
    """And every section that it serves says that this may not be all."""
    full.tenant.resource_graph_page = 5
    full.server.faults.add(Fault(service="arm", path=GRAPH, reply=Reply(status=500, body={}), after=1))
    full.server.faults.deny("arm", f"/subscriptions/[^/]*/(resources|providers/({IDENTITIES}|[^/]*/vaults))")

    records = list(full.of_unit(subscriptions=(full.here,)))
    gaps = {one.section: one.status for one in records if isinstance(one, Coverage) and one.is_gap}

    assert {one.name for one in records if isinstance(one, Identity)} >= {"Deployer", "idle", "aks"}
    assert gaps["arm.managed_identities"] == gaps["arm.workloads"] == "partial"
    assert "vault.secrets" not in gaps


def test_a_row_that_comes_twice_is_counted_once(full: Subscription) -> None:
    """Rows move from page to page where something is made or deleted meanwhile; a vault is not asked twice then."""
    full.tenant.resources.extend(list(full.tenant.resources))

    coverage = full.coverage()

    assert (coverage["vault.vaults"].identities, coverage["arm.managed_identities"].identities) == (2, 2)
    assert len([call for call in full.server.asked("vault") if "/secrets" in call]) == 2


def test_a_row_that_cannot_be_understood_is_a_gap_of_its_own_section(full: Subscription) -> None:
    """The others are read, and the other sections are complete."""
    full.tenant.add_vault(full.here, "odd", vaultUri=7)
    run(full.tenant, full.here, SITES, "\x1b[31modd")["identity"] = {"principalId": []}

    coverage = full.coverage()

    gaps = {name: (one.status, one.identities) for name, one in coverage.items() if one.is_gap}
    assert gaps == {"vault.vaults": ("partial", 2), "arm.workloads": ("partial", 2)}
    assert all(str(one.detail).isprintable() for one in coverage.values())


def test_a_row_of_another_subscription_is_refused(empty: Subscription) -> None:
    """It is not this unit's, no matter who answered with it."""
    other = guid("subscription/elsewhere")
    row = empty.tenant.add_resource(empty.here, SITES, "shop", identity={"principalId": guid("x")})
    row["id"] = row["id"].replace(empty.here, other)

    coverage = empty.coverage()

    assert empty.records(Workload) == []
    assert "another subscription" in str(coverage["arm.workloads"].detail)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(None, id="breaks off"),
        pytest.param(Reply(status=500, body={}), id="fails"),
        pytest.param(Reply(status=404, body={"error": {"code": "X"}}), id="not there"),
        pytest.param(Reply(status=200, body=b"<html>"), id="no JSON"),
        pytest.param(Reply(status=200, body={"value": {}, "data": 1}), id="another shape"),
        pytest.param(Reply(status=200, body={"value": [None, 1, "x", []], "data": [None]}), id="other rows"),
    ],
)
@pytest.mark.parametrize(
    ("service", "path", "sections"),
    [
        ("arm", f"{GRAPH}|/subscriptions/[^/]*/(resources|providers/({IDENTITIES}\\?|[^/]*/vaults\\?))", MINE),
        ("arm", ".*/federatedIdentityCredentials", ("arm.federated_credentials",)),
        ("vault", ".*/secrets", MINE[4:]),
        ("vault", ".*/keys", MINE[5:]),
        ("vault", ".*/certificates", MINE[6:]),
    ],
)
def test_whatever_is_answered_only_its_own_sections_are_gaps(
    full: Subscription, service: Any, path: str, sections: tuple[str, ...], reply: Reply | None
) -> None:
    """No answer is taken for an empty one, unless it says that a thing has gone."""
    full.server.faults.add(Fault(service=service, path=path, reply=reply))

    records = list(full.of_unit(subscriptions=(full.here,)))
    coverage = {one.section: one for one in records if isinstance(one, Coverage)}

    has_gone = reply is not None and reply.status == 404 and len(sections) < len(MINE)
    gaps = {name for name, one in coverage.items() if one.is_gap}
    assert gaps <= set(sections)
    assert (sections[0] in gaps) is not has_gone
    assert set(MINE) <= coverage.keys()


@pytest.mark.parametrize(
    "name", ["=cmd()|x", "<img src=x onerror=alert(1)>", "\x1b[2Jx", "../../etc", "\u202eevil", "a" * 3000, "x\nINFO y"]
)
def test_hostile_names_break_nothing(empty: Subscription, name: str) -> None:
    """They are kept as they are, and never lead to another request."""
    row = add_user_assigned(empty.tenant, empty.here, "ok", tags={name: name})
    run(empty.tenant, empty.here, SITES, "shop", as_=[row], tags={name: name})["name"] = name
    empty.tenant.add_vault(empty.here, "kv", vaultUri=f"https://{name}/")

    records = list(empty.of_unit())

    assert {one.name for one in records if isinstance(one, Identity)} == {"ok", "shop"}
    assert [one.name for one in records if isinstance(one, Workload)] == [name]
    assert all(str(one.detail).isprintable() for one in records if isinstance(one, Coverage))
    assert not any(isinstance(one, StoredSecret) for one in records)


def test_a_list_that_ends_early_keeps_what_was_read(empty: Subscription) -> None:
    """And says that it is not all: of a vault, and of an identity's federated credentials."""
    user = add_user_assigned(empty.tenant, empty.here, "deployer")
    empty.tenant.add_vault(empty.here, "kv")
    for number in range(4):
        trust_issuer(empty.tenant, user, f"c-{number}", GITHUB, f"repo:{number}")
        put(empty.tenant, "kv", "secrets", f"s-{number}")
    empty.server.pages.largest = 2
    failing = Reply(status=500, body={})
    empty.server.faults.add(Fault(service="vault", path=".*/secrets", reply=failing, after=1))
    empty.server.faults.add(Fault(service="arm", path=".*/federatedIdentityCredentials", reply=failing, after=1))

    records = list(empty.of_unit())
    (identity,) = (one for one in records if isinstance(one, Identity))
    gaps = {one.section: (one.status, one.identities) for one in records if isinstance(one, Coverage) and one.is_gap}

    assert gaps == {"arm.federated_credentials": ("partial", 2), "vault.secrets": ("partial", 2)}
    assert [one.name for one in records if isinstance(one, StoredSecret)] == ["s-0", "s-1"]
    assert (len(identity.credentials), identity.unread) == (2, ("credentials", "trusts"))
