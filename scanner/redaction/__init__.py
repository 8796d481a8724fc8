"""Keeps secrets out of records and output: shapes of secrets, references to them, and masking of records."""
