"""Applications, service principals, managed identities and agents, with their credentials."""
