"""What deny assignments may take away: from whom, where, and what is left of a role."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

import msgspec
import pytest

from connectors.azure.rights.deny_assignments import Denial, DenyAssignment, denial_of
from connectors.azure.rights.places import place_of
from connectors.azure.rights.power import Power
from tests.connectors.azure.rights.test_azure_privilege import judge
from tests.connectors.azure.rights.test_places import GROUP, MANAGEMENT, SITE, SUB, VM

EVERYBODY = {"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}
ELSEWHERE = f"{SUB}/resourceGroups/other"
RUN_COMMAND = "Microsoft.Compute/virtualMachines/runCommand/action"


def denial(scope: str = SUB, *actions: str, data: Sequence[str] = ("*",), **facts: Any) -> Denial:
    """Everything but reading is denied to everyone, unless said otherwise."""
    usual = {
        "scope": scope,
        "denyAssignmentName": "managed",
        "permissions": [{"actions": list(actions or ("*",)), "notActions": ["*/read"], "dataActions": list(data)}],
        "principals": [EVERYBODY],
    }
    return denial_of(msgspec.convert({"id": "d", "properties": {**usual, **facts}}, DenyAssignment))


@pytest.mark.parametrize(
    ("principals", "excluded", "ids", "concerned"),
    [
        ([EVERYBODY], [], {"ci"}, True),
        ([{"id": "CI", "type": "ServicePrincipal"}], [], {"ci"}, True),
        ([{"id": "other", "type": "ServicePrincipal"}], [], {"ci"}, False),
        ([{"id": "team", "type": "Group"}], [], {"ci"}, True),
        ([EVERYBODY], [{"id": "CI", "type": "ServicePrincipal"}], {"ci"}, False),
        ([EVERYBODY], [{"id": "team", "type": "Group"}], {"ci", "team"}, False),
        ([EVERYBODY], [{"id": "team", "type": "Group"}], {"ci"}, True),
        ([], [], {"ci"}, False),
    ],
)
def test_who_it_concerns(
    principals: Sequence[dict[str, str]], excluded: Sequence[dict[str, str]], ids: set[str], *, concerned: bool
) -> None:
    """Who is in a group that it names is not known; who it excludes is spared."""
    assert denial(principals=principals, excludePrincipals=excluded).concerns(ids) is concerned


@pytest.mark.parametrize(
    ("scope", "place", "reaches", "lies_in"),
    [
        (SUB, SUB, True, False),
        (SUB.upper().replace("/SUBSCRIPTIONS", "/subscriptions"), GROUP, True, False),
        (SUB, VM, True, False),
        (MANAGEMENT, SUB, True, False),
        ("/", MANAGEMENT, True, False),
        (GROUP, VM, True, False),
        (GROUP, SUB, False, True),
        (VM, GROUP, False, True),
        (VM, SITE, False, False),
        (GROUP, ELSEWHERE, False, False),
        (GROUP, f"{GROUP}2", False, False),
    ],
)
def test_where_it_holds(scope: str, place: str, *, reaches: bool, lies_in: bool) -> None:
    """At its scope and below, or in a part of the place only."""
    found, where = denial(scope), place_of(place)

    assert (found.reaches(where), found.lies_in(where)) == (reaches, lies_in)


def test_one_that_is_not_inherited_holds_at_its_scope_alone() -> None:
    """As it says itself."""
    found = denial(GROUP, doNotApplyToChildScopes=True)

    assert (found.reaches(place_of(GROUP)), found.reaches(place_of(VM))) == (True, False)


@pytest.mark.parametrize("scope", ["nowhere", "/subscriptions/*"])
def test_a_scope_that_is_none_is_refused(scope: str) -> None:
    """Rather than taken for some place."""
    with pytest.raises(ValueError, match="not a scope"):
        denial(scope)


def power(name: str, scope: str, *denials: Denial) -> Power:
    """What one of Microsoft's roles amounts to on a scope."""
    return judge(name).power(place_of(scope), denials=denials)


@pytest.mark.parametrize(
    ("name", "scope", "denials", "level", "is_conditional"),
    [
        ("Owner", SUB, [denial(SUB)], "high", True),
        ("Owner", SUB, [denial(MANAGEMENT)], "high", True),
        ("Owner", SUB, [denial(GROUP)], "admin", False),
        ("Owner", SUB, [denial(SUB, "Microsoft.Compute/*")], "admin", False),
        ("Owner", SUB, [denial(SUB, "Microsoft.Authorization/roleAssignments/write")], "escalation", False),
        ("Contributor", SUB, [denial(SUB)], "high", True),
        ("Contributor", SUB, [denial(SUB, "Microsoft.Compute/*")], "high", False),
        ("Virtual Machine Contributor", SUB, [denial(SUB, "Microsoft.Web/*")], "high", False),
        ("Virtual Machine Contributor", SUB, [denial(SUB, "Microsoft.Compute/*")], "high", True),
        ("Reader", SUB, [denial(SUB)], "normal", True),
    ],
)
def test_what_is_left_of_a_role(
    name: str, scope: str, denials: Sequence[Denial], level: str, *, is_conditional: bool
) -> None:
    """What may be denied is high at most, and what is not denied counts as before."""
    found = power(name, scope, *denials)

    assert (found.privilege.level, found.conditional) == (level, is_conditional)


def taken_over(found: Power, key: str) -> list[bool]:
    """Whether a condition decides, for each way to take over a resource by that id."""
    return [
        one.conditional
        for one in found.takes_over
        if any(fnmatchcase(key.lower(), pattern) for pattern in one.on)
        and not any(fnmatchcase(key.lower(), pattern) for pattern in one.but)
    ]


@pytest.mark.parametrize(
    ("name", "place"),
    [("Virtual Machine Contributor", SUB), ("Contributor", GROUP), ("User Access Administrator", GROUP)],
)
def test_what_lies_where_it_is_denied_may_be_spared(name: str, place: str) -> None:
    """Resources of a managed application; those beside it are taken over as before."""
    free, denied = power(name, place), power(name, place, denial(VM))

    assert set(taken_over(free, VM)) == {False}
    assert set(taken_over(denied, VM)) == {True}
    assert set(taken_over(denied, f"{VM}0")) == {False}


@pytest.mark.parametrize("name", ["Virtual Machine Contributor", "User Access Administrator"])
def test_ways_by_data_actions_are_denied_as_such(name: str) -> None:
    """Anyone who may give itself rights can sign in to a machine by one; a role without any cannot."""
    found = power(name, GROUP, denial(VM, data=()))

    assert set(taken_over(found, VM)) == {name == "Virtual Machine Contributor"}


def test_a_way_that_is_not_denied_is_open_as_before() -> None:
    """Something else is denied there."""
    found = power("Virtual Machine Contributor", SUB, denial(GROUP, RUN_COMMAND, data=()))

    assert set(taken_over(found, VM)) == {False}
