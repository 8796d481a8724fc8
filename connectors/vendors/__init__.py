"""What the connectors of vendors of AI models have in common."""
