"""GitHub: what workflows would be able to become, before they are merged."""
