"""Talking to Google: credentials, requests, REST and gRPC, and failures as our own errors."""
