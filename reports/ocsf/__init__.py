"""OCSF 1.6, for security lakes and SIEMs: the scan, its findings, its identities."""
