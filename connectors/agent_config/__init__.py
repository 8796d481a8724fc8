"""Agents as files describe them: configurations of MCP clients, and A2A agent cards."""
