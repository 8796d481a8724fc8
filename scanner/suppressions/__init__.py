"""Identities and findings that are suppressed: exemptions and acknowledgements."""
