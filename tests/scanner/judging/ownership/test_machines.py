"""Machines and shared accounts."""

from __future__ import annotations

import pytest

from scanner.judging.ownership import is_machine
from scanner.registry.roster.machines import Machines


@pytest.mark.parametrize(
    ("text", "machine"),
    [
        ("terraform", True),
        ("CI", True),
        (" Jenkins ", True),
        ("root", True),
        ("admin@example.com", True),
        ("svc-deploy", True),
        ("renovate[bot]", True),
        ("arn:aws:iam::1:role/x", True),
        ("etl@p.iam.gserviceaccount.com", True),
        ("ada@example.com", False),
        ("administrative-services", False),
        ("circe", False),
        ("", False),
    ],
)
def test_the_deny_list(text: str, *, machine: bool) -> None:
    """Machines and shared accounts are recognised by whole words, and by prefixes and suffixes."""
    assert is_machine(text) is machine


@pytest.mark.parametrize(
    ("text", "machine"),
    [
        pytest.param("Infra-Robot-7", True, id="configured-in-any-case"),
        pytest.param("my-infra-robot-7", False, id="the-whole-text-counts"),
        pytest.param("jenkins", True, id="built-in"),
        pytest.param("deploy-role", True, id="discovered"),
        pytest.param("ada@example.com", False, id="a-person"),
    ],
)
def test_the_organisation_adds_its_own(text: str, *, machine: bool) -> None:
    """Configured patterns and discovered identities join the built-in list."""
    machines = Machines(("infra-robot-*",), lambda text: text == "deploy-role")
    assert (text in machines) is machine


def test_a_discovered_machine_is_on_no_list() -> None:
    """It differs from names on the deny-list."""
    machines = Machines((), lambda text: text == "deploy-role")
    assert not machines.denied("deploy-role")
    assert not machines.configured("jenkins")
