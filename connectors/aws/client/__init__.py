"""Calls to AWS: clients, sessions, rate limits, and errors."""
