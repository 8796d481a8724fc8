"""Apps, tokens, keys, people, runners, secrets and agents, as identities and records."""
