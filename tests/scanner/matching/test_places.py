"""What a gap hides: parts of a scope that it cannot be in were read."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.matching.places import Places
from tests.factories import make_coverage, make_identity

KEY = make_identity("ci", kind="deploy_key", attributes={"repository": "Acme/Shop"})
PARTIAL: dict[str, Any] = {"section": "deploy_keys", "status": "partial", "kinds": ("deploy_key",)}


@pytest.mark.parametrize(
    ("sections", "was_read"),
    [
        ([PARTIAL | {"unread_in": ("acme/site",)}], True),
        ([PARTIAL | {"unread_in": ("acme/site", "acme/shop")}], False),
        ([PARTIAL], False),
        ([PARTIAL | {"unread_in": ("acme/site",)}, PARTIAL | {"section": "repositories"}], False),
        ([PARTIAL | {"unread_in": ("acme/site",)}, PARTIAL | {"section": "*", "kinds": ("*",)}], False),
        ([PARTIAL | {"unread_in": ("acme/site",)}, {"section": "members", "status": "denied", "kinds": ("m",)}], True),
        ([{"section": "deploy_keys", "status": "complete", "kinds": ("deploy_key",)}], True),
        ([], False),
    ],
)
def test_a_gap_in_one_part_of_a_scope_hides_nothing_in_another(sections: list[dict[str, Any]], was_read: bool) -> None:
    """Only if every section that lists such identities says where all of its gap is."""
    places = Places([make_coverage(source=KEY.source, scope=KEY.scope, **one) for one in sections])

    assert places.rechecked(KEY) is was_read


def test_a_denied_mount_hides_nothing_on_another() -> None:
    """A role of Vault names its mount."""
    role = make_identity("ci", provider="vault", kind="approle", attributes={"mount": "approle"})
    read, denied = (
        make_coverage(source=role.source, scope=role.scope, kinds=("approle",), **one)
        for one in (
            {"section": "auth.approle:approle", "status": "complete"},
            {"section": "auth.approle:old", "status": "denied", "unread_in": ("old",)},
        )
    )

    assert Places([read, denied]).rechecked(role)
    assert not Places([read, denied]).rechecked(make_identity("x", kind="approle", attributes={"mount": "old"}))


def test_an_identity_of_no_known_part_may_be_in_any() -> None:
    """It has no repository."""
    gap = make_coverage(source=KEY.source, scope=KEY.scope, **PARTIAL, unread_in=("acme/site",))

    assert not Places([gap]).rechecked(make_identity("ci", kind="deploy_key"))


def test_an_unread_project_of_a_vendor_hides_nothing_in_another() -> None:
    """A service account names its project by id."""
    account = make_identity("ci", provider="openai", kind="service_account", attributes={"project_id": "proj_1"})
    gap = {"section": "service_accounts", "status": "partial", "kinds": ("service_account",)}
    other, its_own = (
        Places([make_coverage(source=account.source, scope=account.scope, unread_in=(project,), **gap)])
        for project in ("proj_2", "proj_1")
    )

    assert other.rechecked(account)
    assert not its_own.rechecked(account)
