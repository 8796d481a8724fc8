"""Which identity can assume which: links, trusts, privilege and attack paths."""
