"""Entries of a deleted identity whose name lives again: recognised by the unique id, and by nothing less."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.matching.recreated import is_recreated, same_unique_id
from tests.factories import make_credential, make_entry, make_identity

OLD, NEW = "AROAOLDOLDOLDOLD0001", "AROANEWNEWNEWNEW0002"
OLD_GUID, NEW_GUID = "0b1a7c3e-1111-4222-8333-444455556666", "9f8e7d6c-1111-4222-8333-444455556666"
ROLE: dict[str, Any] = {"key": "arn:aws:iam::123456789012:role/deploy-bot", "kind": "role", "unique_id": NEW}
PRINCIPAL: dict[str, Any] = {
    "key": f"azure://contoso/servicePrincipals/{NEW_GUID}",
    "provider": "azure",
    "kind": "service_principal",
    "unique_id": NEW_GUID,
}
ACCOUNT: dict[str, Any] = {"key": "gcp://p/sa", "provider": "gcp", "unique_id": "110011001100110011001"}


@pytest.mark.parametrize(
    ("facts", "texts", "entry"),
    [
        pytest.param(ROLE, [OLD], {"name": "deploy-bot"}, id="name-column"),
        pytest.param(ROLE, [OLD], {"name": "Deploy Bot"}, id="name-for-people"),
        pytest.param(ROLE, [OLD, "deploy-bot"], {}, id="name-beside-the-id"),
        pytest.param(ROLE, [OLD, ROLE["key"]], {}, id="key-beside-the-id"),
        pytest.param(ROLE, [OLD], {"name": "deploy-bot", "provider": "AWS"}, id="provider"),
        pytest.param(PRINCIPAL, [OLD_GUID], {"name": "deploy-bot"}, id="guid"),
        pytest.param(PRINCIPAL, [f"{{{OLD_GUID.upper()}}}"], {"name": "deploy-bot"}, id="guid-in-braces"),
        pytest.param(ACCOUNT, ["220022002200220022002"], {"name": "deploy-bot"}, id="number"),
    ],
)
def test_a_name_that_lives_under_another_unique_id_is_recreated(
    facts: dict[str, Any], texts: list[str], entry: dict[str, Any]
) -> None:
    """However the entry gives the name and the id."""
    assert is_recreated(make_identity("deploy-bot", **facts), make_entry(*texts, **entry))


@pytest.mark.parametrize(
    ("facts", "texts", "entry"),
    [
        pytest.param(ROLE, [NEW], {"name": "deploy-bot"}, id="its-own-id"),
        pytest.param(ROLE, [OLD, NEW], {"name": "deploy-bot"}, id="its-own-id-too"),
        pytest.param(PRINCIPAL, [NEW_GUID.replace("-", "").upper()], {"name": "deploy-bot"}, id="respelled"),
        pytest.param({**PRINCIPAL, "aliases": (OLD_GUID,)}, [OLD_GUID], {"name": "deploy-bot"}, id="alias"),
        pytest.param(ROLE, [OLD], {"name": "deploy-robot"}, id="another-name"),
        pytest.param(ROLE, ["deploy-bot"], {}, id="no-id"),
        pytest.param({**ROLE, "unique_id": None}, [OLD], {"name": "deploy-bot"}, id="identity-without-id"),
        pytest.param(ROLE, ["AKIAOLDOLDOLDOLD0001"], {"name": "deploy-bot"}, id="replaced-key"),
        pytest.param(ROLE, [OLD_GUID], {"name": "deploy-bot"}, id="id-of-another-provider"),
        pytest.param(PRINCIPAL, [OLD], {"name": "deploy-bot"}, id="form-of-another-provider"),
        pytest.param(ROLE, ["arn:aws:iam::123456789012:role/deploy-bots"], {"name": "deploy-bot"}, id="key"),
        pytest.param(PRINCIPAL, [OLD_GUID], {"name": "deploy-bot", "provider": "gcp"}, id="other-provider"),
    ],
)
def test_less_than_another_unique_id_is_not_recreated(
    facts: dict[str, Any], texts: list[str], entry: dict[str, Any]
) -> None:
    """A replaced key, another provider's id or no id at all says nothing about the identity."""
    assert not is_recreated(make_identity("deploy-bot", **facts), make_entry(*texts, **entry))


def test_an_entry_for_several_with_a_living_id_is_for_that_one() -> None:
    """Its other names are ordinary names."""
    entry = make_entry(OLD, name="deploy-bot")

    assert not is_recreated(make_identity("deploy-bot", **ROLE), entry, alive={same_unique_id(OLD)})


def test_the_id_of_a_key_that_it_holds_is_its_own() -> None:
    """Azure's secrets have GUIDs, like everything there."""
    identity = make_identity("deploy-bot", **PRINCIPAL)
    holding = make_identity("deploy-bot", **PRINCIPAL, credentials=(make_credential(identity, OLD_GUID),))

    assert not is_recreated(holding, make_entry(OLD_GUID, name="deploy-bot"))


@given(st.lists(st.text(max_size=40), max_size=4), st.text(max_size=40), st.text(max_size=40))
def test_any_text_gives_an_answer(texts: list[str], name: str, unique_id: str) -> None:
    """And never that an identity is recreated whose id the entry has."""
    identity = make_identity(name, unique_id=unique_id)

    assert not is_recreated(identity, make_entry(unique_id, *texts, name=name))
    is_recreated(identity, make_entry(*texts, name=name))
