"""Values of attributes: times, ids, names, flags."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.ldap.accounts import without_password
from connectors.ldap.client.messages import LdapEntry
from connectors.ldap.credentials import key_credential
from connectors.ldap.values import LdapFacts, dns_name, filetime, generalized, guid, relative_name, sid

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (134_116_992_000_000_000, NEW_YEAR),
        (0, None),
        (-1, None),
        (0x7FFF_FFFF_FFFF_FFFF, None),
        (2**62, None),  # beyond the years that there are
        (None, None),
    ],
)
def test_a_filetime_counts_from_1601(value: int | None, moment: datetime | None) -> None:
    assert filetime(value) == moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("20260101000000.0Z", NEW_YEAR),
        ("20260101000000Z", NEW_YEAR),
        ("202601010000Z", NEW_YEAR),
        ("20260101013000+0130", NEW_YEAR),
        ("20251231210000-03", NEW_YEAR),
        ("20261301000000Z", None),
        ("000001010000Z", None),
        ("20260101000000", None),
        ("", None),
    ],
)
def test_generalized_time(text: str, moment: datetime | None) -> None:
    assert generalized(text) == moment


@given(st.uuids())
def test_a_guid_is_as_microsoft_writes_it(value: UUID) -> None:
    assert guid(value.bytes_le) == str(value)


@given(st.binary(max_size=80))
def test_any_bytes_are_a_sid_a_guid_or_nothing(data: bytes) -> None:
    assert sid(data) is None or str(sid(data)).startswith("S-1-")
    assert guid(data) is None or len(data) == 16
    key_credential(data)


def test_a_sid_has_its_authority_and_parts() -> None:
    domain = bytes.fromhex("010500000000000515000000 01000000 02000000 03000000 00020000".replace(" ", ""))

    assert sid(domain) == "S-1-5-21-1-2-3-512"
    assert sid(domain[:-1]) is None


def test_a_key_credential_has_an_id_and_a_day() -> None:
    """The blob has a version, and entries of length, sort and value; the key itself is not kept."""
    created = (134_116_992_000_000_000).to_bytes(8, "little")
    entries = [(1, b"\xab" * 32), (3, b"public"), (4, b"\x01"), (6, b"\x01" * 16), (9, created)]
    blob = b"\x00\x02\x00\x00" + b"".join(len(v).to_bytes(2, "little") + bytes((k,)) + v for k, v in entries)
    value = f"B:{len(blob) * 2}:{blob.hex().upper()}:CN=a,DC=b".encode()

    assert key_credential(value) == ("ab" * 32, NEW_YEAR, {"usage": "sign-in", "of_device": True})
    assert key_credential(b"B:4:zz:CN=a") is None


@pytest.mark.parametrize(
    ("dn", "name"),
    [("DC=corp,DC=Example,DC=com", "corp.example.com"), ("o=acme", None), ("", None), ("OU=a,DC=b", None)],
)
def test_a_naming_context_may_be_a_domain(dn: str, name: str | None) -> None:
    assert dns_name(dn) == name


@pytest.mark.parametrize(
    ("dn", "name"), [("CN=a\\, b,DC=c", "a, b"), ("CN=a", "a"), ("", ""), ("CN=,DC=c", "CN=,DC=c")]
)
def test_the_first_part_of_a_name_is_what_people_read(dn: str, name: str) -> None:
    assert relative_name(dn) == name


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Service password: Summer2024!", "Service password: •••"),
        ("pw=hunter2secret", "pw=•••"),
        ("Kennwort Winter2023!", "Kennwort •••"),
        ("Kennwort ist geheim99", "Kennwort ist •••"),
        ("mot de passe : Été2024", "mot de passe : •••"),
        ("password never expires", "password never expires"),
        ("resets the password of users", "resets the password of users"),
        ("spins a wheel", "spins a wheel"),
        (None, None),
    ],
)
def test_passwords_in_descriptions_are_masked(written: str | None, kept: str | None) -> None:
    assert without_password(written) == kept


@given(st.dictionaries(st.sampled_from(["a", "b"]), st.lists(st.binary(max_size=30), min_size=1)))
def test_any_value_is_read_or_unknown(values: dict[str, list[bytes]]) -> None:
    facts = LdapFacts(LdapEntry("cn=x", values))

    for name in ("a", "B"):
        number = facts.number(name)
        assert number is None or isinstance(number, int)
        assert all(facts.texts(name)) or facts.texts(name) == ()
        assert facts.text(name) != ""
        facts.filetime(name)
        facts.moment(name)
