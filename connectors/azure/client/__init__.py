"""Calls to Microsoft: sign-in, requests, rate limits, batches, and errors."""
