"""Workflows as identities: what a workflow file says its jobs may become elsewhere, and with which tokens. Pure."""
