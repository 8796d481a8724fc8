"""Which workload runs as which service account, agents, and stored secrets by name."""
