"""Fake servers that respond as the providers document it, for the demo and the tests."""
