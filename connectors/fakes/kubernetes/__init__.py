"""A stand-in for the API server of a Kubernetes cluster: it lists, pages, and enforces RBAC."""
