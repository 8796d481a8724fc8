"""Stand-ins for ticket systems. They refuse what the published description of the API does not have."""
