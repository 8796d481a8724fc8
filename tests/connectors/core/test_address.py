"""Which addresses a source may be given."""

from __future__ import annotations

import pytest

from connectors.core.address import check_url


@pytest.mark.parametrize(
    "url",
    [
        "https://vault.internal:8200",
        "https://vault.internal/",
        "http://127.0.0.1:5555",
        "http://127.8.8.8",
        "http://localhost",
        "http://[::1]:8200",
    ],
)
def test_addresses_that_may_be(url: str) -> None:
    """TLS anywhere, plain http on this machine."""
    check_url(url, insecure_http=False)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://vault.internal", "insecure_http = true"),
        ("http://127.0.0.1.evil.example", "insecure_http = true"),
        ("http://localhost.evil.example", "insecure_http = true"),
        ("http://0.0.0.0:80", "insecure_http = true"),
        ("ftp://x", "an address such as"),
        ("vault.internal:8200", "an address such as"),
        ("https://", "an address such as"),
        ("https://x/?token=y", "an address such as"),
        ("https://x/#y", "an address such as"),
        ("https://user:pw@x", "user name or password"),
        ("https://:pw@x", "user name or password"),
        ("https://x:99999", "[Pp]ort"),
        ("https://x:0", "port 0"),
    ],
)
def test_addresses_that_may_not(url: str, words: str) -> None:
    """The message says what is wrong, and never repeats the address, which may hold a password."""
    with pytest.raises(ValueError, match=words) as caught:
        check_url(url, insecure_http=False)

    assert "pw" not in str(caught.value)


def test_clear_text_on_purpose() -> None:
    """Plain http beyond this machine takes a setting that says so, which allows nothing else."""
    check_url("http://vault.internal", insecure_http=True)

    with pytest.raises(ValueError, match="user name"):
        check_url("http://me@vault.internal", insecure_http=True)
