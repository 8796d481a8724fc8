"""Checks a registry, and edits its file while keeping the owner's layout."""
