"""Rights as they are read: in bulk, place by place, and with whatever is in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from msgspec import structs

from connectors.core.contract import DiscoveredRecord, Meter, Scope
from connectors.gcp.keys import service_agent_key
from connectors.gcp.reader import GcpReader
from connectors.gcp.rights.judging import NOT_LISTED
from connectors.gcp.rights.reading import read_rights
from scanner.demo.fakes.gcp.cloud import Cloud
from scanner.demo.fakes.gcp.faults import Refused
from scanner.demo.fakes.gcp.roles import add_role
from scanner.model import POTENTIAL, Assignment, Coverage, Identity
from tests.connectors.gcp.conftest import Place
from tests.connectors.gcp.discovery import check_answer
from tests.connectors.gcp.estate import without_bulk
from tests.connectors.gcp.rights.company import (
    AGENT,
    NUMBER,
    ORGANIZATION,
    OURS,
    POOL_USER,
    SUBJECT,
    TOKEN_CREATOR,
    USER,
    bind,
    company,
    deny,
    entitle,
)
from tests.connectors.gcp.rights.estate import BILLING, BUILDER, DEPLOYER, key_of

DENY = "/v2/policies/cloudresourcemanager.googleapis.com%2Fprojects%2Facme-prod"
EVERY_PROD = key_of("*")


@pytest.fixture
def place(start: Callable[[Cloud], Place]) -> Place:
    """The company, running."""
    return start(company())


def _assignments(records: Iterable[DiscoveredRecord]) -> dict[tuple[str, str, str], Assignment]:
    """By holder, role and resource."""
    return {
        (one.holder, one.grant.name, one.grant.resource or ""): one for one in records if isinstance(one, Assignment)
    }


def _identities(records: Iterable[DiscoveredRecord]) -> dict[str, Identity]:
    return {one.key: one for one in records if isinstance(one, Identity)}


def _coverage(records: Iterable[DiscoveredRecord]) -> dict[tuple[str, str], Coverage]:
    return {(one.scope, one.section): one for one in records if isinstance(one, Coverage)}


def test_every_binding_of_a_machine_is_an_assignment(place: Place) -> None:
    """People and groups are counted, the deleted are gone, and so is who is in no list."""
    records = place.scan()
    found = _assignments(records)

    assert {(holder, role, resource): one.privilege.level for (holder, role, resource), one in found.items()} == {
        (BUILDER, "roles/viewer", ORGANIZATION): "normal",
        (BILLING, f"{ORGANIZATION}/roles/auditor", ORGANIZATION): "normal",
        (DEPLOYER, "roles/compute.admin", "folders/45"): "high",
        (BUILDER, "roles/editor", "projects/acme-prod"): "high",
        (AGENT, "roles/viewer", "projects/acme-prod"): "normal",
        ("100000000000000000009", "roles/viewer", "projects/acme-prod"): "normal",
        (DEPLOYER, OURS, "projects/acme-prod"): "high",
        ("absent@acme-dev.iam.gserviceaccount.com", "roles/viewer", "projects/acme-dev"): "normal",
        (DEPLOYER, USER, BILLING): "normal",
        (SUBJECT, POOL_USER, BILLING): "normal",
        (BILLING, TOKEN_CREATOR, BUILDER): "normal",
    }
    assert {holder for (holder, _, _), one in found.items() if one.gone} == {
        "100000000000000000009",
        "absent@acme-dev.iam.gserviceaccount.com",
    }
    assert found[DEPLOYER, USER, BILLING].becomes == (key_of(BILLING),)
    assert found[BUILDER, "roles/editor", "projects/acme-prod"].becomes == (EVERY_PROD,)
    assert "rights of people (1) and of groups (1)" in str(_coverage(records)[ORGANIZATION, "iam.policies"].detail)


def test_both_ways_find_the_same_rights(start: Callable[[Cloud], Place]) -> None:
    """By Cloud Asset or place by place; what is set above then belongs to its own unit, which lists no accounts."""
    bulk = _assignments(start(company()).scan())
    alone = _assignments(without_bulk(start(company())).scan())

    assert {key: structs.replace(one, scope="", gone=one.gone or None) for key, one in bulk.items()} == {
        key: structs.replace(one, scope="", gone=one.gone or None) for key, one in alone.items()
    }
    assert alone[DEPLOYER, "roles/compute.admin", "folders/45"].scope == "folders/45"


def test_who_is_only_named_by_bindings_is_reported(place: Place) -> None:
    """Google's agents, and principals of pools."""
    found = _identities(place.scan())

    assert found[service_agent_key(AGENT)].kind == "service_agent"
    assert found[service_agent_key(AGENT)].managed_by
    assert found[SUBJECT].kind == "workload_identity"
    assert [(one.relation, one.target) for one in found[SUBJECT].links] == [("federates", "github:acme/app")]


@pytest.mark.parametrize("bulk", [True, False])
def test_who_an_account_lets_in_is_among_its_trusts(place: Place, bulk: bool) -> None:
    """Found before the account is reported."""
    records = (place if bulk else without_bulk(place)).scan()

    billing = _identities(records)[key_of(BILLING)]
    (trust,) = billing.trusts
    assert [(one.relation, one.target) for one in billing.links] == [("federates", "github:acme/app")]
    assert (trust.principal, trust.kind) == (SUBJECT, "federated")


def test_who_has_a_role_for_calling_models_may_be_an_agent(place: Place) -> None:
    """A hint; the basic roles allow that as well, and hint at nothing."""
    user = add_role(place.cloud, "roles/aiplatform.user", "aiplatform.endpoints.predict")
    owner = add_role(place.cloud, "roles/owner", "aiplatform.endpoints.predict")
    bind(place.cloud, "projects/acme-dev", {user: [DEPLOYER, "user:ada@example.com"], owner: [BUILDER]})
    found = _identities(place.scan())

    (signal,) = found[key_of(DEPLOYER)].signals
    assert (signal.says, signal.sort, signal.strength) == ("agent", "permission", "weak")
    assert signal.evidence == "roles/aiplatform.user on projects/acme-dev allows aiplatform.endpoints.predict"
    assert found[key_of(BUILDER, "acme-dev")].signals == ()


def test_an_organisation_takes_few_calls(place: Place) -> None:
    """One for its policies; its roles all at once; deny policies where they can matter."""
    place.scan()
    asked = [line.partition("?")[0] for line in place.cloud.log]

    assert asked.count(f"GET /v1/{ORGANIZATION}:searchAllIamPolicies") == 1
    assert asked.count("GET /v1/roles") == 1
    assert asked.count(f"GET /v1/{OURS}") == asked.count(f"GET /v1/{ORGANIZATION}/roles/auditor") == 1
    assert not any(":getIamPolicy" in line for line in asked)
    denials = [line for line in asked if line.endswith("/denypolicies")]
    assert {line.partition("%2F")[2].partition("/")[0] for line in denials} == {
        f"organizations%2F{NUMBER}",
        "folders%2F45",
        "projects%2Facme-dev",
        "projects%2Facme-prod",
    }
    assert len(denials) == 4


def test_where_no_one_of_ours_is_powerful_no_one_asks_what_is_denied(start: Callable[[Cloud], Place]) -> None:
    """Google's own agents are editors of nearly every project."""
    cloud = Cloud()
    cloud.add_project("acme-prod", "1111")
    for role, permission in (("roles/viewer", "x.y.get"), ("roles/editor", "iam.serviceAccountKeys.create")):
        add_role(cloud, role, permission)
    agent = "1111@cloudservices.gserviceaccount.com"
    bind(cloud, "projects/acme-prod", {"roles/viewer": [BILLING], "roles/editor": [agent]})
    place = start(cloud)
    records = place.scan()

    assert [line for line in place.cloud.log if "denypolicies" in line] == []
    assert _coverage(records)["acme-prod", "iam.deny_policies"].status == "complete"


def test_roles_and_what_is_above_are_asked_for_once_a_session(place: Place) -> None:
    """However many projects are read one by one."""
    without_bulk(place).scan()
    asked = [line.partition("?")[0] for line in place.cloud.log]

    assert asked.count(f"POST /v3/{ORGANIZATION}:getIamPolicy") == 1
    assert asked.count("POST /v3/folders/45:getIamPolicy") == 1
    assert max(asked.count(line) for line in asked if "/roles" in line) == 1


def test_what_a_project_had_asked_above_is_no_silence_there(place: Place) -> None:
    """Units are read at once: whichever is first asks for the policy of the organisation."""
    connector = without_bulk(place).connector()
    units = sorted((one for one in connector.scopes() if isinstance(one, Scope)), key=lambda one: one.id != "acme-dev")
    records = [record for unit in units for record in connector.discover(unit)]

    assert _coverage(records)[ORGANIZATION, "iam.policies"].status == "complete"


def test_few_roles_are_asked_for_one_by_one(start: Callable[[Cloud], Place]) -> None:
    """A list of all of Google's is three pages long."""
    cloud = Cloud()
    cloud.add_project("acme-prod", "1111")
    add_role(cloud, "roles/viewer")
    bind(cloud, "projects/acme-prod", {"roles/viewer": [BILLING]})
    place = start(cloud)
    place.scan()

    assert [line for line in place.cloud.log if "roles" in line] == ["GET /v1/roles/viewer"]


@pytest.mark.parametrize("bulk", [True, False])
def test_a_deny_policy_takes_rights_away(place: Place, bulk: bool) -> None:
    """Wherever above it is attached. Its rules are read one by one, since a listing leaves them out."""
    deny(place.cloud, "folders/45", "iam.googleapis.com/serviceAccounts.actAs")
    found = _assignments((place if bulk else without_bulk(place)).scan())

    assert found[BUILDER, "roles/editor", "projects/acme-prod"].privilege.level == "high"
    assert found[DEPLOYER, USER, BILLING].becomes == ()
    assert found[BILLING, TOKEN_CREATOR, BUILDER].becomes == (key_of(BUILDER, "acme-dev"),)


def test_a_deny_policy_that_vanished_meanwhile_is_no_gap(place: Place) -> None:
    """The others of its place count."""
    for name in ("first", "second"):
        deny(place.cloud, "projects/acme-prod", "iam.googleapis.com/serviceAccounts.actAs", name=name)
    place.cloud.faults.fail(404, api="iam", part="denypolicies/first")
    records = place.scan()

    assert _coverage(records)[ORGANIZATION, "iam.deny_policies"].status == "complete"
    assert _assignments(records)[DEPLOYER, USER, BILLING].becomes == ()


def test_conditions_are_asked_for(place: Place) -> None:
    """An older version of a policy leaves them out, and the role is called something else."""
    condition = "resource.name == 'x'"
    bind(place.cloud, "projects/acme-prod", {"roles/owner": [BUILDER]}, condition=condition)
    found = _assignments(without_bulk(place).scan())[BUILDER, "roles/owner", "projects/acme-prod"]

    assert (found.privilege.level, found.conditional, found.attributes["condition"]) == ("high", True, condition)


@pytest.mark.parametrize(
    ("part", "scope", "section", "status"),
    [
        ("IamPolic", ORGANIZATION, "iam.policies", "denied"),
        ("IamPolic", "acme-prod", "iam.policies", "denied"),
        ("roles", ORGANIZATION, "iam.roles", "denied"),
        (OURS, ORGANIZATION, "iam.roles", "partial"),
        ("denypolicies", ORGANIZATION, "iam.deny_policies", "denied"),
    ],
)
def test_what_is_denied_is_a_gap(place: Place, part: str, scope: str, section: str, status: str) -> None:
    """In the unit and in each project below; the rest is read."""
    place.cloud.faults.deny(part=part)
    records = place.scan()

    assert _coverage(records)[scope, section].status == status
    assert key_of(BILLING) in _identities(records)


def test_where_the_search_alone_is_denied_each_policy_is_asked_for(start: Callable[[Cloud], Place]) -> None:
    """Containers and accounts; of other resources no one knows, and it says so."""
    place = start(company())
    place.cloud.faults.deny(part=":searchAllIamPolicies")
    records = place.scan()

    assert _assignments(records) == _assignments(start(company()).scan())
    coverage = _coverage(records)[ORGANIZATION, "iam.policies"]
    assert (coverage.status, "requested separately" in str(coverage.detail)) == ("complete", True)


def test_an_api_that_is_off_hides_no_rights(place: Place) -> None:
    """A project has a policy whether or not Resource Manager is enabled in it."""
    without_bulk(place).cloud.faults.refuse(
        Refused(403, "off", reason="SERVICE_DISABLED", metadata={"consumer": "projects/2222"}),
        place="projects/acme-dev:getIamPolicy",
    )

    assert _coverage(place.scan())["acme-dev", "iam.policies"].is_gap


def test_a_role_that_cannot_be_read_leaves_its_holders_unknown(place: Place) -> None:
    """Never harmless, and never what it was not read to be."""
    place.cloud.faults.deny(part=OURS)
    found = _assignments(place.scan())

    assert found[DEPLOYER, OURS, "projects/acme-prod"].privilege.level == "unknown"
    assert found[BUILDER, "roles/editor", "projects/acme-prod"].privilege.level == "high"


def test_denied_deny_policies_are_not_asked_for_everywhere(place: Place) -> None:
    """Three refusals are enough."""
    place.cloud.faults.deny(part="denypolicies")
    coverage = _coverage(place.scan())[ORGANIZATION, "iam.deny_policies"]

    assert sum("denypolicies" in line for line in place.cloud.log) == 3
    assert (coverage.permission, "the rest was not requested" in str(coverage.detail)) == (
        "iam.denypolicies.list",
        True,
    )


def test_a_role_that_no_longer_exists_gives_nothing(place: Place) -> None:
    """Whether it is wholly gone, or deleted and may come back."""
    never = "projects/acme-dev/roles/never"
    old, older = (add_role(place.cloud, f"projects/acme-prod/roles/{one}", "x.y.z", deleted=True) for one in ("a", "b"))
    bind(place.cloud, "projects/acme-dev", {never: [BUILDER], old: [BUILDER], older: [BUILDER]})
    records = place.scan()
    found = _assignments(records)

    assert _coverage(records)[ORGANIZATION, "iam.roles"].status == "complete"
    assert {found[BUILDER, role, "projects/acme-dev"].privilege.level for role in (never, old, older)} == {"normal"}


@pytest.mark.parametrize("others", [0, 2], ids=["requested separately", "listed"])
def test_a_disabled_role_grants_nothing(place: Place, others: int) -> None:
    """Its bindings stand in the policy and are inactive, whatever the role allows. It is no gap."""
    off = add_role(place.cloud, f"{ORGANIZATION}/roles/off", "resourcemanager.projects.setIamPolicy", stage="DISABLED")
    more = [add_role(place.cloud, f"{ORGANIZATION}/roles/on{number}", "x.y.get") for number in range(others)]
    bind(place.cloud, "projects/acme-dev", {role: [BUILDER] for role in (off, *more)})
    records = place.scan()

    found = _assignments(records)[BUILDER, off, "projects/acme-dev"]
    assert (found.privilege.level, found.grant.admin, found.becomes) == ("normal", False, ())
    assert _coverage(records)[ORGANIZATION, "iam.roles"].status == "complete"


def test_one_of_google_s_own_roles_without_permissions_is_known_to_allow_nothing(place: Place) -> None:
    """The answer leaves the empty list out."""
    empty = add_role(place.cloud, "roles/nothing.user")
    bind(place.cloud, "projects/acme-dev", {empty: [BUILDER]})
    records = place.scan()

    assert _assignments(records)[BUILDER, empty, "projects/acme-dev"].privilege.level == "normal"
    assert _coverage(records)[ORGANIZATION, "iam.roles"].status == "complete"


def test_a_listing_lacks_roles_that_are_deleted_for_good(place: Place) -> None:
    """However many of them are bound."""
    first, second = "projects/acme-dev/roles/a", "projects/acme-dev/roles/b"
    bind(place.cloud, "projects/acme-dev", {first: [BUILDER], second: [BUILDER]})
    records = place.scan()
    found = _assignments(records)

    assert _coverage(records)[ORGANIZATION, "iam.roles"].status == "complete"
    assert {found[BUILDER, role, "projects/acme-dev"].privilege.level for role in (first, second)} == {"normal"}


def test_one_of_google_s_own_roles_that_is_not_there_is_a_gap(start: Callable[[Cloud], Place]) -> None:
    """Anyone who answers has no roles: an owner is one all the same, and the others are unknown."""
    cloud = company()
    bind(cloud, "projects/acme-dev", {"roles/owner": [BUILDER], "roles/other": [DEPLOYER]})
    cloud.faults.fail(404, part="/v1/roles")
    records = start(cloud).scan()
    found = _assignments(records)

    assert _coverage(records)[ORGANIZATION, "iam.roles"].is_gap
    assert found[BUILDER, "roles/owner", "projects/acme-dev"].privilege.level == "admin"
    assert found[DEPLOYER, "roles/other", "projects/acme-dev"].privilege.level == "unknown"


def test_of_a_thousand_projects_only_what_matters_is_searched(start: Callable[[Cloud], Place]) -> None:
    """Or the images of containers would come by the million; it says so."""
    cloud = company()
    for number in range(998):
        cloud.add_project(f"many-{number}", str(5000 + number), ORGANIZATION)
    cloud.set_policy(
        "//artifactregistry.googleapis.com/projects/acme-prod/locations/eu/repositories/a/dockerImages/b",
        {"role": "roles/viewer", "members": [f"serviceAccount:{BUILDER}"]},
        asset_type="artifactregistry.googleapis.com/DockerImage",
    )
    place = start(cloud)
    (scope,) = (one for one in place.connector().scopes() if isinstance(one, Scope))
    records = list(read_rights(GcpReader(place.api(), scope, Meter(), place.settings())))

    assert len(_assignments(records)) == 11
    assert "most common resource types" in str(_coverage(records)[ORGANIZATION, "iam.policies"].detail)


def test_what_is_denied_above_is_asked_for_once(place: Place) -> None:
    """However many projects lie below."""
    without_bulk(place).cloud.faults.deny(part=f"{ORGANIZATION}:getIamPolicy")
    records = place.scan()

    assert sum(line.startswith(f"POST /v3/{ORGANIZATION}:getIamPolicy") for line in place.cloud.log) == 1
    assert _coverage(records)[ORGANIZATION, "iam.policies"].status == "denied"
    assert _coverage(records)["acme-prod", "iam.policies"].status == "complete"


@pytest.mark.parametrize("bulk", [True, False])
def test_where_all_is_read_acting_as_an_account_takes_something_to_run(place: Place, bulk: bool) -> None:
    """Here there is nothing."""
    bind(place.cloud, key_of(BUILDER, "acme-dev"), {USER: [BILLING]})
    found = _assignments((place if bulk else without_bulk(place)).scan())[BILLING, USER, BUILDER]

    assert (found.becomes, found.conditional) == ((), False)


def test_of_a_folder_what_is_above_may_not_be_known(place: Place) -> None:
    """A search reports on what lies below alone."""
    bind(place.cloud, key_of(BILLING), {USER: [BUILDER]})
    bind(place.cloud, "projects/acme-prod", {})
    place.cloud.faults.deny(part=f"{ORGANIZATION}:getIamPolicy")
    found = _assignments(place.scan(folders="45"))[BUILDER, USER, BILLING]

    assert (found.becomes, found.conditional) == ((key_of(BILLING),), True)


def test_what_may_be_above_makes_acting_as_an_account_a_maybe(place: Place) -> None:
    """It takes something to run as well, which may be given up there."""
    without_bulk(place).cloud.faults.deny(part=f"{ORGANIZATION}:getIamPolicy")
    bind(place.cloud, key_of(BUILDER, "acme-dev"), {USER: [BILLING]})
    found = _assignments(place.scan())[BILLING, USER, BUILDER]

    assert (found.becomes, found.conditional) == ((key_of(BUILDER, "acme-dev"),), True)


def test_a_denied_policy_of_one_account_ends_the_asking(place: Place) -> None:
    """The others of its project would be denied, too; its project's own policy is read."""
    without_bulk(place).cloud.faults.deny(api="iam", part=":getIamPolicy")
    records = place.scan()

    coverage = _coverage(records)["acme-prod", "iam.policies"]
    assert (coverage.status, coverage.permission) == ("partial", "iam.serviceAccounts.getIamPolicy")
    assert sum("acme-prod/serviceAccounts" in line and "getIamPolicy" in line for line in place.cloud.log) == 1
    assert (BUILDER, "roles/editor", "projects/acme-prod") in _assignments(records)


NEWCOMER = "newcomer@acme-dev.iam.gserviceaccount.com"


@pytest.mark.parametrize(("code", "gone"), [(200, False), (404, True), (403, None)])
def test_an_account_that_bulk_listing_lacks_is_asked_for(place: Place, code: int, *, gone: bool | None) -> None:
    """Cloud Asset is behind by minutes: an account of today is no deleted one, and is reported."""
    bind(place.cloud, "projects/acme-dev", {"roles/viewer": [NEWCOMER]})
    place.cloud.add_account("acme-dev", "newcomer")
    place.cloud.faults.unlisted_accounts.add(NEWCOMER)
    if code != 200:
        place.cloud.faults.fail(code, api="iam", part=NEWCOMER)
    records = place.scan()

    assert _assignments(records)[NEWCOMER, "roles/viewer", "projects/acme-dev"].gone is gone
    assert (key_of(NEWCOMER, "acme-dev") in _identities(records)) is (code == 200)


def test_an_unread_list_of_accounts_makes_no_one_gone(place: Place) -> None:
    """Never from a partial listing."""
    without_bulk(place).cloud.faults.deny(part="acme-dev/serviceAccounts")
    records = place.scan(grpc_endpoint=None)
    found = _assignments(records)

    assert _coverage(records)["acme-dev", "iam.policies"].status == "partial"
    assert found["absent@acme-dev.iam.gserviceaccount.com", "roles/viewer", "projects/acme-dev"].gone is None


def test_an_account_that_vanished_meanwhile_is_no_gap(place: Place) -> None:
    """Its policy is gone with it."""
    without_bulk(place).cloud.faults.fail(404, api="iam", part=f"{BILLING}:getIamPolicy")

    assert _coverage(place.scan())["acme-prod", "iam.policies"].status == "complete"


@pytest.mark.parametrize("settings", [{"projects": "acme-prod"}, {"folders": "45"}])
@pytest.mark.parametrize("bulk", [True, False])
def test_what_is_set_above_the_root_counts_too(place: Place, settings: dict[str, str], bulk: bool) -> None:
    """Reported by the unit that is the root, since no one else reads it."""
    bind(place.cloud, ORGANIZATION, {"roles/owner": [DEPLOYER]})
    found = _assignments((place if bulk else without_bulk(place)).scan(**settings))

    assert found[DEPLOYER, "roles/owner", ORGANIZATION].privilege.level == "admin"


@pytest.mark.parametrize("bulk", [True, False])
def test_what_is_set_above_the_root_and_cannot_be_read_is_a_gap(place: Place, bulk: bool) -> None:
    """Anyone who has a right up there has it down here."""
    place.cloud.faults.deny(part=f"{ORGANIZATION}:getIamPolicy")
    coverage = _coverage((place if bulk else without_bulk(place)).scan(projects="acme-prod"))[
        "acme-prod", "iam.policies"
    ]

    assert (coverage.status, coverage.permission) == ("partial", "resourcemanager.organizations.getIamPolicy")


def test_what_lies_in_a_project_that_is_not_read_is_passed_over(place: Place) -> None:
    """It was asked not to be."""
    found = _assignments(place.scan(skip_projects="acme-dev"))

    assert {resource for _, _, resource in found} == {ORGANIZATION, "folders/45", "projects/acme-prod", BILLING}


def test_a_malformed_policy_costs_itself(place: Place) -> None:
    """The others are read, and the gap names it."""
    place.cloud.policies["//storage.googleapis.com/projects/acme-prod/bad"] = {
        "assetType": "storage.googleapis.com/Bucket",
        "policy": {"bindings": [{"role": 7}]},
    }
    records = place.scan()

    coverage = _coverage(records)[ORGANIZATION, "iam.policies"]
    assert (coverage.status, "could not be read" in str(coverage.detail)) == ("partial", True)
    assert (BUILDER, "roles/editor", "projects/acme-prod") in _assignments(records)


@pytest.mark.parametrize("name", ["\x1b[31mred", "a\nb", "<script>", "serviceAccount:", "x" * 5000, "deleted:", "🦀"])
def test_hostile_members_are_other_peoples_names(place: Place, name: str) -> None:
    """Whatever stands in a policy, nothing breaks."""
    bind(place.cloud, "projects/acme-prod", {"roles/viewer": [f"serviceAccount:{name}"], "roles/owner": [BUILDER]})

    assert _assignments(place.scan())[BUILDER, "roles/owner", "projects/acme-prod"].privilege.level == "admin"


ASKED = {"resources": ("privilegedaccessmanager",)}
ENTITLEMENTS = "privilegedaccessmanager.entitlements"


@pytest.mark.parametrize("bulk", [True, False])
def test_what_somebody_may_ask_for_is_a_right_under_a_condition(place: Place, bulk: bool) -> None:
    """On the project, or from above; with whether someone has to approve. People are left out."""
    account, human = f"serviceAccount:{BILLING}", "user:ada@example.com"
    entitle(place.cloud, "projects/acme-prod", "roles/owner", account, human)
    steps = {"manualApprovals": {"steps": [{"approvers": [{"principals": [human]}]}]}}
    entitle(place.cloud, ORGANIZATION, TOKEN_CREATOR, f"serviceAccount:{DEPLOYER}", approvalWorkflow=steps)
    entitle(place.cloud, "projects/acme-dev", "roles/editor", account, state="DELETING")
    records = (place if bulk else without_bulk(place)).scan(**ASKED)
    found = _assignments(records)

    owner = found[BILLING, "roles/owner", "projects/acme-prod"]
    assert (owner.grant.via, owner.conditional, owner.privilege.level, owner.gone) == ("eligible", True, "high", False)
    assert (owner.attributes["granted"], owner.grant.admin) == ("on request", False)
    creator = found[DEPLOYER, TOKEN_CREATOR, ORGANIZATION]
    assert (creator.conditional, creator.attributes["granted"]) == (True, "after approval")
    assert EVERY_PROD in creator.becomes
    assert (BILLING, "roles/editor", "projects/acme-dev") not in found
    assert not any(holder == "ada@example.com" for holder, _, _ in found)
    assert _coverage(records)[ORGANIZATION, ENTITLEMENTS].status == "complete"


def test_entitlements_are_asked_for_where_the_settings_say_so(place: Place) -> None:
    """It is a call for each project."""
    records = place.scan()

    assert _coverage(records)[ORGANIZATION, ENTITLEMENTS].status == "off"
    assert not any("entitlements" in line for line in place.cloud.log)


def test_where_the_api_of_entitlements_is_off_there_are_none(place: Place) -> None:
    """In one project that is no gap, and neither where it is off in all that were asked."""
    place.cloud.faults.disable_api("privilegedaccessmanager", "acme-dev", "2222")
    coverage = _coverage(without_bulk(place).scan(**ASKED))

    assert coverage["acme-dev", ENTITLEMENTS].status == "not_offered"
    assert coverage["acme-prod", ENTITLEMENTS].status == "complete"


@pytest.mark.parametrize("bulk", [True, False])
def test_denied_entitlements_are_a_gap(place: Place, bulk: bool) -> None:
    """With the permission that it takes; the rights of policies are reported all the same."""
    place.cloud.faults.deny(api="privilegedaccessmanager")
    records = (place if bulk else without_bulk(place)).scan(**ASKED)

    coverage = _coverage(records)[ORGANIZATION, ENTITLEMENTS]
    assert (coverage.status, coverage.permission) == ("denied", "privilegedaccessmanager.entitlements.list")
    assert (BUILDER, "roles/editor", "projects/acme-prod") in _assignments(records)


@pytest.mark.parametrize(("part", "section"), [("entitlements", ENTITLEMENTS), ("denypolicies", "iam.deny_policies")])
def test_the_first_denied_place_leaves_the_others_read(place: Place, part: str, section: str) -> None:
    """It is a gap of the section in part, also if the others have nothing to list."""
    place.cloud.faults.fail(403, part=part, times=1)

    assert _coverage(place.scan(**ASKED, workers=1))[ORGANIZATION, section].status == "partial"


def test_a_malformed_entitlement_costs_itself(place: Place) -> None:
    """The others count."""
    entitle(place.cloud, "projects/acme-prod", "roles/owner", f"serviceAccount:{BILLING}")
    place.cloud.add("projects/acme-prod/locations/global/entitlements", {"name": 7})
    records = place.scan(**ASKED)

    assert _coverage(records)[ORGANIZATION, ENTITLEMENTS].status == "partial"
    assert (BILLING, "roles/owner", "projects/acme-prod") in _assignments(records)


def test_pages_are_followed_to_the_end(place: Place) -> None:
    """Policies come five hundred at a time, and a page may be empty."""
    place.cloud.faults.empty_first_pages = True
    for number in range(600):
        place.cloud.set_policy(
            f"//pubsub.googleapis.com/projects/acme-prod/topics/t{number}",
            {"role": "roles/viewer", "members": [f"serviceAccount:{BUILDER}"]},
            asset_type="pubsub.googleapis.com/Topic",
        )

    assert len(_assignments(place.scan())) == 611


@pytest.mark.parametrize("api", ["cloudasset", "iam"])
def test_a_quota_is_waited_for(place: Place, api: str) -> None:
    """Nothing is lost by one refusal for load."""
    place.cloud.faults.throttle(api, 1, part="searchAllIamPolicies" if api == "cloudasset" else "roles")
    coverage = _coverage(place.scan())

    assert coverage[ORGANIZATION, "iam.policies"].status == coverage[ORGANIZATION, "iam.roles"].status == "complete"


def test_a_unit_knows_what_lies_below_it(place: Place) -> None:
    """Other units read that, and a right above reaches it."""
    units = {one.id: one.context for one in without_bulk(place).connector().scopes() if isinstance(one, Scope)}

    assert [one.id for one in units[ORGANIZATION].below] == ["acme-prod", "acme-dev"]
    assert [one.id for one in units["folders/45"].below] == ["acme-prod"]
    assert units["folders/45"].above == units["acme-prod"].above == ()


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", f"/v1/{ORGANIZATION}:searchAllIamPolicies?pageSize=500"),
        ("GET", "/v1/roles?view=FULL&pageSize=1000"),
        ("GET", "/v1/roles/editor"),
        ("GET", f"/v1/{OURS}"),
        ("GET", "/v1/projects/acme-prod/roles?view=FULL&showDeleted=true"),
        ("GET", f"{DENY}/denypolicies?pageSize=1000"),
        ("GET", f"{DENY}/denypolicies/guard"),
        ("POST", "/v3/projects/acme-prod:getIamPolicy"),
        ("POST", f"/v1/projects/acme-prod/serviceAccounts/{BILLING}:getIamPolicy?options.requestedPolicyVersion=3"),
    ],
)
def test_the_fake_answers_as_the_discovery_documents_say(verb: str, path: str) -> None:
    """Every field of the promised schema."""
    from scanner.demo.fakes.gcp.server import answer

    cloud = company()
    add_role(cloud, "projects/acme-prod/roles/old", deleted=True)
    deny(cloud, "projects/acme-prod", "iam.googleapis.com/roles.update", denialCondition={"expression": "x"})
    body: Any = {"options": {"requestedPolicyVersion": 3}} if verb == "POST" else None
    api = "cloudasset" if "search" in path else "cloudresourcemanager" if path.startswith("/v3") else "iam"
    found = answer(cloud, verb, path, body)

    assert found
    check_answer(api, verb, path.partition("?")[0], found)


@pytest.mark.parametrize("denied", [False, True])
def test_accounts_that_were_not_listed_may_be_admins(place: Place, *, denied: bool) -> None:
    """The level stays high, and the evidence says what is missing."""
    if denied:
        without_bulk(place).cloud.faults.fail(403, api="iam", part="projects/acme-prod/serviceAccounts", times=1)

    (first, *_) = _assignments(place.scan())[BUILDER, "roles/editor", "projects/acme-prod"].privilege.evidence

    assert first.startswith(POTENTIAL)
    assert first.endswith(NOT_LISTED) == denied
