"""The audit log of an organization of GitHub, from files and live."""
