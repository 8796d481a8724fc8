"""Whatever a server sends, reading ends: in entries, or in a gap that says why."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.core.budget import Limits
from connectors.core.contract import Malformed
from connectors.ldap.client import ber, messages
from connectors.ldap.connector import LdapConnector
from connectors.ldap.place import IS_ACTIVE_DIRECTORY
from connectors.ldap.settings import LdapSettings
from connectors.ldap.spec import TABLE
from connectors.testing import read
from scanner.model import Coverage, Identity
from tests.connectors.ldap.wire import ROOT, Answering, LdapServer, ended, found, healthy, page
from tests.examples import examples

SMALL = Limits(answer_bytes=64 * 1024, answer_seconds=0.5)


def _read(answering: Answering, limits: Limits = SMALL, **given: Any) -> tuple[list[Identity], dict[str, Coverage]]:
    with LdapServer(answering) as server:
        settings = LdapSettings(url=server.url, timeout=0.5, **given)
        records = read(LdapConnector("prod", settings), deadline=5.0, limits=limits)
    coverage = {one.section: one for one in records if isinstance(one, Coverage)}
    return [one for one in records if isinstance(one, Identity)], coverage


def _accounts(answers: Answering) -> Answering:
    """Healthy, but for the search of accounts."""

    def answering(number: int, tag: int, message: bytes) -> Iterable[bytes]:
        is_of_accounts = tag == messages.SEARCH and b"simpleSecurityObject" in message
        yield from (answers if is_of_accounts else healthy)(number, tag, message)

    return answering


def test_a_server_without_accounts_is_read_whole() -> None:
    """So that what follows has no other reason."""
    assert {name: one.status for name, one in _read(healthy)[1].items()} == {
        **dict.fromkeys(("root", "groups", "accounts"), "complete"),
        "acls": "not_offered",
    }


def _refers(number: int, *urls: str) -> bytes:
    body = ber.tlv(messages.REFERENCE, *map(ber.octets, urls))
    return ber.tlv(ber.SEQUENCE, ber.integer(number), body)


@pytest.mark.parametrize("is_ad", [False, True])
def test_references_are_named_and_bounded(is_ad: bool) -> None:
    """In Active Directory other domains are no part of this one, and its own other contexts are nothing."""

    def answering(number: int, tag: int, message: bytes) -> Iterable[bytes]:
        if tag == messages.SEARCH and b"namingContexts" in message and is_ad:
            yield found(number, "", **ROOT, supportedCapabilities=IS_ACTIVE_DIRECTORY)
            yield ended(number, messages.DONE)
            return
        if tag == messages.SEARCH and messages.PAGED.encode() in message:
            yield _refers(number, "ldap://corp/CN=Configuration,DC=corp", "ldap://copy/CN=Configuration,DC=corp")
            yield _refers(number)
            for at in range(1_000):
                yield _refers(number, f"ldap://child{at}.corp/DC=child{at},DC=corp")
        yield from healthy(number, tag, message)

    coverage = _read(answering, Limits(answer_bytes=2**20, answer_seconds=5))[1]

    accounts = coverage["accounts"]
    assert accounts.status == ("complete" if is_ad else "partial")
    assert "ldap://child0.corp/DC=child0,DC=corp" in str(accounts.detail)
    assert "Configuration" not in str(accounts.detail)
    assert len(str(accounts.detail)) < 600  # bounded, however many there are


@pytest.mark.parametrize("is_ad", [False, True])
def test_a_gap_names_the_permission_of_this_sort_of_directory(is_ad: bool) -> None:
    """A server that lists nothing below its base."""

    def denies(number: int, tag: int, message: bytes) -> Iterable[bytes]:
        if tag == messages.SEARCH and b"namingContexts" in message and is_ad:
            yield found(number, "", **ROOT, supportedCapabilities=IS_ACTIVE_DIRECTORY)
            yield ended(number, messages.DONE)
        elif tag == messages.SEARCH and messages.PAGED.encode() in message:
            yield ended(number, messages.DONE, 50)
        else:
            yield from healthy(number, tag, message)

    coverage = _read(denies)[1]

    row = TABLE["groups"]
    assert coverage["groups"].status == "denied"
    assert coverage["groups"].permission == (row.ad if is_ad else row.ldap)


@pytest.mark.parametrize(
    ("code", "status", "says"),
    [
        (49, "denied", "refuses the credentials"),
        (8, "denied", "stronger way to sign in"),
        (53, "failed", "result 53"),
        (52, "failed", "unavailable"),
    ],
)
def test_a_refused_sign_in_is_one_gap_over_everything(code: int, status: str, says: str) -> None:
    def refusing(number: int, tag: int, message: bytes) -> Iterable[bytes]:
        del tag, message
        yield ended(number, messages.BOUND, code, "80090308: data 52e")

    identities, coverage = _read(refusing)

    assert identities == []
    assert [(one.section, one.status) for one in coverage.values()] == [("root", status)]
    assert says in str(coverage["root"].detail)
    assert "data 52e" in str(coverage["root"].detail)


@pytest.mark.parametrize("code", [3, 4, 11])
def test_entries_before_a_limit_of_the_server_are_kept(code: int) -> None:
    """And the section is partial."""

    def limited(number: int, tag: int, message: bytes) -> Iterable[bytes]:
        del tag, message
        yield found(number, "uid=a,dc=example,dc=org", objectClass="account", uid="a")
        yield ended(number, messages.DONE, code)

    identities, coverage = _read(_accounts(limited))

    assert [one.name for one in identities] == ["a"]
    assert coverage["accounts"].status == "partial"
    assert "limit" in str(coverage["accounts"].detail)


def test_pages_follow_each_other_by_the_server_s_cookie() -> None:
    """Each is requested with the cookie of the one before."""

    def paging(number: int, tag: int, message: bytes) -> Iterable[bytes]:
        del tag
        at = next((one for one in (1, 2) if f"cookie-{one}".encode() in message), 0)
        yield found(number, f"uid=a{at},dc=example,dc=org", objectClass="account", uid=f"a{at}")
        yield ended(number, messages.DONE, controls=page(f"cookie-{at + 1}".encode() if at < 2 else b""))

    identities, coverage = _read(_accounts(paging))

    assert [one.name for one in identities] == ["a0", "a1", "a2"]
    assert (coverage["accounts"].status, coverage["accounts"].calls) == ("complete", 3)


def test_pages_in_a_circle_are_a_gap() -> None:
    """An empty page that leads to itself."""

    def circling(number: int, tag: int, message: bytes) -> Iterable[bytes]:
        del tag, message
        yield ended(number, messages.DONE, controls=page(b"again"))

    assert _read(_accounts(circling))[1]["accounts"].status == "failed"


def test_pages_without_end_are_a_gap() -> None:
    """The time of the section ends them, between two pages or within one."""
    numbers = itertools.count()

    def endless(number: int, tag: int, message: bytes) -> Iterable[bytes]:
        del tag, message
        yield ended(number, messages.DONE, controls=page(str(next(numbers)).encode()))

    coverage = _read(_accounts(endless))[1]["accounts"]

    said = str(coverage.detail)
    assert (coverage.status, "not done in the time" in said or "did not answer in time" in said) == ("failed", True)


def test_a_server_without_pages_is_asked_without() -> None:
    """Result 12: it does not know the control."""

    def without(number: int, tag: int, message: bytes) -> Iterable[bytes]:
        del tag
        if messages.PAGED.encode() in message:
            yield ended(number, messages.DONE, 12)
            return
        yield found(number, "uid=a,dc=example,dc=org", objectClass="account", uid="a")
        yield ended(number, messages.DONE)

    identities, coverage = _read(_accounts(without))

    assert ([one.name for one in identities], coverage["accounts"].status) == (["a"], "complete")


def test_values_that_come_in_ranges_are_read_whole() -> None:
    """As Active Directory sends attributes of more than 1,500 values."""

    def ranging(number: int, tag: int, message: bytes) -> Iterable[bytes]:
        if b"objectclass;range=2-*" in message:
            yield _ranged(number, "2-*", "third")
        elif b"simpleSecurityObject" in message:
            yield _ranged(number, "0-1", "account", "second")
        else:
            yield from healthy(number, tag, message)
            return
        yield ended(number, messages.DONE)

    identities, _ = _read(ranging)

    assert identities[0].attributes["object_classes"] == ["account", "second", "third"]


def _ranged(number: int, bounds: str, *values: str) -> bytes:
    return found(number, "uid=a,dc=example,dc=org", **{f"objectclass;range={bounds}": values})


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x30\x80",  # a length without an end
        b"\x30\x84\xff\xff\xff\xff",  # four gigabytes
        b"\x30\x05\x02\x01\x63\x64\x00",  # of another request
        b"\x30\x0c\x02\x01\x00\x78\x07\x0a\x01\x34\x04\x00\x04\x00",  # the notice that it disconnects
        b"\x30\x03\x02\x01\x7f",
        b"",
    ],
    ids=["http", "endless", "huge", "other", "notice", "cut", "closed"],
)
def test_what_is_no_answer_is_a_gap(sent: bytes) -> None:
    """Whatever it is, in time and memory."""

    def broken(number: int, tag: int, message: bytes) -> Iterable[bytes]:
        del number, tag, message
        yield sent
        raise OSError

    assert _read(_accounts(broken))[1]["accounts"].status == "failed"


def test_an_answer_that_comes_a_byte_at_a_time_ends() -> None:
    """With the time for one answer."""

    def dripping(number: int, tag: int, message: bytes) -> Iterable[bytes]:
        import time

        del tag, message
        for byte in found(number, "uid=a,dc=example,dc=org", description="x" * 60_000):
            yield bytes((byte,))
            time.sleep(0.01)

    assert _read(_accounts(dripping))[1]["accounts"].status == "failed"


def test_an_answer_that_is_too_large_ends() -> None:
    """All entries of a page are one answer."""

    def endless(number: int, tag: int, message: bytes) -> Iterable[bytes]:
        del tag, message
        for at in itertools.count():
            yield found(number, f"uid=a{at},dc=example,dc=org", objectClass="account", description="x" * 1000)

    coverage = _read(_accounts(endless))[1]["accounts"]

    assert (coverage.status, "larger than" in str(coverage.detail)) == ("failed", True)


_VALUES = st.lists(st.binary(max_size=40), max_size=3)
_NAMES = st.sampled_from(
    ["objectClass", "uid", "cn", "entryUUID", "createTimestamp", "pwdChangedTime", "userCertificate", "employeeNumber"]
)


@examples(25)
@given(dn=st.text(max_size=30), values=st.dictionaries(_NAMES, _VALUES, max_size=6))
def test_any_entry_is_a_record_or_a_gap(dn: str, values: dict[str, list[bytes]]) -> None:
    """No exception, whatever its attributes hold."""

    def anything(number: int, tag: int, message: bytes) -> Iterable[bytes]:
        del tag, message
        yield found(number, dn, **values)
        yield ended(number, messages.DONE)

    identities, coverage = _read(_accounts(anything))

    assert coverage["accounts"].status == ("complete" if identities else "partial")
    assert all(one.name.strip() and one.key for one in identities)


@given(data=st.binary(max_size=200))
def test_any_bytes_are_a_message_or_malformed(data: bytes) -> None:
    """The parser ends, and raises nothing else."""
    for parse in (messages.response, _of(messages.entry), _of(messages.result)):
        with suppress(Malformed):
            parse(data)


def _of(parse: Callable[[bytes, int, int], object]) -> Callable[[bytes], object]:
    return lambda data: parse(data, 0, len(data))
