"""Reading an account from what the AWS command line wrote: the same readers, with files in the place of AWS.

A file is known by what is in it (``recognise.py``), and so is the account and the region that it is of
(``places.py``). :class:`~connectors.aws.offline.client.FileClients` then answers calls in AWS's stead.
"""
