"""Reading an account from what the AWS command line wrote: the same readers, with files in the place of AWS.

The content of a file decides which operation it answers (``documents.py``), and for which account and region
(``places.py``). :class:`~connectors.aws.offline.client.FileClients` then answers calls instead of AWS.
"""
