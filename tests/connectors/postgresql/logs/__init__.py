"""PostgreSQL's server log."""
