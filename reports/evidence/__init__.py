"""The evidence pack: everything that an auditor or insurer needs to verify a scan offline."""
