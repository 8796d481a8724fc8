"""What RBAC lets a subject do and become. Pure."""
