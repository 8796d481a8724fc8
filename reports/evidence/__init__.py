"""The evidence pack: what an auditor or insurer needs to check a scan again, without a network and without us."""
