"""What one binding amounts to, and who it leads to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.gcp.keys import service_agent_key
from connectors.gcp.rights.judging import SOME_DENIED
from connectors.gcp.rights.vocabulary import all_permissions, vocabulary
from scanner.model import POTENTIAL, Assignment
from tests.connectors.gcp.rights.estate import BILLING, BUILDER, DEPLOYER, ORGANIZATION, assigned, bound, deny, key_of

PROD, DEV = "projects/acme-prod", "projects/acme-dev"
EVERY_PROD, EVERY_DEV = key_of("*"), key_of("*", "acme-dev")
ACT_AS, RUN = "iam.serviceAccounts.actAs", "compute.instances.create"
TOKEN = "iam.serviceAccounts.getAccessToken"
LATER = 'request.time < timestamp("2027-01-01T00:00:00Z")'
EARLIER = 'request.time < timestamp("2026-01-01T00:00:00Z")'
BY_NAME = 'resource.name.startsWith("projects/acme")'
SET_OF = "principalSet://cloudresourcemanager.googleapis.com"
ITSELF, ANOTHER = (f"principal://iam.googleapis.com/projects/-/serviceAccounts/{one}" for one in (BILLING, BUILDER))
A_GROUP = "principalSet://goog/group/ops@example.com"
DENIED_TOKEN = "iam.googleapis.com/serviceAccounts.getAccessToken"
SECRETS = "//secretmanager.googleapis.com/projects/"
POOL = "projects/111/locations/global/workloadIdentityPools/ci"
EVERYBODY = ["principalSet://goog/public:all"]


def _judged(place: str, *permissions: str, condition: str | None = None, **facts: Any) -> Assignment:
    """The assignment of a role with these permissions."""
    (found,) = assigned(bound(place, "roles/x", condition=condition), roles={"roles/x": permissions}, **facts)
    return found


@pytest.mark.parametrize(
    ("place", "permissions", "level"),
    [
        (PROD, ("resourcemanager.projects.setIamPolicy",), "admin"),
        ("folders/45", ("resourcemanager.folders.setIamPolicy",), "admin"),
        ("folders/45", ("resourcemanager.projects.setIamPolicy",), "admin"),
        (ORGANIZATION, ("resourcemanager.organizations.setIamPolicy",), "admin"),
        (PROD, ("resourcemanager.organizations.setIamPolicy",), "normal"),
        (PROD, ("resourcemanager.folders.setIamPolicy",), "normal"),
        (PROD, (TOKEN,), "high"),
        (PROD, ("iam.serviceAccounts.signBlob",), "high"),
        (PROD, ("iam.serviceAccounts.signJwt",), "high"),
        (PROD, ("iam.serviceAccountKeys.create",), "high"),
        (PROD, ("iam.serviceAccounts.setIamPolicy",), "high"),
        (PROD, (ACT_AS, RUN), "high"),
        (PROD, (ACT_AS,), "normal"),
        (PROD, (RUN,), "high"),
        (PROD, ("iam.serviceAccounts.implicitDelegation",), "normal"),
        (PROD, ("iam.roles.update",), "high"),
        (PROD, ("iam.googleapis.com/workloadIdentityPoolProviders.create",), "high"),
        (PROD, ("deploymentmanager.deployments.create",), "high"),
        (PROD, ("cloudbuild.builds.create",), "high"),
        (PROD, ("osconfig.patchJobs.exec",), "high"),
        (PROD, ("run.jobs.runWithOverrides",), "high"),
        (PROD, ("secretmanager.versions.access",), "high"),
        (PROD, ("storage.hmacKeys.create",), "high"),
        (PROD, ("orgpolicy.policy.set",), "high"),
        (PROD, ("compute.instances.list",), "normal"),
        (key_of(BUILDER, "acme-dev"), (TOKEN,), "normal"),
        ("//secretmanager.googleapis.com/projects/acme-prod/secrets/db", ("secretmanager.versions.access",), "normal"),
    ],
)
def test_a_level_follows_from_what_is_allowed_where(place: str, permissions: tuple[str, ...], level: str) -> None:
    """On an organisation, a folder or a project; one thing alone gives none by itself."""
    found = _judged(place, *permissions)

    assert found.privilege.level == level
    assert bool(found.privilege.evidence) == (level != "normal")
    assert found.grant.admin == (level == "admin")


def test_the_evidence_says_what_by_which_role_on_what() -> None:
    """So that someone can check it."""
    found = _judged(PROD, TOKEN, "iam.serviceAccounts.signJwt")

    assert found.privilege.evidence == (
        f"{POTENTIAL}could become service accounts on {PROD} (roles/x): {TOKEN}, iam.serviceAccounts.signJwt",
    )


@pytest.mark.parametrize(
    ("place", "permissions", "becomes"),
    [
        (key_of(BUILDER, "acme-dev"), (TOKEN,), (key_of(BUILDER, "acme-dev"),)),
        (PROD, (TOKEN,), (EVERY_PROD,)),
        ("folders/45", ("iam.serviceAccountKeys.create",), (EVERY_PROD,)),
        (ORGANIZATION, (TOKEN,), (EVERY_DEV, EVERY_PROD)),
        (PROD, (ACT_AS, RUN), (EVERY_PROD,)),
        (PROD, (ACT_AS,), ()),
        (PROD, (RUN,), ()),
        (
            PROD,
            ("deploymentmanager.deployments.create",),
            (service_agent_key("111@cloudservices.gserviceaccount.com"),),
        ),
        (
            PROD,
            ("cloudbuild.builds.create",),
            (
                service_agent_key("111@cloudbuild.gserviceaccount.com"),
                key_of("111-compute@developer.gserviceaccount.com"),
            ),
        ),
        (PROD, ("resourcemanager.projects.setIamPolicy", TOKEN), ()),
        ("//storage.googleapis.com/acme", (TOKEN,), ()),
    ],
)
def test_who_a_binding_lets_its_holder_become(
    place: str, permissions: tuple[str, ...], becomes: tuple[str, ...]
) -> None:
    """One account, or all of each project below. An administrator needs no such path."""
    found = _judged(place, *permissions)

    assert (found.becomes, found.conditional) == (becomes, False)


@pytest.mark.parametrize(
    ("place", "permissions", "on"),
    [
        (PROD, ("run.jobs.runWithOverrides",), ("//run.googleapis.com/projects/acme-prod/*/jobs/*",)),
        (
            "//run.googleapis.com/projects/acme-prod/locations/europe-west1/jobs/nightly",
            ("run.jobs.runWithOverrides",),
            ("//run.googleapis.com/projects/acme-prod/locations/europe-west1/jobs/nightly",),
        ),
        (
            "//run.googleapis.com/projects/acme-prod/locations/europe-west1/services/a",
            ("run.jobs.runWithOverrides",),
            None,
        ),
        ("folders/45", ("container.pods.exec",), ("//container.googleapis.com/projects/acme-prod/*/clusters/*",)),
    ],
)
def test_what_a_binding_lets_its_holder_take_over(
    place: str, permissions: tuple[str, ...], on: tuple[str, ...] | None
) -> None:
    """What runs there already, and takes orders."""
    assert [one.on for one in _judged(place, *permissions).takes_over] == ([] if on is None else [on])


@pytest.mark.parametrize(
    ("running_on", "read", "becomes", "conditional"),
    [
        (PROD, True, (key_of(BUILDER),), False),
        ("folders/45", True, (key_of(BUILDER),), False),
        (ORGANIZATION, True, (key_of(BUILDER),), False),
        (DEV, True, (), False),
        (None, True, (), False),
        (None, False, (key_of(BUILDER),), True),
    ],
)
def test_acting_as_an_account_takes_something_to_run_in_its_project(
    running_on: str | None, read: bool, becomes: tuple[str, ...], conditional: bool
) -> None:
    """Whatever role gives that, here or above; what could not be read may."""
    acting = bound(key_of(BUILDER), "roles/iam.serviceAccountUser")
    more = () if running_on is None else (bound(running_on, "roles/run"),)
    first, *_ = assigned(acting, *more, roles={"roles/run": (RUN,)}, unread=() if read else (ORGANIZATION,))

    assert (first.becomes, first.conditional) == (becomes, conditional)


def test_running_one_thing_is_not_running_anything() -> None:
    """Anyone who may change one service runs it as the account that it has."""
    service = "//run.googleapis.com/projects/acme-prod/locations/europe-west1/services/a"
    first, *_ = assigned(
        bound(key_of(BUILDER), "roles/iam.serviceAccountUser"),
        bound(service, "roles/run"),
        roles={"roles/run": ("run.services.update",)},
    )

    assert first.becomes == ()


@pytest.mark.parametrize("conditions", [(None, BY_NAME), (BY_NAME, None)])
def test_of_two_ways_to_run_something_the_certain_one_counts(conditions: tuple[str | None, ...]) -> None:
    """In whatever order they come."""
    running = (bound(PROD, "roles/run", condition=one) for one in conditions)
    first, *_ = assigned(bound(key_of(BUILDER), "roles/iam.serviceAccountUser"), *running, roles={"roles/run": (RUN,)})

    assert (first.becomes, first.conditional) == ((key_of(BUILDER),), False)


def test_somebody_elses_machines_are_no_help() -> None:
    """The one who acts must be the one who runs."""
    first, _ = assigned(
        bound(PROD, "roles/iam.serviceAccountUser"),
        bound(PROD, "roles/run", DEPLOYER),
        roles={"roles/run": (RUN,)},
    )

    assert first.privilege.level == "normal"


@pytest.mark.parametrize("place", [PROD, key_of(DEPLOYER)])
def test_delegation_leads_where_the_account_in_between_can_go(place: str) -> None:
    """Not to that account itself."""
    delegating, _ = assigned(
        bound(place, "roles/delegate"),
        bound(key_of(BUILDER, "acme-dev"), "roles/iam.serviceAccountTokenCreator", DEPLOYER),
        roles={"roles/delegate": ("iam.serviceAccounts.implicitDelegation",)},
    )

    assert delegating.becomes == (key_of(BUILDER, "acme-dev"),)


@pytest.mark.parametrize(
    ("condition", "level", "conditional", "becomes"),
    [
        (None, "high", False, (EVERY_PROD,)),
        (LATER, "high", False, (EVERY_PROD,)),
        (BY_NAME, "high", True, (EVERY_PROD,)),
        (EARLIER, "normal", True, ()),
    ],
)
def test_a_condition_makes_it_a_maybe(
    condition: str | None, level: str, conditional: bool, becomes: tuple[str, ...]
) -> None:
    """At most high; one that has passed gives nothing, one that has not passed yet takes nothing."""
    found = _judged(PROD, TOKEN, condition=condition)

    assert (found.privilege.level, found.conditional, found.becomes) == (level, conditional, becomes)


def test_an_administrator_under_a_condition_is_high() -> None:
    """Which roles it may give is such a condition."""
    text = "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly(['roles/viewer'])"

    assert _judged(PROD, "resourcemanager.projects.setIamPolicy", condition=text).privilege.level == "high"


@pytest.mark.parametrize(
    ("attached", "rule", "level", "becomes"),
    [
        (PROD, {}, "normal", ()),
        ("folders/45", {}, "normal", ()),
        (ORGANIZATION, {}, "normal", ()),
        (DEV, {}, "high", (EVERY_PROD,)),
        (PROD, {"denialCondition": {"expression": "resource.matchTag('1/env', 'prod')"}}, "high", (EVERY_PROD,)),
        (PROD, {"exceptionPrincipals": [ITSELF]}, "high", (EVERY_PROD,)),
        (PROD, {"exceptionPrincipals": [A_GROUP]}, "high", (EVERY_PROD,)),
        (PROD, {"exceptionPermissions": [DENIED_TOKEN]}, "high", (EVERY_PROD,)),
        (PROD, {"deniedPermissions": ["iam.googleapis.com/serviceAccounts.*"]}, "normal", ()),
        (PROD, {"deniedPermissions": ["iam.googleapis.com/*.*"]}, "normal", ()),
        (PROD, {"deniedPermissions": ["iam.googleapis.com/*.getAccessToken"]}, "normal", ()),
        (PROD, {"deniedPermissions": ["iam.googleapis.com/roles.*"]}, "high", (EVERY_PROD,)),
        (PROD, {"deniedPrincipals": [ANOTHER]}, "high", (EVERY_PROD,)),
        (PROD, {"deniedPrincipals": [A_GROUP]}, "high", (EVERY_PROD,)),
        (PROD, {"deniedPrincipals": [f"{SET_OF}/projects/111/type/ServiceAccount"]}, "normal", ()),
        (PROD, {"deniedPrincipals": [f"{SET_OF}/projects/111/type/ServiceAgent"]}, "high", (EVERY_PROD,)),
        (PROD, {"deniedPrincipals": [f"{SET_OF}/folders/45"]}, "normal", ()),
        (PROD, {"deniedPrincipals": [f"{SET_OF}/projects/222"]}, "high", (EVERY_PROD,)),
    ],
)
def test_a_deny_policy_comes_first(
    attached: str, rule: dict[str, object], level: str, becomes: tuple[str, ...]
) -> None:
    """Where it covers the holder for certain; where no one can say, the right is a maybe."""
    usual = {"deniedPrincipals": EVERYBODY, "deniedPermissions": [DENIED_TOKEN]}
    found = _judged(PROD, TOKEN, denied=deny(attached, **usual | rule))

    assert (found.privilege.level, found.becomes) == (level, becomes)


def test_resource_managers_permissions_go_by_another_name_in_deny_policies() -> None:
    """The service is cloudresourcemanager there."""
    rules = deny(
        PROD,
        deniedPrincipals=EVERYBODY,
        deniedPermissions=["cloudresourcemanager.googleapis.com/projects.setIamPolicy"],
    )

    assert _judged(PROD, "resourcemanager.projects.setIamPolicy", denied=rules).privilege.level == "normal"


def test_a_deny_below_spares_the_other_projects() -> None:
    """And the evidence says that something is denied where the right was given."""
    rules = deny(DEV, deniedPrincipals=EVERYBODY, deniedPermissions=[DENIED_TOKEN])
    found = _judged(ORGANIZATION, TOKEN, denied=rules)

    assert (found.privilege.level, found.becomes) == ("high", (EVERY_PROD,))
    rules = deny(ORGANIZATION, deniedPrincipals=EVERYBODY, deniedPermissions=["iam.googleapis.com/roles.update"])
    assert SOME_DENIED in _judged(ORGANIZATION, TOKEN, "iam.roles.update", denied=rules).privilege.evidence


def test_a_deny_below_that_may_hold_makes_two_assignments() -> None:
    """Certain where it is not attached, a maybe where it is."""
    found = assigned(
        bound(ORGANIZATION, "roles/x"),
        roles={"roles/x": (TOKEN,)},
        denied=deny(DEV, deniedPrincipals=[A_GROUP], deniedPermissions=[DENIED_TOKEN]),
    )

    assert [(one.becomes, one.conditional) for one in found] == [((EVERY_PROD,), False), ((EVERY_DEV,), True)]


@pytest.mark.parametrize(
    ("principal", "level"),
    [
        (f"principalSet://iam.googleapis.com/{POOL}/*", "normal"),
        (f"principalSet://iam.googleapis.com/{POOL}/group/admins", "high"),
        (f"principal://iam.googleapis.com/{POOL}/subject/me", "normal"),
        (f"principal://iam.googleapis.com/{POOL}/subject/you", "high"),
        (f"principalSet://iam.googleapis.com/{POOL}2/*", "high"),
    ],
)
def test_a_pool_can_be_denied_as_a_whole(principal: str, level: str) -> None:
    """Who is in one of its groups only its issuer knows."""
    holder = f"principal://iam.googleapis.com/{POOL}/subject/me"
    (found,) = assigned(
        bound(PROD, "roles/x", holder),
        roles={"roles/x": (TOKEN,)},
        denied=deny(PROD, deniedPrincipals=[principal], deniedPermissions=[DENIED_TOKEN]),
    )

    assert found.privilege.level == level


def test_what_is_certain_and_what_is_not_are_two_assignments() -> None:
    """A folder whose projects differ: in one the holder can run something, in the other that was not read."""
    found = assigned(
        bound(ORGANIZATION, "roles/iam.serviceAccountUser"),
        bound(PROD, "roles/run"),
        roles={"roles/run": (RUN,)},
        unread=(DEV,),
    )[:2]

    assert [(one.becomes, one.conditional) for one in found] == [((EVERY_PROD,), False), ((EVERY_DEV,), True)]
    assert len({one.key for one in found}) == 2


@pytest.mark.parametrize(
    ("role", "level"),
    [
        ("roles/owner", "admin"),
        ("roles/editor", "high"),
        ("roles/iam.securityAdmin", "admin"),
        ("roles/iam.serviceAccountKeyAdmin", "high"),
        ("roles/viewer", "unknown"),
        ("projects/acme-prod/roles/ours", "unknown"),
    ],
)
def test_a_role_that_could_not_be_read_is_never_harmless(role: str, level: str) -> None:
    """Some are known all the same."""
    (found,) = assigned(bound(PROD, role))

    assert found.privilege.level == level


@pytest.mark.parametrize(
    ("place", "level"),
    [(key_of(BUILDER, "acme-dev"), "unknown"), ("folders/45", "unknown"), ("//storage.googleapis.com/acme", "normal")],
)
def test_what_cannot_lead_anywhere_needs_no_role(place: str, level: str) -> None:
    """On a bucket, whatever the role allows."""
    (found,) = assigned(bound(place, "projects/acme-prod/roles/ours"))

    assert found.privilege.level == level


@pytest.mark.parametrize("state", [{"deleted": True}, {"stage": "DISABLED"}], ids=["deleted", "disabled"])
def test_a_role_that_is_switched_off_gives_nothing(state: dict[str, Any]) -> None:
    """As long as no one restores it."""
    from connectors.gcp.rights.roles import GcpRoles, parse_role

    role = parse_role({"name": "projects/p/roles/x", "includedPermissions": [TOKEN]} | state)

    assert GcpRoles([role])["projects/p/roles/x"].permissions == frozenset()


CLUSTERS = "//container.googleapis.com/projects/acme-prod/*/clusters/*"
WORKLOAD_KINDS = (
    "cronJobs", "daemonSets", "deployments", "jobs", "pods", "replicaSets", "replicationControllers", "statefulSets",
)  # fmt: skip


@pytest.mark.parametrize(
    "permission",
    [
        *(f"{kind}.{verb}" for kind in WORKLOAD_KINDS for verb in ("create", "update")),
        *("pods.exec", "pods.attach", "nodes.proxy", "serviceAccounts.createToken", "secrets.get", "secrets.list"),
        *(
            f"{kind}.{verb}"
            for kind in ("mutatingWebhookConfigurations", "validatingWebhookConfigurations", "clusterRoleBindings")
            for verb in ("create", "update")
        ),
    ],
)
def test_whatever_commands_a_cluster_takes_over_what_runs_in_it(permission: str) -> None:
    """Whichever kind of workload it makes or changes: nodes and pods run as someone."""
    found = _judged(PROD, f"container.{permission}")

    assert found.privilege.level == "high"
    assert [one.on for one in found.takes_over] == [(CLUSTERS,)]


@pytest.mark.parametrize("permission", ["pods.list", "pods.get", "pods.getLogs", "configMaps.create", "clusters.list"])
def test_looking_into_a_cluster_takes_nothing_over(permission: str) -> None:
    """Nor does what changes no workload."""
    found = _judged(PROD, f"container.{permission}")

    assert (found.privilege.level, found.takes_over) == ("normal", ())


@given(st.frozensets(st.sampled_from(sorted(all_permissions()))), st.sampled_from([PROD, "folders/45", ORGANIZATION]))
def test_more_permissions_never_make_it_less(permissions: frozenset[str], place: str) -> None:
    """And the wider the place, the more it leads to."""
    order = ("normal", "high", "escalation", "admin")
    some, every = _judged(place, *permissions), _judged(place, *all_permissions())

    assert order.index(some.privilege.level) <= order.index(every.privilege.level)
    if some.privilege.level != "admin":
        assert set(_judged(PROD, *permissions).becomes) <= set(_judged(ORGANIZATION, *permissions).becomes) or (
            _judged(ORGANIZATION, *permissions).privilege.level == "admin"
        )


def test_the_table_of_methods_is_about_permissions() -> None:
    """Three parts each, as IAM has them, and known roles about those that count."""
    assert all(len(name.split(".")) == 3 for name in all_permissions())
    known = {name for names in vocabulary().known_roles.values() for name in names} - {"*"}
    assert known <= all_permissions()


@pytest.mark.parametrize(
    ("place", "permissions", "kind", "on", "narrow"),
    [
        (PROD, ("storage.objects.delete",), "delete", (), False),
        ("//storage.googleapis.com/b", ("storage.objects.delete",), "delete", (), True),
        (PROD, ("aiplatform.endpoints.predict",), "invoke_models", (), False),
        (PROD, ("secretmanager.versions.access",), "read_secrets", (f"{SECRETS}acme-prod/*",), False),
        (f"{SECRETS}acme-prod/secrets/db", ("secretmanager.versions.access",), "read_secrets",
         (f"{SECRETS}acme-prod/secrets/db",), True),
        (PROD, ("apikeys.keys.getKeyString",), "read_secrets", (), True),
    ],
)  # fmt: skip
def test_consequences_follow_from_what_is_allowed_on_anything(
    place: str, permissions: tuple[str, ...], kind: str, on: tuple[str, ...], narrow: bool
) -> None:
    """Stored secrets are named by the patterns of their keys."""
    (one,) = _judged(place, *permissions).consequences

    assert (one.kind, one.actions, one.on, one.narrow, one.conditional) == (kind, permissions, on, narrow, False)
    assert one.by.startswith("roles/x on ")
    under = _judged(place, *permissions, condition=BY_NAME).consequences
    assert [(each.kind, each.conditional) for each in under] == [(kind, True)]
