"""``/api/v1``: the store as JSON, files of what a list shows, and metrics.

``operations.py`` says what an operation is, and ``description.py`` writes OpenAPI from the same records that
``routes.py`` answers by.
"""
