"""Talking to Microsoft: sign-in, requests, pacing, batches, and failures as our own errors."""
