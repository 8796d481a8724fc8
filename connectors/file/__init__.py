"""Lists of identities in files."""
