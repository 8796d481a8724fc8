"""Connectors: each discovers the identities of one provider."""
