"""Talking to AWS: clients, sessions, pacing, and failures as our own errors."""
