"""Where an identity is other than its entry declares."""
