"""Last use of identities and credentials."""
