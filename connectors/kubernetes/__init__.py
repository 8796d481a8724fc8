"""Kubernetes clusters as a source, and manifests before they are applied."""
