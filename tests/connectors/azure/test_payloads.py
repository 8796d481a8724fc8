"""Ids that are no GUIDs, and values that were written as another type."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from connectors.azure.client.payloads import ObjectId
from connectors.azure.client.requests import ALLOWED, allowed
from connectors.azure.identities.payloads import ServicePrincipal
from connectors.azure.reader import AzureReader
from connectors.azure.spec import SPEC
from connectors.azure.workloads.rows import AzureResource
from connectors.core.contract import Meter, Scope
from tests.connectors.azure.estate import AzureEstate

PATHS = [one for one in ALLOWED if "{" in one.path]
LIKELY = st.lists(st.sampled_from(["%2f", "%2E", "%5C", ".", "/", "\\", ";", "?", "#", "a"]), max_size=4).map("".join)


@pytest.mark.parametrize("text", ["sp-1", "0001", "a.b_c~d", "a@b", "A=", "x" * 255])
def test_an_id_need_not_be_a_guid(text: str) -> None:
    """Emulators have their own."""
    assert msgspec.convert(text, ObjectId) == text


@pytest.mark.parametrize(
    "text", ["", ".", "..", "a/b", "a?b", "a#b", "a b", "a\n", "a%2f", "a\\b", "..;", "a\u202eb", "x" * 256]
)
def test_what_would_be_more_than_a_segment_is_no_id(text: str) -> None:
    """Nor what is not printed as it is."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(text, ObjectId)


@given(text=st.text(max_size=300) | LIKELY, one=st.sampled_from(PATHS))
def test_no_id_leads_out_of_the_table(text: str, one: Any) -> None:
    """With whatever is an id in its places, a path is still that entry's."""
    try:
        id_ = msgspec.convert(text, ObjectId)
    except msgspec.ValidationError:
        return

    path = re.sub(r"\{\w+\}", lambda _: id_, one.path)

    assert allowed(one.service, one.method, path, beta=one.beta).path == one.path


@pytest.mark.parametrize(
    ("facts", "enabled"),
    [({"accountEnabled": "true"}, True), ({"accountEnabled": "False"}, False), ({"accountEnabled": 0}, False)],
)
def test_a_value_of_another_type_is_read_as_what_it_says(
    azure: AzureEstate, facts: dict[str, Any], enabled: bool
) -> None:
    """The row is not lost."""
    section, row = _row(azure, facts)

    assert row is not None
    assert row.account_enabled is enabled
    assert not section.coverage.is_gap


@pytest.mark.parametrize("facts", [{"accountEnabled": "perhaps"}, {"accountEnabled": 7}, {"accountEnabled": []}])
def test_nonsense_is_a_malformed_row(azure: AzureEstate, facts: dict[str, Any]) -> None:
    """And a gap."""
    section, row = _row(azure, facts)

    assert row is None
    assert section.coverage.is_gap


def test_a_row_that_is_nested_too_deeply_is_a_malformed_row(azure: AzureEstate) -> None:
    """And a gap: the rows beside it are read."""
    deep = Raw(b'{"id": "r", "name": "n", "type": "t", "tags": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")
    meter = Meter()
    with azure.api(meter) as api:
        reader = AzureReader(api, Scope(source="prod", spec=SPEC, id=azure.tenant.id), meter, azure.settings())
        section = reader.section("arm.workloads")
        rows = list(reader.rows(section, [[deep, Raw(b'{"id": "r", "name": "n", "type": "t"}')]], AzureResource))

    assert [row.name for row in rows] == ["n"]
    assert section.coverage.status == "partial"


def _row(azure: AzureEstate, facts: dict[str, Any]) -> Any:
    meter = Meter()
    with azure.api(meter) as api:
        reader = AzureReader(api, Scope(source="prod", spec=SPEC, id=azure.tenant.id), meter, azure.settings())
        section = reader.section("graph.service_principals")
        meter.add()  # as if it had been asked for
        return section, reader.row(section, Raw(msgspec.json.encode({"id": "sp-1", **facts})), ServicePrincipal)
