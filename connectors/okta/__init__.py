"""Okta: service apps, API tokens and AI agents of an organization."""
