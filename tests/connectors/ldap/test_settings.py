"""What a source's table may say."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.ldap.settings import LdapSettings
from scanner.redaction.redact import SecretRef

PASSWORD = SecretRef(env="LDAP_PASSWORD")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"url": "https://dc1"}, "give an address"),
        ({"url": "ldaps://dc1/dc=example"}, "give an address"),
        ({"url": "ldaps://svc:hunter2@dc1"}, "must not hold a user name"),
        ({"url": "ldaps://dc1:0"}, "port 0"),
        ({"url": "ldaps://dc1:99999"}, "out of range"),
        ({"url": "ldap://dc1"}, "is not encrypted"),
        ({"url": "ldaps://dc1", "start_tls": True}, "start_tls is for ldap"),
        ({"bind_dn": "cn=a"}, "go together"),
        ({"password": PASSWORD}, "go together"),
        ({"bind_dn": "", "password": PASSWORD}, "bind_dn is empty"),
        ({"sasl": "external"}, "takes a certificate"),
        ({"sasl": "external", "certificate": "a", "bind_dn": "cn=a", "password": PASSWORD}, "either bind_dn"),
        ({"key": "a"}, "goes with certificate"),
        ({"page_size": 0}, "page_size"),
        ({"timeout": 0}, "timeout"),
        ({"classes": ()}, "classes"),
    ],
)
def test_a_wrong_setting_is_named(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        LdapSettings(**given)


@pytest.mark.parametrize(
    ("url", "given", "place"),
    [
        ("ldaps://dc1", {}, "dc1:636"),
        ("ldap://dc1", {"start_tls": True}, "dc1:389"),
        ("ldap://dc1:3268", {"insecure_ldap": True}, "dc1:3268"),
        ("ldap://127.0.0.1", {}, "127.0.0.1:389"),
        ("ldaps://[2001:db8::1]", {}, "[2001:db8::1]:636"),
    ],
)
def test_addresses_have_the_ports_of_ldap(url: str, given: dict[str, Any], place: str) -> None:
    assert LdapSettings(url=url, **given).place == place
