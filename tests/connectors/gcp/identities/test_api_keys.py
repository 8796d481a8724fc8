"""What an API key is open to, and whose it is."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.core.contract import Meter, Scope
from connectors.gcp.client.payloads import ApiKey, ServiceAccount
from connectors.gcp.identities.api_keys import emit_api_keys, note_api_key, parse_api_key, restrictions_of
from connectors.gcp.reader import GcpReader
from connectors.gcp.spec import SPEC
from connectors.gcp.units import GcpUnit as Unit
from connectors.gcp.units import ProjectRef
from tests.connectors.gcp.conftest import Place

PROD = ProjectRef(id="acme-prod", number="1111", labels={"team": "web"})
EMAIL = "billing@acme-prod.iam.gserviceaccount.com"
MAPS, GEMINI = "maps-backend.googleapis.com", "generativelanguage.googleapis.com"


def _row(**fields: Any) -> ApiKey:
    row = {"name": "projects/1111/locations/global/keys/u-1", "uid": "u-1", "displayName": "maps"} | fields
    return msgspec.json.decode(json.dumps(row), type=ApiKey)


@pytest.fixture
def reader(place: Place) -> GcpReader:
    unit = Unit(kind="project", name="projects/acme-prod", projects=(PROD,))
    return GcpReader(
        place.api(), Scope(source="prod", spec=SPEC, id=unit.scope_id, context=unit), Meter(), place.settings()
    )


@pytest.mark.parametrize(
    ("restrictions", "expected"),
    [
        (None, {"unrestricted": True}),
        ({}, {"unrestricted": True}),
        (
            {"browserKeyRestrictions": {"allowedReferrers": ["a.example/*"]}},
            {"unrestricted": True, "clients": "browser"},
        ),
        ({"serverKeyRestrictions": {"allowedIps": ["10.0.0.1"]}}, {"unrestricted": True, "clients": "server"}),
        ({"androidKeyRestrictions": {}}, {"unrestricted": True, "clients": "android"}),
        ({"iosKeyRestrictions": {"allowedBundleIds": ["x"]}}, {"unrestricted": True, "clients": "ios"}),
        ({"apiTargets": [{"service": MAPS}]}, {"apis": [MAPS]}),
        (
            {"apiTargets": [{"service": MAPS, "methods": ["b.*", "a.Get"]}, {"service": GEMINI}]},
            {"apis": ["a.Get", "b.*", GEMINI]},
        ),
        ({"apiTargets": [{"service": MAPS}], "iosKeyRestrictions": {}}, {"apis": [MAPS], "clients": "ios"}),
    ],
)
def test_a_key_without_apis_is_open_to_all_of_them(restrictions: Any, expected: dict[str, Any]) -> None:
    """Whatever clients it is for: a header is soon forged."""
    row = _row() if restrictions is None else _row(restrictions=restrictions)

    assert restrictions_of(row) == expected


def test_a_key_is_an_identity_with_itself_as_credential(reader: GcpReader) -> None:
    """It has no end, and no one records its use."""
    key = parse_api_key(reader, PROD, _row(createTime="2024-01-01T00:00:00Z", annotations={"owner": "ada"}))
    (credential,) = key.credentials

    assert (key.kind, key.name, key.unique_id) == ("api_key", "maps", "u-1")
    assert key.key == "//apikeys.googleapis.com/projects/acme-prod/locations/global/keys/u-1"
    assert key.tags == {"owner": "ada", "project:team": "web"}
    assert (credential.kind, credential.id, credential.never_expires) == ("api_key", "u-1", True)
    assert (credential.created_at, credential.use_tracked_days) == (key.created_at, None)


@pytest.mark.parametrize("name", ["", "  "])
def test_a_key_without_a_name_is_called_by_its_id(reader: GcpReader, name: str) -> None:
    """Display names can be left out."""
    assert parse_api_key(reader, PROD, _row(displayName=name)).name == "u-1"
    assert parse_api_key(reader, PROD, _row(displayName=name, uid="")).unique_id == "u-1"


@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("Browser key (auto created by Firebase)", "Firebase"),
        ("iOS key (auto created by Firebase)", "Firebase"),
        ("firebase", None),
    ],
)
def test_keys_that_firebase_made_say_so(reader: GcpReader, name: str, by: str | None) -> None:
    """No one on the team may know of them."""
    assert parse_api_key(reader, PROD, _row(displayName=name)).attributes.get("created_for") == by


@pytest.mark.parametrize(("api", "signals"), [(GEMINI, 1), ("aiplatform.googleapis.com", 1), (MAPS, 0)])
def test_a_key_for_models_hints_at_an_agent(reader: GcpReader, api: str, signals: int) -> None:
    """A hint, and no more."""
    found = parse_api_key(reader, PROD, _row(restrictions={"apiTargets": [{"service": api}]})).signals

    assert [(one.says, one.strength) for one in found] == [("agent", "weak")] * signals


def _bound(reader: GcpReader, email: str = EMAIL, **fields: Any) -> tuple[bool, list[str], int]:
    reported = note_api_key(reader, PROD, _row(serviceAccountEmail=email, **fields))
    return (
        reported,
        [one.id for one in reader.found.accounts.facts[email].credentials],
        len(list(emit_api_keys(reader))),
    )


def test_a_bound_key_is_its_account_s(reader: GcpReader) -> None:
    """Anyone who has it is the account."""
    reader.found.accounts.note("acme-prod", ServiceAccount(email=EMAIL, unique_id="1"))

    assert _bound(reader) == (False, ["u-1"], 0)


@pytest.mark.parametrize("email", ["gone@acme-prod.iam.gserviceaccount.com", "x@other.iam.gserviceaccount.com", "?"])
def test_a_key_that_is_bound_to_no_one_here_is_an_identity(reader: GcpReader, email: str) -> None:
    """Its account was deleted, or is another unit's."""
    assert _bound(reader, email) == (True, [], 1)


def test_a_key_stays_its_account_s_where_accounts_cannot_be_listed(reader: GcpReader) -> None:
    """Else it would seem to be new whenever they cannot."""
    reader.skipped("iam.service_accounts", "why")

    assert _bound(reader) == (False, ["u-1"], 0)


def test_a_deleted_key_is_left_out(reader: GcpReader) -> None:
    """It can be brought back for 30 days, and opens nothing until then."""
    assert _bound(reader, "", deleteTime="2026-01-01T00:00:00Z") == (False, [], 0)


@given(name=st.text(), uid=st.text(), email=st.text(), key=st.text(), value=st.text())
def test_any_texts_make_a_row(name: str, uid: str, email: str, key: str, value: str) -> None:
    """They are whatever someone wrote."""
    row = _row(name=name, uid=uid, serviceAccountEmail=email, annotations={key: value}, displayName=value)

    assert restrictions_of(row) == {"unrestricted": True}
    assert row.id == uid or name.endswith(row.id)
