"""The store: every scan as intervals."""
