"""Where a role is assigned, and which keys are within that."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.azure.rights.places import BREADTHS, place_of, type_of

SUB = "/subscriptions/11111111-1111-1111-1111-111111111111"
GROUP = f"{SUB}/resourceGroups/Prod"
VM = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/VM1"
SITE = f"{GROUP}/providers/Microsoft.Web/sites/shop"
REGISTRY = f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/images"
MANAGEMENT = "/providers/Microsoft.Management/managementGroups/Corp"


@pytest.mark.parametrize(
    ("scope", "breadth", "words"),
    [
        ("/", "management_group", "the whole tenant"),
        ("", "management_group", "the whole tenant"),
        (MANAGEMENT, "management_group", "management group corp"),
        (SUB, "subscription", f"subscription {SUB[-36:]}"),
        (f"{SUB}/", "subscription", f"subscription {SUB[-36:]}"),
        (GROUP, "resource_group", "resource group prod"),
        (VM, "resource", f"resource {VM.lower()}"),
        (f"{SITE}/slots/test", "part", f"resource {SITE.lower()}/slots/test"),
        (f"{VM}/providers/Microsoft.Insights/diagnosticSettings/logs", "resource", None),
        ("/providers/Microsoft.Capacity/reservationOrders/1", "part", None),
    ],
)
def test_a_scope_is_as_broad_as_its_form_says(scope: str, breadth: str, words: str | None) -> None:
    """Case and a slash at the end make no difference."""
    place = place_of(scope)

    assert place.breadth == breadth
    assert words is None or place.words == words
    assert place.is_wide is (breadth in ("subscription", "management_group"))


@pytest.mark.parametrize("scope", ["subscriptions/x", "/subscriptions/*", "/subscriptions/a?b", "/a\nb", "https://x"])
def test_what_could_be_taken_for_a_pattern_is_no_scope(scope: str) -> None:
    """Resource Manager allows no such name, and it would reach what the role does not."""
    with pytest.raises(ValueError, match="not a scope"):
        place_of(scope)


@pytest.mark.parametrize(
    ("scope", "type_", "key", "within"),
    [
        (SUB, "Microsoft.Compute/virtualMachines", VM, True),
        (SUB, "Microsoft.Compute/virtualMachines", SITE, False),
        (SUB, "Microsoft.Compute/virtualMachines", VM.replace("1111-", "2222-", 1), False),
        (GROUP, "Microsoft.Compute/virtualMachines", VM, True),
        (GROUP, "Microsoft.Compute/virtualMachines", VM.replace("/Prod/", "/Production/"), False),
        (VM, "Microsoft.Compute/virtualMachines", VM, True),
        (VM, "Microsoft.Compute/virtualMachines", f"{VM}2", False),
        (VM, "Microsoft.Web/sites", SITE, False),
        (SITE, "Microsoft.Web/sites", f"{SITE}/slots/test", True),
        (f"{SITE}/slots/test", "Microsoft.Web/sites", f"{SITE}/slots/test", True),
        (f"{SITE}/slots/test", "Microsoft.Web/sites", SITE, False),
        (REGISTRY, "Microsoft.ContainerRegistry/registries/tasks", f"{REGISTRY}/tasks/build", True),
        (REGISTRY, "Microsoft.ContainerRegistry/registries/tasks", f"{REGISTRY}2/tasks/build", False),
        ("/", "Microsoft.Compute/virtualMachines", VM, True),
        (MANAGEMENT, "Microsoft.Compute/virtualMachines", VM, False),
    ],
)
def test_keys_of_a_type_are_those_within(scope: str, type_: str, key: str, within: bool) -> None:
    """Names are compared whole, so that one that begins alike is another."""
    patterns = place_of(scope).keys_of(type_)

    assert any(fnmatchcase(key.lower(), pattern) for pattern in patterns) is within
    if within:
        assert any(fnmatchcase(key.lower(), pattern) for pattern in place_of(scope).every_key)


def test_a_management_group_reaches_the_subscriptions_it_holds() -> None:
    """And nothing where they are not known."""
    place = place_of(MANAGEMENT, holds=("AAAA", "bbbb"))

    assert place.keys_of("Microsoft.Logic/workflows") == (
        "/subscriptions/aaaa/*/providers/microsoft.logic/workflows/*",
        "/subscriptions/bbbb/*/providers/microsoft.logic/workflows/*",
    )
    assert place_of(MANAGEMENT).every_key == ()


@pytest.mark.parametrize(
    ("resource", "type_"),
    [
        (VM, "microsoft.compute/virtualmachines"),
        (f"{SITE}/slots/test", "microsoft.web/sites/slots"),
        (GROUP, ""),
        (f"{VM}/providers/Microsoft.Insights/diagnosticSettings/logs", "microsoft.insights/diagnosticsettings"),
    ],
)
def test_the_type_is_in_the_id(resource: str, type_: str) -> None:
    """The last provider's is the resource's own."""
    assert type_of(resource) == type_


@given(st.text(max_size=60).map(lambda text: f"/{text}"))
def test_no_scope_makes_it_stumble(scope: str) -> None:
    """Whatever a server says, there is a place or a ValueError."""
    try:
        place = place_of(scope)
    except ValueError:
        return
    assert place.breadth in BREADTHS
    assert place.keys_of("Microsoft.Compute/virtualMachines") is not None
    assert place.words
