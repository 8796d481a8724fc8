"""PostgreSQL, as a real server of Debian's answers."""
