"""Active Directory, and directories that are read by LDAP."""
