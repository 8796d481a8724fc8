"""Resources in regions: stored secrets, workloads that run as a role, and AI agents.

Each type of resource is a declaration (``types/``): the calls that list it, and the paths in their answers to its name,
roles and secrets. One reader (``service.py``) reads all of them.
"""
