"""What Entra knows: applications, principals, agents."""
