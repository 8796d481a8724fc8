"""CloudTrail: what identities of AWS did."""
