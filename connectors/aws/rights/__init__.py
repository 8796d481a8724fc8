"""Rights of principals, trust policies of roles, and the privilege and links that follow."""
