"""What Azure roles amount to, by scope: a table, and the traps that names and halves invite."""

from __future__ import annotations

import gc
from fnmatch import fnmatchcase
from weakref import ref

import pytest

from connectors.azure.rights.azure_privilege import AzureJudge, azure_table
from connectors.azure.rights.azure_role import Block, Role
from connectors.azure.rights.places import place_of
from connectors.azure.rights.power import Power
from scanner.demo.fakes.azure.rights import built_in_permissions
from scanner.model import POTENTIAL
from tests.connectors.azure.rights.test_condition import ONE_CONTAINER, ONLY_SOME_ROLES
from tests.connectors.azure.rights.test_places import GROUP, MANAGEMENT, SITE, SUB, VM

IDENTITY = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/deployer"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/shared"
RUN_COMMAND = "Microsoft.Compute/virtualMachines/runCommand/action"


def judge(name: str) -> AzureJudge:
    """One of Microsoft's roles."""
    permissions = {kind: tuple(names) for kind, names in built_in_permissions(name).items()}
    block = Block(
        actions=permissions.get("actions", ()),
        not_actions=permissions.get("notActions", ()),
        data_actions=permissions.get("dataActions", ()),
        not_data_actions=permissions.get("notDataActions", ()),
    )
    return AzureJudge(Role(id=name, name=name, blocks=(block,)))


def custom(*actions: str, data: tuple[str, ...] = (), without: tuple[str, ...] = ()) -> AzureJudge:
    """A role of these actions, whose name says the opposite."""
    name = "Reader" if actions else "Owner"
    return AzureJudge(Role(id="c", name=name, blocks=(Block(actions=actions, data_actions=data, not_actions=without),)))


def power(name: str, scope: str = SUB, *, condition: str | None = None, runs_workloads: bool = False) -> Power:
    """What one of Microsoft's roles amounts to on a scope."""
    return judge(name).power(place_of(scope), condition=condition, runs_workloads=runs_workloads)


def reaches(given: Power, key: str) -> bool:
    """Whether it can take over a resource by that id."""
    return any(fnmatchcase(key.lower(), pattern) for one in given.takes_over for pattern in one.on)


def becomes(given: Power, key: str) -> bool:
    """Whether it can become the identity of that key."""
    return any(fnmatchcase(key.lower(), pattern) for pattern in given.becomes)


@pytest.mark.parametrize(
    ("name", "on_subscription", "on_group", "on_vm"),
    [
        ("Owner", "admin", "high", "high"),
        ("User Access Administrator", "admin", "high", "high"),
        ("Role Based Access Control Administrator", "escalation", "high", "high"),
        ("Contributor", "high", "high", "normal"),
        ("Virtual Machine Contributor", "high", "normal", "normal"),
        ("Website Contributor", "high", "normal", "normal"),
        ("Logic App Contributor", "high", "high", "normal"),
        ("Managed Identity Contributor", "high", "normal", "normal"),
        ("Managed Identity Operator", "normal", "normal", "normal"),
        ("Key Vault Secrets User", "high", "high", "normal"),
        ("Storage Blob Data Reader", "high", "normal", "normal"),
        ("Reader", "normal", "normal", "normal"),
    ],
)
def test_levels_of_built_in_roles(name: str, on_subscription: str, on_group: str, on_vm: str) -> None:
    """The broader the scope, the graver; a resource has only what is of its own type."""
    levels = [power(name, scope).privilege.level for scope in (SUB, GROUP, VM)]

    assert levels == [on_subscription, on_group, on_vm]


@pytest.mark.parametrize(
    ("actions", "data", "level"),
    [
        ((), ("Microsoft.Storage/storageAccounts/fileServices/fileshares/files/*",), "high"),
        ((), ("Microsoft.Storage/storageAccounts/fileServices/readFileBackupSemantics/action",), "high"),
        ((), ("Microsoft.Storage/storageAccounts/tableServices/tables/entities/read",), "high"),
        ((), ("Microsoft.Storage/storageAccounts/queueServices/queues/messages/process/action",), "high"),
        ((), ("Microsoft.ServiceBus/*",), "high"),
        ((), ("*",), "high"),
        ((), ("Microsoft.ContainerService/fleets/*",), "high"),
        ((), ("Microsoft.ContainerService/fleets/apps/deployments/*",), "high"),
        ((), ("Microsoft.ContainerService/fleets/secrets/read",), "high"),
        ((), ("Microsoft.Kubernetes/connectedClusters/*",), "high"),
        (("Microsoft.GuestConfiguration/guestConfigurationAssignments/write",), (), "high"),
        (("Microsoft.GuestConfiguration/guestConfigurationAssignments/*/read",), (), "normal"),
        ((), ("Microsoft.Insights/Metrics/Write",), "normal"),
        ((), ("Microsoft.KeyVault/vaults/*/read", "Microsoft.KeyVault/vaults/secrets/readMetadata/action"), "normal"),
    ],
)
def test_data_of_a_whole_subscription_is_not_normal(
    actions: tuple[str, ...], data: tuple[str, ...], level: str
) -> None:
    """On one resource group the same is what an application needs; what it can become is another matter."""
    able = custom(*actions, data=data)

    assert able.power(place_of(SUB)).privilege.level == level
    assert able.power(place_of(MANAGEMENT)).privilege.level == level
    if data != ("*",):
        assert able.power(place_of(GROUP)).privilege.level == "normal"


def test_an_excepted_data_action_is_not_allowed() -> None:
    """Nor does what a condition decides become certain."""
    tables = "Microsoft.Storage/storageAccounts/tableServices/tables/entities/read"
    block = Block(data_actions=(tables,), not_data_actions=("Microsoft.Storage/*",))
    conditional = custom(data=(tables,)).power(place_of(SUB), condition="@Resource[a] StringEquals 'b'")

    assert AzureJudge(Role(id="c", name="c", blocks=(block,))).power(place_of(SUB)) == Power()
    assert (conditional.privilege.level, conditional.conditional) == ("high", True)


@pytest.mark.parametrize("scope", ["/", MANAGEMENT, SUB])
def test_anyone_who_may_do_everything_on_a_subscription_or_more_is_an_administrator(scope: str) -> None:
    """An administrator takes over no one: there is nothing to gain."""
    owner = power("Owner", scope)

    assert owner.privilege.level == "admin"
    assert owner.privilege.evidence == (f"every action, by Owner on {place_of(scope).words}",)
    assert (owner.becomes, owner.takes_over) == ((), ())


def test_actions_count_and_names_do_not() -> None:
    """A custom role may be called what it likes."""
    assert custom("*").power(place_of(SUB)).privilege.level == "admin"
    assert custom(data=("Microsoft.Storage/*/read",)).power(place_of(VM)).privilege.level == "normal"


@pytest.mark.parametrize("missing", azure_table().iam)
def test_all_of_iam_is_all_of_it(missing: str) -> None:
    """Without one of its actions it is no administrator, though still able to become one where that is so."""
    some = custom("*/read", "Microsoft.Authorization/*", without=(missing,)).power(place_of(SUB))

    assert some.privilege.level == "escalation"


@pytest.mark.parametrize(
    "method",
    [(kind.type, method) for kind in azure_table().takeover for method in kind.methods],
    ids=lambda method: " + ".join(method[1]),
)
def test_each_way_to_run_code_is_potential_on_a_subscription_and_a_takeover_everywhere(
    method: tuple[str, tuple[str, ...]],
) -> None:
    """With the action that does it in the evidence; with one action short of it there is nothing."""
    type_, actions = method
    plain = tuple(one for one in actions if not one.startswith("data:"))
    data = tuple(one.removeprefix("data:") for one in actions if one.startswith("data:"))
    able = custom(*plain, data=data)
    parts = type_.split("/")
    resource = f"{GROUP}/providers/{parts[0]}/" + "/".join(f"{one}/x" for one in parts[1:])

    wide, narrow = able.power(place_of(SUB)), able.power(place_of(GROUP))

    assert wide.privilege.level == "high"
    assert any(text.startswith(POTENTIAL) and actions[0] in text for text in wide.privilege.evidence)
    assert reaches(wide, resource)
    assert reaches(narrow, resource)
    assert not reaches(narrow, VM if "achines" not in type_ else SITE)
    assert not reaches(narrow, resource.replace("/Prod/", "/Test/"))
    assert not reaches(custom(*plain[1:], data=data[1:]).power(place_of(GROUP)), resource)


def test_the_way_is_reported_with_the_takeover() -> None:
    """What a path is shown with: action, role and scope."""
    (takeover,) = custom(RUN_COMMAND).power(place_of(VM)).takes_over

    assert takeover.by == f"by {RUN_COMMAND} on it, through Reader on resource {VM.lower()}"
    assert takeover.on[0] == VM.lower()
    assert not takeover.conditional


def test_anyone_who_may_assign_roles_on_a_group_can_take_over_all_that_is_in_it() -> None:
    """Since it can give itself whatever it lacks."""
    administrator = power("Role Based Access Control Administrator", GROUP)

    assert reaches(administrator, VM)
    assert reaches(administrator, SITE)
    assert becomes(administrator, IDENTITY)
    assert not becomes(administrator, IDENTITY.replace("/Prod/", "/Test/"))


@pytest.mark.parametrize(
    ("name", "runs", "scope", "able"),
    [
        ("Managed Identity Contributor", False, GROUP, True),
        ("Managed Identity Contributor", False, IDENTITY, True),
        ("Managed Identity Operator", False, GROUP, False),
        ("Managed Identity Operator", True, GROUP, True),
        ("Managed Identity Operator", True, IDENTITY, True),
        ("Managed Identity Operator", True, VM, False),
        ("Contributor", False, GROUP, True),
        ("Virtual Machine Contributor", False, GROUP, False),
        ("Reader", True, SUB, False),
    ],
)
def test_who_can_become_a_user_assigned_identity(name: str, runs: bool, scope: str, able: bool) -> None:
    """By a federated credential at once; by assigning it only with something that runs with it."""
    assert becomes(power(name, scope, runs_workloads=runs), IDENTITY) is able


def test_on_an_identity_itself_it_is_that_one_that_is_become() -> None:
    """And nothing whose name begins alike."""
    assert power("Managed Identity Contributor", IDENTITY).becomes == (IDENTITY.lower(),)


@pytest.mark.parametrize("action", ["roleDefinitions/write", "policyDefinitions/write"])
def test_changing_definitions_leads_on_only_from_a_subscription_up(action: str) -> None:
    """That is where such a role is held, or such a policy assigned."""
    able = custom(f"Microsoft.Authorization/{action}")

    assert able.power(place_of(SUB)).privilege.level == "high"
    assert able.power(place_of(SUB)).privilege.evidence[0].startswith(POTENTIAL)
    assert able.power(place_of(GROUP)) == Power()


@pytest.mark.parametrize(
    ("custom", "assignable", "level"),
    [
        (True, (SUB,), "escalation"),
        (True, (SUB, GROUP), "escalation"),
        (True, (SUB, f"{SUB[:-1]}2"), "high"),
        (True, (MANAGEMENT,), "high"),
        (True, (f"{SUB}2",), "high"),
        (True, ("/",), "high"),
        (True, (), "high"),
        (False, (SUB,), "high"),
        (None, (SUB,), "high"),
    ],
)
def test_a_role_that_can_change_itself_gives_everything(
    custom: bool | None, assignable: tuple[str, ...], level: str
) -> None:
    """That takes the right on every scope where it can be assigned; Microsoft's own roles cannot be changed."""
    block = Block(actions=("Microsoft.Authorization/roleDefinitions/write",))
    given = AzureJudge(Role(id="c", name="c", custom=custom, blocks=(block,), assignable=assignable)).power(
        place_of(SUB)
    )

    assert given.privilege.level == level
    assert given.privilege.evidence[0].startswith("changing the role that it holds: ") == (level == "escalation")


def test_service_principals_cannot_activate_what_they_are_eligible_for() -> None:
    """So whoever may make somebody eligible gives itself nothing by it."""
    able = custom("Microsoft.Authorization/roleEligibilityScheduleRequests/write")

    assert able.power(place_of(SUB)).privilege.level == "high"
    assert able.power(place_of(GROUP)) == Power()


def test_assigning_and_running_may_come_from_two_roles() -> None:
    """On a subscription that is potential, whatever identities are there."""
    assert judge("Virtual Machine Contributor").runs_workloads
    assert not judge("Reader").runs_workloads
    assert power("Managed Identity Operator", runs_workloads=True).privilege.level == "high"


def test_secrets_of_a_vault_are_high_on_the_vault_and_not_on_one_of_them() -> None:
    """One secret is what an application needs for itself."""
    assert power("Key Vault Secrets User", VAULT).privilege.level == "high"
    assert power("Key Vault Secrets User", f"{VAULT}/secrets/own").privilege.level == "normal"


def test_a_condition_on_assigning_roles_leaves_the_rest_certain() -> None:
    """An owner who may assign some roles only is still able to do everything else."""
    owner = power("Owner", condition=ONLY_SOME_ROLES)

    assert owner.privilege.level == "high"
    assert not owner.conditional
    assert any(one.conditional for one in owner.takes_over)
    assert any(not one.conditional for one in owner.takes_over)


def test_what_is_certain_and_what_is_not_are_reported_together() -> None:
    """The graver counts, capped by its uncertainty."""
    able = custom("Microsoft.Logic/workflows/write", "Microsoft.Authorization/roleAssignments/write")
    given = able.power(place_of(GROUP), condition=ONLY_SOME_ROLES)

    assert given.privilege.level == "high"
    assert all(text.endswith(", under a condition") for text in given.privilege.evidence)
    assert [one.conditional for one in given.takes_over] == [False, True]
    assert not given.becomes
    assert not given.conditional


@pytest.mark.parametrize(
    ("name", "condition", "takes_over"),
    [
        ("Role Based Access Control Administrator", ONLY_SOME_ROLES, True),
        ("Storage Blob Data Reader", ONE_CONTAINER, False),
        ("Owner", "@Resource[a:b] StringEquals 'c'", True),
    ],
)
def test_what_a_condition_decides_is_high_at_most(name: str, condition: str, takes_over: bool) -> None:
    """And what it lets its holder become is reported as conditional."""
    given = power(name, condition=condition)

    assert given.privilege.level == "high"
    assert given.conditional
    assert {one.conditional for one in given.takes_over} == ({True} if takes_over else set())


def test_a_condition_of_the_role_itself_counts_as_one() -> None:
    """A definition can hold one, too."""
    block = Block(actions=("*",), condition="@Resource[a:b] StringEquals 'c'")
    given = AzureJudge(Role(id="r", name="r", blocks=(block,))).power(place_of(SUB))

    assert (given.privilege.level, given.conditional) == ("high", True)


@pytest.mark.parametrize(
    ("name", "scope", "expected"),
    [
        ("Key Vault Secrets User", SUB, [("read_secrets", (), False)]),
        ("Key Vault Secrets User", VAULT, [("read_secrets", ("https://shared.vault.*/*",), True)]),
        ("Key Vault Secrets User", GROUP, [("read_secrets", (), True)]),
        ("Storage Blob Data Reader", GROUP, [("read_data", (), True)]),
    ],
)
def test_consequences_count_on_any_scope(
    name: str, scope: str, expected: list[tuple[str, tuple[str, ...], bool]]
) -> None:
    """Below a subscription they are narrow; of a vault, the patterns of the keys of what it keeps."""
    found = power(name, scope).consequences

    assert [(one.kind, one.on, one.narrow) for one in found] == expected
    assert all(name in one.by and not one.conditional for one in found)


def test_a_judge_is_freed_without_garbage_collection() -> None:
    """Its cached results end with it: a tenant has thousands of roles."""
    gc.disable()
    try:
        owner = judge("Owner")
        owner.power(place_of(SUB), condition=ONE_CONTAINER)
        alive = ref(owner)
        del owner

        assert alive() is None
    finally:
        gc.enable()
