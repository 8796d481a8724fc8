"""Suggests entries for unregistered identities, by similarity of names."""
