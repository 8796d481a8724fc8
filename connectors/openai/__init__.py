"""OpenAI's organizations."""
