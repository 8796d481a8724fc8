"""Creators and last use of identities."""
