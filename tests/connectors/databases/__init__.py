"""What the connectors of database servers share."""
