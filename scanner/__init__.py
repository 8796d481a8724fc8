"""Muster: finds an organisation's non-human identities and reconciles them with what it has declared."""

__version__ = "0.1.0"
