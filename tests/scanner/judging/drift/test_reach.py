"""Permissions and systems beyond those declared, as far as grants show."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.judging.drift import undeclared_reach
from scanner.model import Grant, Privilege
from tests.factories import make_entry, make_identity


def grant(name: str, resource: str | None = None, *, admin: bool = False) -> Grant:
    return Grant(name=name, via="direct", resource=resource, admin=admin)


ADMIN = grant("AdministratorAccess", "*", admin=True)
TABLE = grant("p1", "arn:aws:dynamodb:eu-west-1:1:table/x, arn:aws:s3:::b, arn:aws:logs:eu-west-1:1:*")


@pytest.mark.parametrize(
    ("grants", "declared", "found"),
    [
        pytest.param(
            [ADMIN], {"systems": ("SAP",)}, ["systems: admin through AdministratorAccess (direct)"], id="admin"
        ),
        pytest.param(
            [ADMIN],
            {"permissions": ("read",), "systems": ("SAP",)},
            ["permissions: admin through AdministratorAccess (direct)"],
            id="admin-is-reported-once",
        ),
        pytest.param([ADMIN], {"permissions": ("Full access",)}, [], id="declared-to-do-anything"),
        pytest.param([ADMIN], {"permissions": ("*:*",)}, [], id="declared-a-star"),
        pytest.param([grant("s3:GetObject")], {"permissions": ("s3:Get*",)}, [], id="covered-action"),
        pytest.param(
            [grant("s3:*"), grant("iam:PassRole")],
            {"permissions": ("s3:GetObject",)},
            ["permissions: iam:PassRole, s3:*"],
            id="wider-and-other-actions",
        ),
        pytest.param(
            [grant("s3-read"), grant("ddb-write"), grant("default")],
            {"permissions": ("arn:aws:iam::1:policy/s3-read",)},
            ["permissions: ddb-write"],
            id="another-policy-than-named",
        ),
        pytest.param([grant("s3-read")], {"permissions": ("read only",)}, [], id="not-the-providers-words"),
        pytest.param([grant("s3-read")], {"permissions": ("s3:GetObject",)}, [], id="a-policys-name-is-no-action"),
        pytest.param([TABLE], {"systems": ("Amazon S3",)}, ["systems: dynamodb"], id="another-service"),
        pytest.param([TABLE], {"systems": ("S3", "DynamoDB")}, [], id="declared-services"),
        pytest.param([TABLE], {"systems": ("s3", "SAP")}, [], id="a-system-that-is-no-service"),
        pytest.param(
            [TABLE], {"systems": ("s3",), "permissions": ("dynamodb:GetItem",)}, [], id="a-service-named-by-an-action"
        ),
        pytest.param([grant("p1", "*")], {"systems": ("s3",)}, [], id="a-resource-that-tells-nothing"),
        pytest.param([grant("sqs:Send*")], {"systems": ("s3",)}, ["systems: sqs"], id="an-action-tells-a-service"),
        pytest.param([], {"systems": ("s3",)}, [], id="no-grants"),
    ],
)
def test_reach(grants: list[Grant], declared: dict[str, Any], found: list[str]) -> None:
    """Only what grants and entry say in the same terms can differ."""
    drift = undeclared_reach(make_identity(grants=tuple(grants)), make_entry("x", **declared))

    assert [f"{drift_.aspect}: {drift_.found}" for drift_ in drift] == found


def test_admin_by_its_effective_permissions() -> None:
    """If no single grant makes it an admin, the evidence of its level is used."""
    identity = make_identity(privilege=Privilege(level="admin", evidence=("* on *", "from p1 and p2 together")))
    (drift,) = undeclared_reach(identity, make_entry("x", systems=("SAP",)))

    assert (drift.declared, drift.found) == ("SAP", "admin; * on *")


@pytest.mark.parametrize(("grants", "more"), [(5, ""), (6, " and 1 other"), (9, " and 4 others")])
def test_many_grants_are_counted(grants: int, more: str) -> None:
    """The first five by name, and how many more."""
    held = tuple(grant(f"sqs:Act{number}") for number in range(grants))
    (drift,) = undeclared_reach(make_identity(grants=held), make_entry("x", permissions=("s3:*",)))

    assert drift.found == f"sqs:Act0, sqs:Act1, sqs:Act2, sqs:Act3, sqs:Act4{more}"
