"""Calls to Google: credentials, requests, REST and gRPC, and errors."""
