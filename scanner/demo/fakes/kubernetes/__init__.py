"""A fake API server of a Kubernetes cluster: it lists objects, paginates, and enforces RBAC."""
