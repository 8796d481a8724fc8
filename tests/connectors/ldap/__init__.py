"""Tests of the connector for Active Directory and LDAP."""
