"""Who created what, and when it was last used."""
