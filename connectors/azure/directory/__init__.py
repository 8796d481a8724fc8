"""Entra: applications, service principals, managed identities, agents, and what they prove themselves with."""
