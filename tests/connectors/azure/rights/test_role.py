"""What the actions of an Azure role allow: wildcards, exceptions, several blocks, data actions."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.azure.rights.azure_role import Block, Role, covers

WRITE = "Microsoft.Compute/virtualMachines/write"
_ANY_TEXT = st.text("ab/.*", max_size=12)


def _role(*blocks: Block) -> Role:
    return Role(id="r", name="Role", blocks=blocks)


@pytest.mark.parametrize(
    ("pattern", "name", "covered"),
    [
        ("*", "microsoft.compute/virtualmachines/write", True),
        ("*/read", "microsoft.compute/virtualmachines/read", True),
        ("*/read", "microsoft.compute/virtualmachines/readx", False),
        ("microsoft.compute/*", "microsoft.compute/virtualmachines/write", True),
        ("microsoft.compute/*/write", "microsoft.compute/virtualmachines/write", True),
        ("microsoft.compute/*/write", "microsoft.compute/write", False),
        ("microsoft.authorization/*/write", "microsoft.authorization/roleassignments/write", True),
        ("microsoft.web/sites/*", "microsoft.web/serverfarms/write", False),
        ("a*b*a", "aba", True),
        ("a*b*a", "ab", False),
        ("aa*aa", "aaa", False),
        ("", "", True),
        ("", "a", False),
    ],
)
def test_a_pattern_covers_what_its_wildcards_allow(pattern: str, name: str, covered: bool) -> None:
    """``*`` represents any characters, none included, and across slashes."""
    assert covers(pattern, name) is covered


@given(_ANY_TEXT, _ANY_TEXT)
def test_patterns_agree_with_regular_expressions(pattern: str, name: str) -> None:
    """The plain search is only faster, and cannot be made slow."""
    expression = ".*".join(map(re.escape, pattern.split("*")))
    plain = name.replace("*", "")

    assert covers(pattern, plain) is bool(re.fullmatch(expression, plain))


def test_a_pattern_of_nothing_but_wildcards_is_answered_at_once() -> None:
    """A custom role may hold anything; matching must not take longer the more stars it has."""
    assert covers("*a" * 5_000 + "b", "a" * 4_999) is False


@pytest.mark.parametrize(
    ("blocks", "allowed"),
    [
        ([Block(actions=("*",))], True),
        ([Block(actions=("MICROSOFT.compute/*/WRITE",))], True),
        ([Block(actions=("*",), not_actions=("Microsoft.Compute/*",))], False),
        ([Block(actions=("*",), not_actions=("microsoft.compute/VIRTUALMACHINES/write",))], False),
        ([Block(actions=("*",), not_actions=("Microsoft.Compute/*",)), Block(actions=(WRITE,))], True),
        ([Block(data_actions=("*",))], False),
        ([Block(not_actions=(WRITE,))], False),
        ([Block(actions=(WRITE,), condition="@Resource[a] StringEquals 'b'")], False),
        ([], False),
    ],
)
def test_a_role_allows_what_one_of_its_blocks_does(blocks: list[Block], allowed: bool) -> None:
    """Exceptions are those of a block, not of the role; what a condition decides is not allowed for certain."""
    assert _role(*blocks).allows(WRITE) is allowed


def test_data_actions_are_a_matter_of_their_own() -> None:
    """Neither kind gives the other."""
    role = _role(Block(actions=("*",), data_actions=("Microsoft.KeyVault/*",), not_data_actions=("*/keys/*",)))

    assert role.allows("data:Microsoft.KeyVault/vaults/secrets/getSecret/action")
    assert not role.allows("data:Microsoft.KeyVault/vaults/keys/sign/action")
    assert not role.allows("data:Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read")


def test_what_a_condition_decides_may_be_allowed() -> None:
    """It is distinguished from what is not allowed at all."""
    role = _role(Block(actions=(WRITE,), condition="@Resource[a] StringEquals 'b'"))

    assert role.may_allow(WRITE)
    assert not role.may_allow("Microsoft.Compute/virtualMachines/delete")


@pytest.mark.parametrize(
    ("block", "everything"),
    [
        (Block(actions=("*",)), True),
        (Block(actions=("*",), not_actions=("Microsoft.Authorization/*/write",)), True),
        (Block(actions=("*/read",)), False),
        (Block(actions=("*/write", "*/read", "*/delete")), False),
        (Block(actions=("*",), not_actions=("*/write",)), False),
    ],
)
def test_everything_is_every_action_that_is_not_named(block: Block, everything: bool) -> None:
    """Contributor's exceptions leave it everything else; reading everything is not everything."""
    assert _role(block).allows_everything is everything
