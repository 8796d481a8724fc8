"""Facts of resources that run as something."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.azure.reader import AzureUnit
from connectors.azure.spec import SPEC
from connectors.azure.workloads.rows import AzureResource, Identities, workload
from connectors.core.contract import Scope
from scanner.model import with_typed

SCOPE = Scope(source="prod", spec=SPEC, id="s-1", context=AzureUnit(kind="subscription", tenant="t-1"))
WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def _row(**facts: Any) -> AzureResource:
    usual = {"id": "/subscriptions/S-1/resourceGroups/G/providers/A.B/cs/D", "name": "D", "type": "a.b/cs"}
    return AzureResource(**{"identity": Identities(principal_id="p"), **usual, **facts})


def _found(**facts: Any) -> Any:
    found = workload(SCOPE, "t-1", _row(**facts))
    assert found is not None
    return found


@pytest.mark.parametrize(
    "identity",
    [None, Identities(), Identities(type="None"), Identities(type="SystemAssigned"),
     Identities(user_assigned_identities={})],
)  # fmt: skip
def test_what_runs_as_nothing_is_no_workload(identity: Identities | None) -> None:
    """Also where it says that it will have an identity, and has none yet."""
    assert workload(SCOPE, "t-1", _row(identity=identity)) is None


@pytest.mark.parametrize(
    ("tags", "kept"),
    [
        ({"b": "1", "a": ""}, {"a": "", "b": "1"}),
        ({"a": 7, "b": None}, {}),
        (None, {}),
        ("", {}),
        ("x", {}),
        (["a"], {}),
    ],
)
def test_tags_are_words(tags: object, kept: dict[str, str]) -> None:
    """Whatever else stands in their place is none."""
    assert _found(tags=tags).tags == kept


@pytest.mark.parametrize(
    ("facts", "local_keys"),
    [
        ({}, None),
        ({"disable_local_auth": False}, True),
        ({"disable_local_auth": True}, False),
        ({"disable_local_auth": "yes"}, None),
        ({"allow_shared_key_access": True}, True),
        ({"allow_shared_key_access": False}, False),
        ({"allow_shared_key_access": {}}, None),
    ],
)
def test_keys_of_its_own_are_reported_of(facts: dict[str, Any], local_keys: bool | None) -> None:
    """That they work, never what they are."""
    assert _found(**facts).attributes.get("local_keys") is local_keys


def test_when_it_was_made_has_several_names() -> None:
    """Each type has its own."""
    reported = "2026-01-02T03:04:05Z"

    assert {_found(**{name: reported}).created_at for name in ("time_created", "creation_time", "date_created")} == {
        WHEN
    }
    assert _found(creation_time="never", date_created=reported).created_at == WHEN


def test_an_agent_application_acts_as_its_agent_identity() -> None:
    """And names the blueprint that this was made from."""
    kind = "Microsoft.CognitiveServices/accounts/projects/applications"
    found = _found(type=kind, identity=None, agent_principal="P-1", agent_blueprint="B-1")

    assert found.runs_as == ("azure://t-1/agentIdentities/p-1",)
    assert found.attributes["blueprint"] == "azure://t-1/agentBlueprints/b-1"
    assert workload(SCOPE, "t-1", _row(identity=None, agent_principal="P-1")) is None


@pytest.mark.parametrize(
    ("reported", "issuers"), [("https://aks.example/t/c/", ("https://aks.example/t/c/",)), ("", ()), (None, ())]
)
def test_a_cluster_says_whose_tokens_its_pods_get(reported: object, issuers: tuple[str, ...]) -> None:
    """So that anyone who takes these can be joined with it; of another shape, it is a gap of its row."""
    assert with_typed(_found(oidc_issuer=reported)).signs_tokens_as == issuers
    with pytest.raises(ValueError, match="attribute signs_tokens_as does not fit"):
        with_typed(_found(oidc_issuer=7))
