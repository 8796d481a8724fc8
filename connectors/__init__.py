"""Connectors: each lists the identities of one kind of provider."""
