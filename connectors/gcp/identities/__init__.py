"""Service accounts, API keys, workload identity pools and agents, with their credentials."""
