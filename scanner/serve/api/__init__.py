"""``/api/v1``: the store as JSON, lists as files, and metrics.

``operations.py`` defines an operation, and ``description.py`` generates OpenAPI from the same records that
``routes.py`` uses.
"""
