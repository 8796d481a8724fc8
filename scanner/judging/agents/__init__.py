"""AI agents: which identities are agents, what their tools can do, and what an outsider could make them do. Pure."""
