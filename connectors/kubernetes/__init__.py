"""Kubernetes: what manifests would bring, before they are applied."""
