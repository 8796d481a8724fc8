"""Calls to GitHub: requests, sign-in, cached answers."""
