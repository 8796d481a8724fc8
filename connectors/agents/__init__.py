"""Files that describe AI agents, as the connectors for such files and for repositories read them."""
