"""What permissions of roles amount to."""

from __future__ import annotations

import pytest

from connectors.openai.payloads import Role
from connectors.openai.rights import rights_of
from scanner.model import POTENTIAL, Privilege, PrivilegeLevel

WHOLE = "api.organization"
JOINS = f"{POTENTIAL}could join groups with more roles: the role rota allows api.groups.write"


def _privilege(permission: str, resource: str = WHOLE) -> Privilege:
    role = Role(id="role_1", name="rota", permissions=(permission,), resource_type=resource)
    return rights_of([(role, "direct")]).privilege


@pytest.mark.parametrize(
    ("permission", "level", "words"),
    [
        ("api.management.write", "admin", "the role rota allows api.management.write"),
        ("api.roles.write", "escalation", "using api.roles.write, which the role rota allows"),
        ("api.admin_api_keys.write", "escalation", "using api.admin_api_keys.write, which the role rota allows"),
        ("api.users.*", "escalation", "using api.users.*, which the role rota allows"),
        (
            "api.groups.write",
            "high",
            f"{POTENTIAL}could join groups with more roles: the role rota allows api.groups.write",
        ),
        ("api.projects.write", "high", "the role rota allows api.projects.write"),
    ],
)
def test_what_it_does_to_itself_is_escalation(permission: str, level: PrivilegeLevel, words: str) -> None:
    """A group is only worth what its roles are."""
    assert _privilege(permission) == Privilege(level=level, evidence=(words,))


def test_in_a_project_it_ends_there() -> None:
    """As everything that a role in a project allows."""
    assert _privilege("api.roles.write", "api.project") == Privilege(
        level="high", evidence=("the role rota allows api.roles.write",)
    )
