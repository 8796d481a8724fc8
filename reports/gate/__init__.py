"""The gate's page for a terminal, and for a comment on a pull request."""
