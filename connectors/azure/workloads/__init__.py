"""Workloads that run as identities in a subscription, and key vaults by name."""
