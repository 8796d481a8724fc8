"""Workflows as identities: the tokens of their jobs, and the identities elsewhere that they sign in as. Pure."""
