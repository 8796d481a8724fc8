"""Matches identities with registry entries."""
