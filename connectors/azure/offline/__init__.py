"""Reading a tenant from what the Azure command line wrote: the same readers, with files in the place of the services.

A document is recognized by its content (``recognise.py``), and brought into the form that the services answer in
(``shapes.py``). :class:`~connectors.azure.offline.api.FileApi` then answers in their stead.
"""
