"""Files instead of a server: LDIF, and what SharpHound collects."""
