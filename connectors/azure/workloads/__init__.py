"""What runs as identities in a subscription, and key vaults by name."""
