"""Which actions the condition of a role assignment decides."""

from __future__ import annotations

import pytest

from connectors.azure.rights.azure_role import Condition

WRITE = "Microsoft.Authorization/roleAssignments/write"
READ_BLOBS = "data:Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
# As the portal writes them, in the form of Microsoft's examples for delegating role assignments.
ONLY_SOME_ROLES = """((
 !(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})
) OR (
 @Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId]
 ForAnyOfAnyValues:GuidEquals {b24988ac-6180-42a0-ab88-20f7382dd24c}
)) AND ((
 !(ActionMatches{'Microsoft.Authorization/roleAssignments/delete'})
) OR (
 @Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId]
 ForAnyOfAnyValues:GuidEquals {b24988ac-6180-42a0-ab88-20f7382dd24c}
))"""
ONE_CONTAINER = """((!(ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*'}))
 OR (@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name]
  StringEquals 'logs'))"""


@pytest.mark.parametrize(
    ("text", "action", "decides"),
    [
        (ONLY_SOME_ROLES, WRITE, True),
        (ONLY_SOME_ROLES, WRITE.upper(), True),
        (ONLY_SOME_ROLES, "Microsoft.Authorization/roleEligibilityScheduleRequests/write", True),
        (ONLY_SOME_ROLES, "Microsoft.Compute/virtualMachines/runCommand/action", False),
        (ONE_CONTAINER, READ_BLOBS, True),
        (ONE_CONTAINER, WRITE, False),
        ("@Resource[a:b] StringEquals 'c'", WRITE, True),
        (f"ActionMatches{{'{WRITE}'}} AND @Resource[a:b] StringEquals 'c'", "Microsoft.Compute/x/write", True),
        (f"!(ActionMatches{{'{WRITE}'}}) AND @Resource[a:b] StringEquals 'c'", "Microsoft.Compute/x/write", True),
        (f"!(ActionMatches{{'{WRITE}'}}) OR ActionMatches{{'{READ_BLOBS}'}}", "Microsoft.Compute/x/write", True),
        ("\u0000((((", WRITE, True),
        (None, WRITE, False),
        ("  ", WRITE, False),
    ],
)
def test_a_condition_decides_of_what_it_targets(text: str | None, action: str, decides: bool) -> None:
    """One of another form than the usual is taken to decide of everything: nothing is certain then."""
    assert Condition(text).decides(action) is decides
