"""Rights in Vault: policies, privilege, consequences, and the trusts of login roles."""
