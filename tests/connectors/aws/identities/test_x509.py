"""When certificates end, against certificates that a library of its own has made."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.aws.identities.user_credentials import ends_at

KEY = ed25519.Ed25519PrivateKey.generate()
FIRST = datetime(1951, 1, 1, tzinfo=UTC)
YEAR_2060 = datetime(2060, 5, 6, 7, 8, 9, tzinfo=UTC)


def certificate(end: datetime, name: str = "x") -> str:
    """A certificate in PEM that ends then, of someone with that name."""
    someone = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(someone).issuer_name(someone).public_key(KEY.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(FIRST).not_valid_after(end)
    return builder.sign(KEY, None).public_bytes(serialization.Encoding.PEM).decode()


@example(end=datetime(1951, 6, 7), name="x")  # noqa: DTZ001  # bounds have no zone
@example(end=datetime(2049, 6, 7), name="x")  # noqa: DTZ001  # bounds have no zone
@given(
    end=st.datetimes(min_value=datetime(1951, 1, 2), max_value=datetime(9999, 12, 31)),  # noqa: DTZ001  # bounds have no zone
    name=st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=64),
)
def test_the_end_is_the_certificate_s_own(end: datetime, name: str) -> None:
    """Of either century, in either form of a date, however long the names before it are."""
    at = end.replace(microsecond=0, tzinfo=UTC)

    assert ends_at(certificate(at, name)) == at


def test_a_bundle_ends_with_its_last_certificate() -> None:
    """As long as one of them holds, someone is let in; what stands between them does not matter."""
    sooner = certificate(YEAR_2060 - timedelta(days=900))

    assert ends_at(f"# the old one\n{sooner}\n# the new one\r\n{certificate(YEAR_2060)}\n{sooner}") == YEAR_2060


def test_a_serial_number_that_should_not_be_changes_nothing() -> None:
    """Old authorities have such ones. The library warns of it, which would be an error here."""
    body = base64.b64decode("".join(certificate(YEAR_2060).splitlines()[1:-1]))
    serial = body.index(b"\xa0\x03\x02\x01\x02\x02") + 7  # what follows the version, its tag and its length
    negative = base64.b64encode(body[:serial] + b"\x80" + body[serial + 1 :]).decode()

    assert ends_at(f"-----BEGIN CERTIFICATE-----\n{negative}\n-----END CERTIFICATE-----\n") == YEAR_2060


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(None, id="nothing"),
        pytest.param("", id="empty"),
        pytest.param("MIIB", id="no certificate"),
        pytest.param("-----BEGIN CERTIFICATE-----\nMIIBAAAA\n-----END CERTIFICATE-----", id="cut short inside"),
        pytest.param("-----BEGIN CERTIFICATE-----\n=\n-----END CERTIFICATE-----", id="not base64"),
        pytest.param("-----BEGIN CERTIFICATE-----\nMIQAAAAAAAA=\n-----END CERTIFICATE-----", id="an empty one"),
        pytest.param("-----BEGIN CERTIFICATE-----\nMIn///////////8=\n-----END CERTIFICATE-----", id="an absurd length"),
    ],
)
def test_what_cannot_be_read_has_no_end_that_we_know(text: str | None) -> None:
    """It is never a traceback, and never a date."""
    assert ends_at(text) is None


@given(st.binary(max_size=200), st.integers(0, 400))
def test_hostile_bytes_are_survived(noise: bytes, at: int) -> None:
    """A certificate that was tampered with gives a date or None."""
    lines = certificate(YEAR_2060).splitlines()
    body = base64.b64decode("".join(lines[1:-1]))
    tampered = base64.b64encode(body[:at] + noise + body[at + len(noise) :]).decode()

    end = ends_at(f"{lines[0]}\n{tampered}\n{lines[-1]}")

    assert end is None or end.tzinfo is UTC
