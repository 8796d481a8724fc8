"""Resources in regions: stored secrets, workloads that run as a role, and AI agents.

Each type of resource is a table in a TOML file of this folder (``catalog.py`` lists them): the calls that list it, and
the paths in their answers to its name, roles and secrets. One reader (``service.py``) reads all of them.
"""
