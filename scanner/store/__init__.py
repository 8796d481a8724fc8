"""The store: every scan as intervals, on SQLite or PostgreSQL."""
