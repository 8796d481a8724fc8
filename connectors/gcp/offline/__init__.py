"""Reading projects from what gcloud wrote: the same readers, with files in the place of Google's APIs.

What a row is, is reported by its name and members (``recognise.py``), and so is the project that it is of
(``export.py``). :class:`~connectors.gcp.offline.api.FileApi` then answers requests in Google's stead.
"""
