"""LDAP: its encoding, its messages, and the connection."""
