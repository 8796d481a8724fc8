"""Carries over what earlier scans knew where this scan could not read."""
