"""Workloads and the service accounts that they run as, agents, and names of stored secrets."""
