"""What a source of type aws may say, and what it may not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from connectors.aws.settings import AwsSettings


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"endpoint_url": "http://proxy.internal:80"}, "insecure_http = true"),
        ({"endpoint_url": "http://127.0.0.1.evil.example"}, "insecure_http = true"),
        ({"endpoint_url": "ftp://x"}, "an address such as"),
        ({"endpoint_url": "https://user:pw@x"}, "must not hold"),
        ({"regions": ["eu-west-1", "evil.example/"]}, "is not a region"),
        ({"regions": "everywhere"}, "is not a region"),
        ({"regions": []}, "regions is empty"),
        ({"max_rate": 0}, "max_rate"),
        ({"max_attempts": 0}, "max_attempts"),
        ({"organization_role": "arn:aws:iam::111122223333:role/Audit"}, "not an ARN"),
        ({"organization_role": "Audit", "external_id": "with space"}, "external_id allows only"),
        ({"organization_role": "Audit", "session_name": "x"}, "session_name"),
        ({"organization_role": "Audit", "accounts": ["12345"]}, "12 digits"),
        ({"organization_role": "Audit", "skip_accounts": "١٢٣٤٥٦٧٨٩٠١٢"}, "12 digits"),
        ({"accounts": ["111122223333"]}, "need organization_role"),
        ({"skip_accounts": ["111122223333"]}, "need organization_role"),
        ({"external_id": "shared"}, "need organization_role"),
        ({"region": "eu-west-1"}, "unknown field"),
        ({"secret_access_key": "x"}, "unknown field"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_in_words(settings: dict[str, Any], words: str) -> None:
    """The message says what to write instead."""
    with pytest.raises(msgspec.ValidationError, match=words):
        msgspec.convert(settings, AwsSettings)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:5555", "http://localhost:5555", "http://[::1]:5555", "https://aws.internal"]
)
def test_loopback_may_be_plain(url: str) -> None:
    """An emulator on this machine needs no TLS; anything else does."""
    assert AwsSettings(endpoint_url=url).endpoint_url == url
    assert AwsSettings(endpoint_url="http://10.0.0.1", insecure_http=True).insecure_http


@pytest.mark.parametrize(
    ("regions", "named"),
    [
        ("all", None),
        ("eu-west-1", ("eu-west-1",)),
        (["us-gov-west-1", "eu-west-1", "us-gov-west-1"], ("us-gov-west-1", "eu-west-1")),
    ],
)
def test_regions_are_a_name_a_list_or_all(regions: Any, named: tuple[str, ...] | None) -> None:
    """Each named region once."""
    assert msgspec.convert({"regions": regions}, AwsSettings).named_regions == named


def test_accounts_are_an_id_or_a_list() -> None:
    """Each once; and no one reads the external id in a message or a log."""
    reported = {"organization_role": "audit/Reader", "external_id": "shared-with-us"}
    settings = msgspec.convert({**reported, "accounts": ["111122223333", "111122223333"]}, AwsSettings)

    assert settings.named_accounts == ("111122223333",)
    assert msgspec.convert({**reported, "skip_accounts": "111122223333"}, AwsSettings).skipped_accounts == (
        "111122223333",
    )
    assert "shared-with-us" not in repr(settings)
    assert "audit/Reader" in repr(settings)
