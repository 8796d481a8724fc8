"""CloudTrail as a log."""
