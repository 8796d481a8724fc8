"""Addresses of database servers."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.postgresql.spec import PostgresqlSettings


@pytest.mark.parametrize(
    "given",
    [
        {"url": "postgresql://muster:secret@db/"},
        {"url": "postgresql://muster:@db/"},
        {"url": "mysql://muster@db/"},
        {"url": "postgresql://db/"},
        {"url": "postgresql://muster@/"},
        {"url": "postgresql://muster@db:0/"},
        {"url": "postgresql://muster@db:x/"},
        {"url": "postgresql://muster@db/?sslmode=disable"},
        {"url": "postgresql://muster@db/", "timeout": 0},
        {"url": "postgresql://muster@db/", "ca_file": "ca.pem", "tls": "none"},
    ],
)
def test_what_is_no_safe_address_is_refused(given: dict[str, Any]) -> None:
    """Above all a password in it; none is quoted."""
    with pytest.raises(ValueError, match=r"\w") as caught:
        PostgresqlSettings(**given)

    assert "secret" not in str(caught.value)


def test_the_parts_of_an_address() -> None:
    """Names are unquoted, the port is the usual one."""
    settings = PostgresqlSettings(url="postgresql://a%40b@[::1]/shop")

    assert (settings.user, settings.host, settings.place, settings.database) == ("a@b", "::1", "[::1]:5432", "shop")


@pytest.mark.parametrize(
    ("url", "more", "security"),
    [
        ("postgresql://m@db.internal/", {}, "verify"),
        ("postgresql://m@127.0.0.1/", {}, None),
        ("postgresql://m@localhost/", {"ca_file": "ca.pem"}, "verify"),
        ("postgresql://m@db.internal/", {"tls": "encrypt"}, "encrypt"),
    ],
)
def test_other_machines_are_verified(url: str, more: dict[str, Any], security: str | None) -> None:
    """Unless the source says otherwise."""
    assert PostgresqlSettings(url=url, **more).security == security
