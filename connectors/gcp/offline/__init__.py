"""Projects read from files that gcloud wrote, by the same readers as from Google's APIs.

The name and members of a row determine its type (``recognise.py``) and its project (``export.py``).
:class:`~connectors.gcp.offline.api.GcpFileApi` then answers the readers' requests.
"""
