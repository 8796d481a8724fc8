"""Subscriptions and management groups: role assignments, managed identities, workloads, Key Vault."""
