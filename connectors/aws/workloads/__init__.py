"""What lives in the regions: stored secrets, everything that runs as a role, and AI agents.

Each kind of resource is a declaration (``types/``): which calls list it, where in their answers its name, its roles
and its secrets stand. One reader (``reading.py``) works for all of them.
"""
