"""Who can become whom."""
