"""A small company in a directory of OpenLDAP, as LDIF."""

from __future__ import annotations

from typing import Any

from connectors.ldap.settings import LdapSettings
from scanner.redaction.redact import SecretRef
from tests.servers.slapd import SUFFIX, Slapd

READS_WITH = "reads-only-and-nothing-else"
"""The password of the account that reads."""
READER = f"cn=muster,{SUFFIX}"
SECRET = "the-value-that-nobody-may-see"


def entry(dn: str, *classes: str, **values: str) -> str:
    """An entry of LDIF below the suffix."""
    lines = [f"dn: {dn},{SUFFIX}" if dn else f"dn: {SUFFIX}", *(f"objectClass: {one}" for one in classes)]
    lines += [f"{name}: {one}" for name, value in values.items() for one in value.split("|")]
    return "\n".join(lines) + "\n"


def company(secret: str = SECRET) -> str:
    """Two services, a person, and the account that reads them."""
    return "\n".join(
        (
            entry("", "dcObject", "organization", dc="example", o="Example"),
            entry("ou=services", "organizationalUnit", ou="services"),
            entry("ou=groups", "organizationalUnit", ou="groups"),
            entry("ou=people", "organizationalUnit", ou="people"),
            entry(
                "uid=backup,ou=services", "account", "simpleSecurityObject",
                uid="backup", userPassword=secret, description=f"nightly backup, password: {secret}",
            ),
            entry("uid=crm,ou=services", "account", "simpleSecurityObject", uid="crm", userPassword=secret),
            entry("cn=muster", "organizationalRole", "simpleSecurityObject", cn="muster", userPassword=READS_WITH),
            entry(
                "uid=ada,ou=people", "inetOrgPerson", uid="ada", cn="Ada Lovelace", givenName="Ada", sn="Lovelace",
                mail="ada@example.org", employeeNumber="17", userPassword=secret,
            ),
            entry(
                "cn=operators,ou=groups", "groupOfNames",
                cn="operators", member=f"uid=backup,ou=services,{SUFFIX}|uid=ada,ou=people,{SUFFIX}",
            ),
        )
    )  # fmt: skip


def company_settings(server: Slapd, **given: Any) -> LdapSettings:
    """Settings that read it over TLS, with the password in ``LDAP_PASSWORD``."""
    ways = {"url": server.secure_url, "ca_file": server.ca_file, "bind_dn": READER}
    return LdapSettings(**{**ways, "password": SecretRef(env="LDAP_PASSWORD"), **given})
