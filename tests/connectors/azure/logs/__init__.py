"""Azure's activity log and Entra's sign-ins."""
