"""Reports of last use."""
