"""Calls to Vault and OpenBao: the table of requests, the client, and the fields of answers."""
