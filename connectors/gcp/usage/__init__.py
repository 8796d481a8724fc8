"""Last use of service accounts and their keys, as far as Google records it."""
