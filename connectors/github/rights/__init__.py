"""Privilege of permissions."""
