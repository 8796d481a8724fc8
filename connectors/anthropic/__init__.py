"""Anthropic's organizations."""
