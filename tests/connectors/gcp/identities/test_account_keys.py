"""Keys of service accounts and of Cloud Storage, as credentials."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.gcp.identities.accounts import ServiceAccountKey, parse_account_key
from connectors.gcp.identities.other_credentials import HmacKey, parse_hmac_key
from scanner.model import Credential

EMAIL = "billing@acme-prod.iam.gserviceaccount.com"
NAME = f"projects/acme-prod/serviceAccounts/{EMAIL}/keys/0a1b"
REASON = "SERVICE_ACCOUNT_KEY_DISABLE_REASON_"
STATUS = "SERVICE_ACCOUNT_KEY_EXTENDED_STATUS_KEY_"


def _key(**fields: Any) -> Credential:
    row = msgspec.json.decode(json.dumps({"name": NAME} | fields), type=ServiceAccountKey)
    return parse_account_key("acme-prod", EMAIL, row)


def test_a_key_is_reported_by_its_public_id() -> None:
    """And its account."""
    key = _key(keyAlgorithm="KEY_ALG_RSA_2048", validAfterTime="2024-01-01T00:00:00.123456789Z")

    assert (key.kind, key.id) == ("access_key", "0a1b")
    assert key.key == f"//iam.googleapis.com/projects/acme-prod/serviceAccounts/{EMAIL}#access_key:0a1b"
    assert key.created_at is not None
    assert key.created_at.replace(microsecond=0) == datetime(2024, 1, 1, tzinfo=UTC)
    assert key.attributes == {"type": "service_account_key", "algorithm": "KEY_ALG_RSA_2048"}


@pytest.mark.parametrize(
    ("until", "never", "expires"),
    [
        ("9999-12-31T23:59:59Z", True, None),
        ("2027-01-01T00:00:00Z", False, datetime(2027, 1, 1, tzinfo=UTC)),
        (None, False, None),
    ],
)
def test_the_last_year_there_is_means_no_end(until: str | None, never: bool, expires: datetime | None) -> None:
    """Not to know is another thing."""
    key = _key(validBeforeTime=until)

    assert (key.never_expires, key.expires_at) == (never, expires)


@pytest.mark.parametrize(
    ("fields", "enabled", "exposed"),
    [
        ({}, True, None),
        ({"disabled": True}, False, None),
        ({"disabled": True, "disableReason": f"{REASON}USER_INITIATED"}, False, None),
        ({"disabled": True, "disableReason": f"{REASON}EXPOSED"}, False, "Google found it exposed publicly"),
        ({"disabled": True, "disableReason": f"{REASON}COMPROMISE_DETECTED"}, False, "Google detected signs of abuse"),
        ({"extendedStatus": [{"key": f"{STATUS}EXPOSED"}]}, True, "Google found it exposed publicly"),
        (
            {"extendedStatus": [{"key": f"{STATUS}EXPOSED", "value": "https://x.example/a"}]},
            True,
            "Google found it exposed publicly: https://x.example/a",
        ),
        ({"extendedStatus": [{"key": f"{STATUS}COMPROMISE_DETECTED"}]}, True, "Google detected signs of abuse"),
        (
            {"extendedStatus": [{"key": f"{STATUS}EXPOSED"}], "disabled": True, "disableReason": f"{REASON}EXPOSED"},
            False,
            "Google found it exposed publicly",
        ),
        ({"extendedStatus": [{"key": f"{STATUS}KEY_UNSPECIFIED"}]}, True, None),
        (
            {
                "extendedStatus": [{"key": f"{STATUS}COMPROMISE_DETECTED"}, {"key": f"{STATUS}EXPOSED", "value": "x"}],
                "disableReason": f"{REASON}EXPOSED",
            },
            True,
            "Google found it exposed publicly: x; Google detected signs of abuse",
        ),
        (
            {"extendedStatus": [{"key": f"{STATUS}KEY_UNSPECIFIED"}], "disableReason": f"{REASON}EXPOSED"},
            True,
            "Google found it exposed publicly",
        ),
    ],
)
def test_what_google_found_stays_with_a_key(fields: dict[str, Any], enabled: bool, exposed: str | None) -> None:
    """Whether or not it is disabled, no matter who disabled it."""
    key = _key(**fields)

    assert key.enabled is enabled
    assert key.attributes.get("exposed") == exposed


def test_where_it_was_found_is_data() -> None:
    """Someone may have written it for us to show."""
    key = _key(extendedStatus=[{"key": f"{STATUS}EXPOSED", "value": "\x1b[31m" + "x" * 5000}])

    assert "\x1b" not in key.attributes["exposed"]
    assert len(key.attributes["exposed"]) < 400


@pytest.mark.parametrize(("origin", "uploaded"), [("USER_PROVIDED", True), ("GOOGLE_PROVIDED", None), ("", None)])
def test_an_uploaded_key_is_marked(origin: str, uploaded: bool | None) -> None:
    """Its private half was never Google's to protect."""
    assert _key(keyOrigin=origin).attributes.get("uploaded") is uploaded


@given(st.text(), st.text())
def test_any_name_gives_a_key_of_that_account(account: str, key: str) -> None:
    """Names are whatever a server says."""
    row = ServiceAccountKey(name=f"projects/p/serviceAccounts/{account}/keys/{key}")

    assert row.account == account.partition("/")[0]
    assert parse_account_key("p", "e", row).id == key.rpartition("/")[2]


@pytest.mark.parametrize(("state", "enabled"), [("ACTIVE", True), ("INACTIVE", False), ("", False)])
def test_an_hmac_key_has_no_end(state: str, enabled: bool) -> None:
    """And no record of use; its access id is public."""
    row = HmacKey(access_id="GOOG1E", service_account_email=EMAIL, state=state)
    key = parse_hmac_key("acme-prod", row)

    assert (key.kind, key.id, key.enabled, key.never_expires) == ("access_key", "GOOG1E", enabled, True)
    assert (key.last_used_at, key.use_tracked_days) == (None, None)
    assert key.attributes == {"type": "hmac"}
