"""When identities and credentials were last used."""
