"""The declarations, by field."""
