"""What roles of the organization amount to."""

from __future__ import annotations

import pytest

from connectors.ai_vendors.records import Member, VendorOrganization
from connectors.anthropic.identities import Organization, identities
from connectors.anthropic.payloads import ApiKey, Principal
from connectors.anthropic.spec import SPEC
from connectors.core.contract import Scope


@pytest.mark.parametrize(
    ("role", "level"),
    [
        ("primary_owner", "admin"),
        ("owner", "admin"),
        ("admin", "admin"),
        ("membership_admin", "high"),
        ("developer", "normal"),
    ],
)
def test_whoever_invites_members_does_not_change_their_roles(role: str, level: str) -> None:
    """So it makes no admin of itself."""
    place = VendorOrganization(Scope(source="prod", spec=SPEC, id="acme"))
    read = Organization(
        users={"u": Member(id="u", role=role)}, keys=(ApiKey(id="k", principal=Principal(user_id="u")),)
    )

    (user,) = identities(place, read)

    assert (user.privilege.level, user.privilege.evidence) == (level, (f"{role} of the organization",))
