"""Reading a tenant from what the Azure command line wrote: the same readers, with files instead of the services.

A document is recognized by its content (``recognise.py``) and converted into the form of the services' answers
(``shapes.py``). :class:`~connectors.azure.offline.api.FileApi` answers from it.
"""
