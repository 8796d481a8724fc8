"""Agents as files describe them: configurations of MCP clients, A2A agent cards, and definitions for platforms."""
