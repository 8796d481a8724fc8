"""Users, roles and the root user of an account, with their credentials."""
